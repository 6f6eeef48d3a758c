//! A checked image with its networks and its matcher.

use core::fmt;

use face::{Eyes, EyesError};
use format::policy::{Angle, Kind, Policy};
use format::{Image, ImageError, Role};
use heapless::String;
use link::message::{Decision, Neighbour, Ruling};
use matcher::{
    Centres, DecideError, Judge, Margin, Matcher, Outcome, Rules, RunnerUp, Runs, ScanError, others_within,
};
use nn::{LoadError, Network, RowSource, RunError};

use crate::show::{self, Posterior};

/// Why an image cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The image is damaged, has another version, or is inconsistent.
    Image(ImageError),
    /// A network cannot be run on this board.
    Network(Role, LoadError),
    /// The networks that find and examine faces cannot be run on this board.
    Eyes(EyesError),
    /// The image has eyes, but its embedder does not take aligned faces.
    Template,
    /// The matcher refuses its people, its strangers or its margin.
    Matcher,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Network(role, error) => write!(f, "{}: {error}", role.name()),
            Self::Eyes(error) => error.fmt(f),
            Self::Template => {
                write!(
                    f,
                    "embedder: its input is no aligned face, so that the faces of a frame cannot be cut out for it"
                )
            }
            Self::Matcher => write!(f, "image: its people, its strangers or its margin are malformed"),
        }
    }
}

impl core::error::Error for StartError {}

/// Recognises faces with the image's embedder.
#[derive(Clone, Debug)]
pub struct Recogniser<'a> {
    image: Image<'a>,
    embedder: Network<'a>,
    eyes: Option<Eyes<'a>>,
    matcher: Matcher<'a>,
}

impl<'a> Recogniser<'a> {
    /// Checks an image. The arena must be large enough for its networks. See [`Image::new_checked`] for the image's
    /// alignment.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(bytes: &'a [u8], arena: &mut [u8]) -> Result<Self, StartError> {
        let image = Image::new_checked(bytes).map_err(StartError::Image)?;
        Self::of_image(image, arena)
    }

    /// A recogniser of an image that is already checked.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn of_image(image: Image<'a>, arena: &mut [u8]) -> Result<Self, StartError> {
        let rules = rules(&image.policy, image.gallery.people_count())?;
        let centres = |of| Centres::of_gallery(of).map_err(|_| StartError::Matcher);
        let gallery = centres(&image.gallery)?;
        let cohort = image.cohort.as_ref().map(centres).transpose()?;
        let matcher = Matcher::new_checked(gallery, cohort, rules).map_err(|_| StartError::Matcher)?;
        let load = |role: Role, model, arena: &mut [u8]| {
            Network::new(model, arena).map_err(|error| StartError::Network(role, error))
        };
        let embedder = load(Role::Embedder, image.embedder, arena)?;
        let eyes = Eyes::of_image(&image, arena).map_err(StartError::Eyes)?;
        if eyes.is_some() && image.embedder.preprocess().template == [[0; 2]; 5] {
            return Err(StartError::Template);
        }
        if eyes.is_none() {
            // Whoever runs them finds them checked.
            for role in [Role::Detector, Role::Landmarks, Role::Liveness] {
                image.network(role).map(|model| load(role, model, arena)).transpose()?;
            }
        }
        Ok(Recogniser { image, embedder, eyes, matcher })
    }

    /// The networks that find and examine faces, if the image has them.
    pub fn eyes(&self) -> Option<&Eyes<'a>> {
        self.eyes.as_ref()
    }

    /// The network that makes embeddings.
    pub fn embedder(&self) -> &Network<'a> {
        &self.embedder
    }

    /// The image.
    pub fn image(&self) -> &Image<'a> {
        &self.image
    }

    /// The matcher.
    pub fn matcher(&self) -> &Matcher<'a> {
        &self.matcher
    }

    /// The matcher's judge for `people` people: the threshold follows their number.
    pub fn judge(&self, people: usize) -> Judge<'a> {
        let judge = self.matcher.judge();
        let threshold_q30 = match self.image.policy.terms().kind {
            Kind::Absolute | Kind::Calibrated => self.image.policy.threshold_q30(people),
            Kind::Margin => judge.rules.threshold_q30,
        };
        Judge { rules: Rules { threshold_q30, ..judge.rules }, ..*judge }
    }

    /// Computes an embedding; see [`Network::embed`].
    ///
    /// # Errors
    /// [`RunError`].
    pub fn embed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
    ) -> Result<(), RunError<S::Error>> {
        self.embedder.embed(source, arena, embedding)
    }

    /// Decides on an embedding in integers. A door needs nothing more.
    ///
    /// # Errors
    /// [`ScanError`], for example when it does not have the network's dimension.
    pub fn decide(&self, embedding: &[i16]) -> Result<Outcome, ScanError> {
        self.matcher.decide(embedding)
    }

    /// The part of a decision that is only shown: names, angles and the confidence. Takes about as long as the
    /// decision.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub fn show(&self, embedding: &[i16], outcome: &Outcome) -> Result<Decision, ScanError> {
        let confidence = self.confidence(&mut { *self.matcher.gallery() }, embedding, outcome);
        let confidence = confidence.map_err(|DecideError::Scan(error)| error)?;
        let name = |person| self.image.gallery.person(person).map_or("", |person| person.name);
        Ok(shown(outcome, confidence, |person| name(person).try_into().unwrap_or_default()))
    }

    /// [`Self::decide`] and [`Self::show`] in one.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub fn recognise(&self, embedding: &[i16]) -> Result<Decision, ScanError> {
        self.show(embedding, &self.decide(embedding)?)
    }

    /// Probability of the best person among everybody enrolled ([`Posterior`]); 0 if there is none.
    ///
    /// # Errors
    /// [`DecideError`].
    pub fn confidence<R: Runs>(
        &self,
        gallery: &mut R,
        embedding: &[i16],
        outcome: &Outcome,
    ) -> Result<f32, DecideError<R::Error>> {
        let Some(best) = &outcome.best else { return Ok(0.0) };
        let policy = self.image.policy.terms();
        let mut posterior = Posterior::new(policy.logit_scale, policy.margin, best);
        let least_q30 = posterior.least_cosine_q30();
        others_within(gallery, embedding, best, least_q30, &mut |other| posterior.add(other))?;
        Ok(posterior.probability())
    }
}

