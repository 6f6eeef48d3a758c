//! From a frame to a face that is fit for recognition: [`Eyes`] scan frames, examine a face, and give its crop.

use core::convert::Infallible;
use core::fmt;

use format::gates::{Gates, Quality, Refusal};
use format::network::Model;
use format::preprocess::Preprocess;
use format::sight::{Family, Sight, SightSection};
use format::{Image, Role};
use nn::{LoadError, Network, RunError};
use vision::{Frame, Points, Rect, Similarity};

use crate::found::{Faces, Found};
use crate::glance::{Glance, Picture};
use crate::picture::around;
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
    section: SightSection<'a>,
}

impl<'a> Detector<'a> {
    /// A detector whose outputs are read as `section` says. The arena must be large enough for it.
    ///
    /// # Errors
    /// [`EyesError`].
    pub fn new_checked(
        model: Model<'a>,
        section: SightSection<'a>,
        arena: &mut [u8],
    ) -> Result<Self, EyesError> {
        let sight = section.read();
        let fits = match sight.family {
            Family::Ssd => ssd::fits(&model, &sight),
            Family::YuNet => yunet::fits(&model),
        };
        Ok(Detector { network: load(Role::Detector, model, fits, arena)?, section })
    }

    /// Finds the faces in a part of a frame, the surest first. The part may reach beyond the frame.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn scan(
        &self,
        frame: &Frame<'_>,
        part: &Rect,
        arena: &mut [u8],
    ) -> Result<Faces, RunError<Infallible>> {
        let mut glance = self.start(part, arena)?;
        let _ = glance.advance(frame, usize::MAX)?;
        Ok(self.faces(&glance))
    }

    /// Begins to look for the faces in a part of a frame.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start<'b>(
        &self,
        part: &Rect,
        arena: &'b mut [u8],
    ) -> Result<Glance<'a, 'b>, RunError<Infallible>> {
        let input = self.input();
        let picture = Picture::Part(around(part, [input.width, input.height]));
        Glance::start(&self.network, picture, arena)
    }

    /// The faces that a glance of [`Self::start`] has found, the surest first; none when it is not done.
    pub fn faces(&self, glance: &Glance<'a, '_>) -> Faces {
        let Picture::Part(shown) = glance.picture() else { return Faces::new() };
        let model = self.network.model();
        let sight = self.section.read();
        match sight.family {
            Family::Ssd => ssd::faces(model, &glance.outputs(), &sight, shown),
            Family::YuNet => yunet::faces(model, &glance.outputs(), &sight, shown),
        }
    }

    /// Description of its picture.
    pub fn input(&self) -> Preprocess {
        self.network.model().preprocess()
    }
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
        let (Some(section), Some(detector)) = (image.sight, image.network(Role::Detector)) else {
            return Ok(None);
        };
        let [landmarks, liveness] = [Role::Landmarks, Role::Liveness].map(|role| image.network(role));
        Self::new_checked(detector, landmarks, liveness, section, arena).map(Some)
    }

    /// Eyes of these networks, whose outputs are read as `section` says.
    ///
    /// # Errors
    /// [`EyesError`].
    pub fn new_checked(
        detector: Model<'a>,
        landmarks: Option<Model<'a>>,
        liveness: Option<Model<'a>>,
        section: SightSection<'a>,
        arena: &mut [u8],
    ) -> Result<Self, EyesError> {
        let sight = section.read();
        if sight.family == Family::Ssd && landmarks.is_none() {
            return Err(EyesError::NoLandmarks);
        }
        let detector = Detector::new_checked(detector, section, arena)?;
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
    pub fn sight(&self) -> Sight {
        self.detector.section.read()
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
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn scan(&self, frame: &Frame<'_>, arena: &mut [u8]) -> Result<Faces, RunError<Infallible>> {
        self.detector.scan(frame, &frame.rect(), arena)
    }

    /// Examines a face of a frame.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn look(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &mut [u8],
    ) -> Result<Look, RunError<Infallible>> {
        let mut step = self.start_look(frame, found, arena)?;
        loop {
            match step {
                Looking::At(more) => step = more.advance(self, frame, usize::MAX),
                Looking::Done(look, _) => return Ok(look),
                Looking::Failed(error, _) => return Err(error),
            }
        }
    }

    /// Begins to examine a face of a frame.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start_look<'b>(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &'b mut [u8],
    ) -> Result<Looking<'a, 'b>, RunError<Infallible>> {
        let Some(network) = &self.landmarks else {
            // A detector with landmarks, which `new_checked` has made sure of.
            let points = landmarks::shifted(&found.points.unwrap_or_default(), &self.sight().points_q16);
            return Ok(Looking::Done(Look { points, quality: quality::measure(frame, &points, 0) }, arena));
        };
        let square = landmarks::part(&found.bounds, &self.sight());
        let glance = Glance::start(network, Picture::Part(square), arena)?;
        Ok(Looking::At(Landmarks { network: *network, glance, pass: Pass::First(square) }))
    }

    /// How likely a face is alive, 0 to 1 in 1/65536; `None` without a network for it.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn alive_q16(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &mut [u8],
    ) -> Result<Option<u16>, RunError<Infallible>> {
        let Ok(mut glance) = self.start_alive(frame, found, arena)? else { return Ok(None) };
        let _ = glance.advance(frame, usize::MAX)?;
        Ok(Some(self.alive_score_q16(&glance)))
    }

    /// Begins the photo check of a face. Gives the arena back without a network for it.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start_alive<'b>(
        &self,
        frame: &Frame<'_>,
        found: &Found,
        arena: &'b mut [u8],
    ) -> Result<Result<Glance<'a, 'b>, &'b mut [u8]>, RunError<Infallible>> {
        let Some(network) = &self.liveness else { return Ok(Err(arena)) };
        let part = liveness::part(frame, &found.bounds, &self.sight());
        Glance::start(network, Picture::Part(part), arena).map(Ok)
    }

    /// The score of a photo check that is done, 0 to 1 in 1/65536; 0 when it is not, or without a network for it.
    pub fn alive_score_q16(&self, glance: &Glance<'a, '_>) -> u16 {
        self.liveness
            .as_ref()
            .map_or(0, |network| liveness::score_q16(network.model(), &glance.outputs(), &self.sight()))
    }
}

