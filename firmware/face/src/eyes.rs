//! From a frame to a face that is fit for recognition: [`Eyes`] scan frames, examine a face, and give its crop.

use core::convert::Infallible;
use core::fmt;

use format::gates::{Gates, Quality, Refusal};
use format::network::Model;
use format::preprocess::Preprocess;
use format::sight::{Family, Sight};
use format::{Image, Role};
use nn::{LoadError, Network, Outputs, RowSource, RunError};
use vision::{Frame, Points, Rect, Similarity, Warp};

use crate::found::{Faces, Found};
use crate::picture::{around, view};
use crate::{landmarks, liveness, quality, ssd, yunet};

/// Why networks cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EyesError {
    /// A network cannot be run.
    Network(Role, LoadError),
    /// A network does not have the outputs that the SIGHT section describes.
    Outputs(Role),
    /// The detector gives no landmarks and the image has no network for them.
    NoLandmarks,
}

impl fmt::Display for EyesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(role, error) => write!(f, "{}: {error}", role.name()),
            Self::Outputs(role) => {
                write!(f, "{}: its outputs are not those that the image describes", role.name())
            }
            Self::NoLandmarks => {
                write!(f, "landmarks: the detector gives none and there is no network for them")
            }
        }
    }
}

impl core::error::Error for EyesError {}

/// A network that finds faces, with the meaning of its outputs.
#[derive(Clone, Copy, Debug)]
pub struct Detector<'a> {
    network: Network<'a>,
    sight: Sight,
}

impl<'a> Detector<'a> {
    /// A detector whose outputs are read as `sight` says. The arena must be large enough for it.
    ///
    /// # Errors
    /// [`EyesError`].
    pub fn new_checked(model: Model<'a>, sight: Sight, arena: &mut [u8]) -> Result<Self, EyesError> {
        let fits = match sight.family {
            Family::Ssd => ssd::fits(&model, &sight),
            Family::YuNet => yunet::fits(&model),
        };
        Ok(Detector { network: load(Role::Detector, model, fits, arena)?, sight })
    }

    /// Finds the faces in a part of a frame, the surest first. The part may reach beyond the frame.
    ///
    /// # Errors
    /// [`RunError::Arena`].
    pub fn scan(
        &self,
        frame: &Frame<'_>,
        part: &Rect,
        arena: &mut [u8],
        observe: Observe<'_>,
    ) -> Result<Faces, RunError<Infallible>> {
        let model = self.network.model();
        let input = model.preprocess();
        let shown = around(part, [input.width, input.height]);
        let outputs = run(&self.network, &mut view(frame, shown, &input), arena, observe)?;
        Ok(match self.sight.family {
            Family::Ssd => ssd::faces(model, &outputs, &self.sight, &shown),
            Family::YuNet => yunet::faces(model, &outputs, &self.sight, &shown),
        })
    }

    /// Description of its picture.
    pub fn input(&self) -> Preprocess {
        self.network.model().preprocess()
    }
}

/// Called after every row that a network makes, so that a board can report that it still works. `&mut || {}` does
/// nothing.
pub type Observe<'o> = &'o mut dyn FnMut();

/// Runs a network on a picture of a frame.
fn run<'a, 'b, S: RowSource<Error = Infallible>>(
    network: &Network<'a>,
    source: &mut S,
    arena: &'b mut [u8],
    observe: Observe<'_>,
) -> Result<Outputs<'a, 'b>, RunError<Infallible>> {
    network.run_observed(source, arena, |_, _, _| observe())
}

/// A network ready to run, if it has the outputs that it should.
fn load<'a>(role: Role, model: Model<'a>, fits: bool, arena: &mut [u8]) -> Result<Network<'a>, EyesError> {
    let network = Network::new(model, arena).map_err(|error| EyesError::Network(role, error))?;
    if fits { Ok(network) } else { Err(EyesError::Outputs(role)) }
}

/// The networks that find and examine faces.
#[derive(Clone, Copy, Debug)]
pub struct Eyes<'a> {
    detector: Detector<'a>,
    landmarks: Option<Network<'a>>,
    liveness: Option<Network<'a>>,
}

/// An examined face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its landmarks in the frame.
    pub points: Points,
    /// Its measurements; `None` when the landmarks cannot belong to a face.
    pub quality: Option<Quality>,
}

impl Look {
    /// Whether the face is fit for recognition.
    ///
    /// # Errors
    /// The first limit that it breaks.
    pub fn check(&self, gates: &Gates) -> Result<(), Refusal> {
        gates.check(&self.quality.ok_or(Refusal::NOWHERE)?)
    }
}

