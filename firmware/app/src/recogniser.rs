//! A checked image, its network and its matcher in one.

use core::fmt;

use format::policy::{Angle, Kind, Policy};
use format::{Image, ImageError};
use matcher::{Centres, Margin, Matcher, Outcome, Rules, RunnerUp};
use nn::{EmbedError, LoadError, Network, RowSource};

use crate::protocol::{Candidate, Decision, Verdict};
use crate::show::{self, Posterior};

/// Why an image cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The image is damaged, of another version, or inconsistent.
    Image(ImageError),
    /// Its network cannot be run here.
    Network(LoadError),
    /// Its margin is not what the matcher takes.
    Matcher,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Network(error) => error.fmt(f),
            Self::Matcher => write!(f, "image: the margin is malformed"),
        }
    }
}

impl core::error::Error for StartError {}

/// Recognises faces with the image's network of at most `N` layers.
#[derive(Clone, Debug)]
pub struct Recogniser<'a, const N: usize> {
    image: Image<'a>,
    network: Network<'a, N>,
    matcher: Matcher<'a>,
}

impl<'a, const N: usize> Recogniser<'a, N> {
    /// Checks an image; see [`Image::new_checked`] for where it has to lie.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, StartError> {
        let image = Image::new_checked(bytes).map_err(StartError::Image)?;
        Self::of_image(image)
    }

    /// From an image that is checked already.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn of_image(image: Image<'a>) -> Result<Self, StartError> {
        let rules = rules(&image.policy, image.gallery.people_count())?;
        let gallery = Centres::of_gallery(&image.gallery);
        let cohort = image.cohort.as_ref().map(Centres::of_gallery);
        let matcher = Matcher::new_checked(gallery, cohort, rules).map_err(|_| StartError::Matcher)?;
        // Last and by hand, as it is large: every step between would be a copy on the stack.
        match Network::new(&image.model) {
            Ok(network) => Ok(Recogniser { image, network, matcher }),
            Err(error) => Err(StartError::Network(error)),
        }
    }

    /// The image.
    pub fn image(&self) -> &Image<'a> {
        &self.image
    }

    /// The network.
    pub fn network(&self) -> &Network<'a, N> {
        &self.network
    }

    /// The matcher.
    pub fn matcher(&self) -> &Matcher<'a> {
        &self.matcher
    }

    /// Computes an embedding; see [`Network::embed`].
    ///
    /// # Errors
    /// [`EmbedError`].
    pub fn embed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
    ) -> Result<(), EmbedError<S::Error>> {
        self.network.embed(source, arena, embedding)
    }

    /// Decides on an embedding: in integers, and all that a door needs.
    ///
    /// # Panics
    /// When it does not have the network's dimension.
    pub fn decide(&self, embedding: &[i16]) -> Outcome {
        self.matcher.decide(embedding)
    }

    /// What is shown of a decision: names, angles and the confidence, which takes about as long as the decision.
    ///
    /// # Panics
    /// As [`Self::decide`].
    pub fn show(&self, embedding: &[i16], outcome: &Outcome) -> Decision {
        Decision {
            verdict: outcome.verdict.into(),
            certified: outcome.certified,
            confidence: self.confidence(embedding, outcome),
            best: outcome.best.as_ref().map(|best| self.candidate(best)),
            runner_up: outcome.runner_up.as_ref().map(|runner_up| match runner_up {
                RunnerUp::Person(person) => self.candidate(person),
                RunnerUp::Stranger(stranger) => {
                    Candidate { name: Default::default(), ..self.candidate(stranger) }
                }
            }),
        }
    }

    /// [`Self::decide`] and [`Self::show`] in one.
    ///
    /// # Panics
    /// As [`Self::decide`].
    pub fn recognise(&self, embedding: &[i16]) -> Decision {
        self.show(embedding, &self.decide(embedding))
    }

    /// Probability of the best person among everybody enrolled ([`Posterior`]); 0 if there is none.
    ///
    /// # Panics
    /// As [`Self::decide`].
    pub fn confidence(&self, embedding: &[i16], outcome: &Outcome) -> f32 {
        let Some(best) = &outcome.best else { return 0.0 };
        let policy = &self.image.policy;
        let mut posterior = Posterior::new(policy.logit_scale, policy.margin, best);
        let least_q30 = posterior.least_cosine_q30();
        self.matcher.others_within(embedding, best, least_q30, &mut |other| posterior.add(other));
        posterior.probability()
    }

    fn candidate(&self, candidate: &matcher::Candidate) -> Candidate {
        let cosine_q30 = candidate.cosine_q30();
        let name = self.image.gallery.person(candidate.person).map_or("", |person| person.name);
        Candidate {
            name: name.try_into().unwrap_or_default(),
            cosine_q30,
            angle_degrees: show::angle_degrees(cosine_q30),
        }
    }
}

/// The matcher's rules for a gallery of `people`.
fn rules(policy: &Policy, people: usize) -> Result<Rules, StartError> {
    let margin =
        |angle: Angle| Margin::new_checked(angle.cos_q30, angle.sin_q30).map_err(|_| StartError::Matcher);
    let threshold_q30 = policy.threshold_q30(people);
    let certificate = Some(margin(policy.certificate)?);
    let rules = Rules { certificate, ..Rules::absolute(threshold_q30) };
    Ok(match policy.kind {
        Kind::Absolute => rules,
        Kind::Calibrated => Rules { margin: Some(margin(policy.margin)?), ..rules },
        Kind::Margin => Rules { threshold_q30: i32::MIN, cap: Some(margin(policy.cap)?), ..rules },
    })
}

impl From<matcher::Verdict> for Verdict {
    fn from(verdict: matcher::Verdict) -> Self {
        use matcher::Rejection;
        match verdict {
            matcher::Verdict::Accepted => Verdict::Accepted,
            matcher::Verdict::Rejected(Rejection::TooFar) => Verdict::TooFar,
            matcher::Verdict::Rejected(Rejection::Ambiguous) => Verdict::Ambiguous,
            matcher::Verdict::Rejected(Rejection::NobodyEnrolled) => Verdict::NobodyEnrolled,
            matcher::Verdict::Rejected(Rejection::Degenerate) => Verdict::Degenerate,
        }
    }
}