/// The examination of a face.
#[derive(Debug)]
pub enum Looking<'a, 'b> {
    /// It goes on.
    At(Landmarks<'a, 'b>),
    /// It is done, and its arena is free.
    Done(Look, &'b mut [u8]),
    /// A network did not run to its end. The arena is free; it is empty if the network did not even start.
    Failed(RunError<Infallible>, &'b mut [u8]),
}

impl<'b> Looking<'_, 'b> {
    /// Gives the arena back.
    pub fn into_arena(self) -> &'b mut [u8] {
        match self {
            Looking::At(landmarks) => landmarks.glance.into_arena(),
            Looking::Done(_, arena) | Looking::Failed(_, arena) => arena,
        }
    }
}

/// The search for landmarks: first in the picture that the box shows, then in the mirror image of a picture that the first
/// landmarks make upright. Their errors differ, so that the mean is better, and what is no face does not stay.
#[derive(Debug)]
pub struct Landmarks<'a, 'b> {
    network: Network<'a>,
    glance: Glance<'a, 'b>,
    pass: Pass,
}

#[derive(Clone, Copy, Debug)]
enum Pass {
    /// In this square.
    First(Rect),
    /// With these first landmarks, under this similarity.
    Second(Points, Similarity),
}

impl<'a, 'b> Landmarks<'a, 'b> {
    /// Makes up to `rows` more rows of the network's layers. `eyes` and `frame` are the same every time.
    pub fn advance(mut self, eyes: &Eyes<'a>, frame: &Frame<'_>, rows: usize) -> Looking<'a, 'b> {
        match self.glance.advance(frame, rows) {
            Ok(true) => {}
            Ok(false) => return Looking::At(self),
            Err(error) => return Looking::Failed(error, self.glance.into_arena()),
        }
        let model = self.network.model();
        let input = model.preprocess();
        let shares = landmarks::shares(model, &self.glance.outputs());
        match self.pass {
            Pass::First(square) => {
                let first = landmarks::in_square(&shares, &square);
                let size = [input.width, input.height];
                let arena = self.glance.into_arena();
                let Some(upright) = Similarity::to_frame(&first, &landmarks::upright(input.width), size)
                else {
                    return Looking::Done(Look { points: first, quality: None }, arena);
                };
                let picture = Picture::Crop { similarity: upright, is_mirrored: true };
                match Glance::start(&self.network, picture, arena) {
                    Ok(glance) => {
                        Looking::At(Landmarks { glance, pass: Pass::Second(first, upright), ..self })
                    }
                    Err(error) => Looking::Failed(error, &mut []),
                }
            }
            Pass::Second(first, upright) => {
                let second = landmarks::in_mirror(&shares, &upright, input.width);
                let moved = landmarks::moved_q16(&first, &second);
                let mean = landmarks::mean(&first, &second);
                let points = landmarks::shifted(&mean, &eyes.sight().landmarks_q16);
                let look = Look { points, quality: quality::measure(frame, &points, moved) };
                Looking::Done(look, self.glance.into_arena())
            }
        }
    }
}