impl<'a> Eyes<'a> {
    /// The eyes of an image; `None` if it has none. The arena must be large enough for its networks.
    ///
    /// # Errors
    /// [`EyesError`].
    pub fn of_image(image: &Image<'a>, arena: &mut [u8]) -> Result<Option<Self>, EyesError> {
        let (Some(sight), Some(detector)) = (image.sight(), image.network(Role::Detector)) else {
            return Ok(None);
        };
        let [landmarks, liveness] = [Role::Landmarks, Role::Liveness].map(|role| image.network(role));
        Self::new_checked(detector, landmarks, liveness, sight, arena).map(Some)
    }

    /// Eyes of these networks, whose outputs are read as `sight` says.
    ///
    /// # Errors
    /// [`EyesError`].
    pub fn new_checked(
        detector: Model<'a>,
        landmarks: Option<Model<'a>>,
        liveness: Option<Model<'a>>,
        sight: Sight,
        arena: &mut [u8],
    ) -> Result<Self, EyesError> {
        if sight.family == Family::Ssd && landmarks.is_none() {
            return Err(EyesError::NoLandmarks);
        }
        let detector = Detector::new_checked(detector, sight, arena)?;
        let landmarks = match landmarks {
            Some(model) => Some(load(Role::Landmarks, model, landmarks::fits(&model), arena)?),
            None => None,
        };
        let liveness = match liveness {
            Some(model) => Some(load(Role::Liveness, model, liveness::fits(&model, &sight), arena)?),
            None => None,
        };
        Ok(Eyes { detector, landmarks, liveness })
    }

    /// How outputs are read, and the limits of a usable face.
    pub fn sight(&self) -> &Sight {
        &self.detector.sight
    }

    /// Whether there is a network for the photo check.
    pub fn has_liveness(&self) -> bool {
        self.liveness.is_some()
    }

    /// The network that finds faces.
    pub fn detector(&self) -> &Detector<'a> {
        &self.detector
    }

    /// Finds the faces of a frame, the surest first.
    ///
    /// # Errors
    /// [`RunError::Arena`].
    pub fn scan(
        &self,
        frame: &Frame<'_>,
        arena: &mut [u8],
        observe: Observe<'_>,
    ) -> Result<Faces, RunError<Infallible>> {
        self.detector.scan(frame, &frame.rect(), arena, observe)
    }

    /// Examines a face of a frame.
    ///
    /// # Errors
    /// [`RunError::Arena`].
    pub fn look(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &mut [u8],
        observe: Observe<'_>,
    ) -> Result<Look, RunError<Infallible>> {
        let Some(network) = &self.landmarks else {
            // A detector with landmarks, which `new_checked` has made sure of.
            let points = landmarks::shifted(&found.points.unwrap_or_default(), &self.sight().points_q16);
            return Ok(Look { points, quality: quality::measure(frame, &points, 0) });
        };
        // First in the picture that the box shows, then in the mirror image of a picture that the first landmarks make
        // upright: their errors differ, so that the mean is better, and what is no face does not stay.
        let square = landmarks::part(&found.bounds, self.sight());
        let model = network.model();
        let input = model.preprocess();
        let outputs = run(network, &mut view(frame, square, &input), arena, &mut *observe)?;
        let first = landmarks::in_square(&landmarks::shares(model, &outputs), &square);
        let size = [input.width, input.height];
        let Some(upright) = Similarity::to_frame(&first, &landmarks::upright(input.width), size) else {
            return Ok(Look { points: first, quality: None });
        };
        let mut mirrored = Warp::new(*frame, &upright, size, input.colour, true);
        let outputs = run(network, &mut mirrored, arena, observe)?;
        let second = landmarks::in_mirror(&landmarks::shares(model, &outputs), &upright, input.width);
        let moved = landmarks::moved_q16(&first, &second);
        let points = landmarks::shifted(&landmarks::mean(&first, &second), &self.sight().landmarks_q16);
        Ok(Look { points, quality: quality::measure(frame, &points, moved) })
    }

    /// How likely a face is alive, 0 to 1 in 1/65536; `None` without a network for it.
    ///
    /// # Errors
    /// [`RunError::Arena`].
    pub fn alive_q16(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &mut [u8],
        observe: Observe<'_>,
    ) -> Result<Option<u16>, RunError<Infallible>> {
        let Some(network) = &self.liveness else { return Ok(None) };
        let part = liveness::part(frame, &found.bounds, self.sight());
        let model = network.model();
        let outputs = run(network, &mut view(frame, part, &model.preprocess()), arena, observe)?;
        Ok(Some(liveness::score_q16(model, &outputs, self.sight())))
    }
}
