//! A checked image, its network and its matcher in one.

use core::fmt;

use format::gallery::Gallery;
use format::policy::{Angle, Kind, Policy};
use format::{Image, ImageError};
use link::message::{Decision, Neighbour, Ruling};
use matcher::{Centres, Margin, Matcher, Rules, RunnerUp};
use nn::{EmbedError, LoadError, Network, RowSource};

use crate::show::{self, Posterior};

/// Why an image cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The image is damaged, of another version, or inconsistent.
    Image(ImageError),
    /// Its network cannot be run here.
    Network(LoadError),
    /// Its centres or its margin are not what the matcher takes.
    Matcher,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Network(error) => error.fmt(f),
            Self::Matcher => write!(f, "image: centres or margin are malformed"),
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
        let gallery = centres(&image.gallery)?;
        let cohort = image.cohort.as_ref().map(centres).transpose()?;
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

    /// Decides on an embedding.
    ///
    /// # Panics
    /// When it does not have the network's dimension.
    pub fn recognise(&self, embedding: &[i16]) -> Decision {
        let outcome = self.matcher.decide(embedding);
        let confidence = outcome.best.map_or(0.0, |best| {
            let margin_rad = self.image.policy.margin.urad as f32 * 1e-6;
            let mut posterior = Posterior::new(self.image.policy.logit_scale, margin_rad, best.cosine_q30);
            self.matcher.cosines(embedding, |person, cosine_q30| {
                if person != best.person {
                    posterior.add(cosine_q30);
                }
            });
            posterior.probability()
        });
        Decision {
            ruling: ruling(outcome.verdict),
            certified: outcome.certified,
            confidence,
            best: outcome.best.as_ref().map(|best| self.neighbour(best)),
            runner_up: outcome.runner_up.as_ref().map(|runner_up| match runner_up {
                RunnerUp::Person(person) => self.neighbour(person),
                RunnerUp::Stranger(stranger) => {
                    Neighbour { name: Default::default(), ..self.neighbour(stranger) }
                }
            }),
        }
    }

    fn neighbour(&self, candidate: &matcher::Candidate) -> Neighbour {
        let name = self.image.gallery.person(candidate.person).map_or("", |person| person.name);
        Neighbour {
            name: name.try_into().unwrap_or_default(),
            cosine_q30: candidate.cosine_q30,
            angle_degrees: show::angle_degrees(candidate.cosine_q30),
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

fn centres<'a>(gallery: &Gallery<'a>) -> Result<Centres<'a>, StartError> {
    Centres::new_checked(gallery.dimension(), gallery.vectors, gallery.norms, gallery.owners)
        .map_err(|_| StartError::Matcher)
}

/// A verdict as it is told.
fn ruling(verdict: matcher::Verdict) -> Ruling {
    use matcher::{Rejection, Verdict};
    match verdict {
        Verdict::Accepted => Ruling::Accepted,
        Verdict::Rejected(Rejection::TooFar) => Ruling::TooFar,
        Verdict::Rejected(Rejection::Ambiguous) => Ruling::Ambiguous,
        Verdict::Rejected(Rejection::NobodyEnrolled) => Ruling::NobodyEnrolled,
        Verdict::Rejected(Rejection::Degenerate) => Ruling::Degenerate,
    }
}