/// A decision as it is shown. `name` gives the name of an enrolled person.
pub fn shown(
    outcome: &Outcome,
    confidence: f32,
    mut name: impl FnMut(u16) -> String<{ format::gallery::MAX_NAME }>,
) -> Decision {
    let neighbour = |candidate: &matcher::Candidate, name| {
        let cosine_q30 = candidate.cosine_q30();
        Neighbour { name, cosine_q30, angle_degrees: show::angle_degrees(cosine_q30) }
    };
    Decision {
        ruling: ruling(outcome.verdict),
        certified: outcome.certified,
        confidence,
        best: outcome.best.as_ref().map(|best| neighbour(best, name(best.person))),
        runner_up: outcome.runner_up.as_ref().map(|runner_up| match runner_up {
            RunnerUp::Person(person) => neighbour(person, name(person.person)),
            RunnerUp::Stranger(stranger) => neighbour(stranger, String::new()),
        }),
    }
}

/// The matcher's rules for a gallery of `people`.
fn rules(policy: &Policy<'_>, people: usize) -> Result<Rules, StartError> {
    let margin =
        |angle: Angle| Margin::new_checked(angle.cos_q30, angle.sin_q30).map_err(|_| StartError::Matcher);
    let threshold_q30 = policy.threshold_q30(people);
    let policy = policy.terms();
    let certificate = Some(margin(policy.certificate)?);
    let rules = Rules { certificate, ..Rules::absolute(threshold_q30) };
    Ok(match policy.kind {
        Kind::Absolute => rules,
        Kind::Calibrated => Rules { margin: Some(margin(policy.margin)?), ..rules },
        Kind::Margin => Rules { threshold_q30: i32::MIN, cap: Some(margin(policy.cap)?), ..rules },
    })
}

/// A verdict in the link's terms.
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
