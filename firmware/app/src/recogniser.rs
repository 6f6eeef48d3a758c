//! A checked image, its network and its matcher in one.

use core::fmt;

use format::gallery::Gallery;
use format::{Image, ImageError};
use matcher::{Centres, Margin, Matcher, Outcome, Rules, RunnerUp};
use nn::{EmbedError, LoadError, Network, RowSource};

use crate::protocol::{Candidate, Verdict};

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
        let policy = &image.policy;
        let margin = Margin::new_checked(policy.margin_cos_q30, policy.margin_sin_q30);
        let rules = Rules {
            threshold_q30: policy.threshold_q30(image.gallery.people_count()),
            margin: Some(margin.map_err(|_| StartError::Matcher)?),
        };
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
    pub fn decide(&self, embedding: &[i16]) -> Outcome {
        self.matcher.decide(embedding)
    }

    /// A candidate of an [`Outcome`] with their name.
    pub fn name(&self, candidate: &matcher::Candidate) -> Candidate {
        let name = self.image.gallery.person(candidate.person).map_or("", |person| person.name);
        Candidate { name: name.try_into().unwrap_or_default(), cosine_q30: candidate.cosine_q30 }
    }

    /// The runner-up of an [`Outcome`], with their name if enrolled.
    pub fn name_runner_up(&self, runner_up: &RunnerUp) -> Candidate {
        match runner_up {
            RunnerUp::Person(candidate) => self.name(candidate),
            RunnerUp::Stranger(candidate) => {
                Candidate { name: Default::default(), cosine_q30: candidate.cosine_q30 }
            }
        }
    }
}

fn centres<'a>(gallery: &Gallery<'a>) -> Result<Centres<'a>, StartError> {
    Centres::new_checked(gallery.dimension(), gallery.vectors, gallery.norms, gallery.owners)
        .map_err(|_| StartError::Matcher)
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
