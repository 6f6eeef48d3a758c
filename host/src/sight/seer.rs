//! A board's eyes on this computer: the same networks, the same code, the same bits.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use face::{Eyes, Faces, Found, Look};
use format::network::Model;
use format::sight::Sight;
use format::{Image, Role};
use image::RgbImage;
use nn::RunError;
use vision::{Frame, Rect};

use super::fit::{Fitted, frame};
use crate::face::board::find;
use crate::simulator::AlignedBytes;

/// The networks of a board's eyes, ready to see. Shared by threads.
#[derive(Clone)]
pub struct Seer {
    networks: Arc<Vec<(Role, AlignedBytes)>>,
    sight: Sight,
    arena_bytes: usize,
}

impl Seer {
    /// The eyes as quantised.
    ///
    /// # Errors
    /// When they cannot see.
    pub fn new(fitted: &Fitted) -> Result<Self> {
        Self::of(fitted.networks.clone(), fitted.sight)
    }

    /// The eyes of an image; `None` if it has none.
    ///
    /// # Errors
    /// When they cannot see.
    pub fn of_image(image: &Image<'_>, bytes: &[u8], path: &Path) -> Result<Option<Self>> {
        let Some(sight) = image.sight() else { return Ok(None) };
        let sections = format::header::parse(bytes).with_context(|| path.display().to_string())?;
        let networks = [Role::Detector, Role::Landmarks, Role::Liveness].into_iter().filter_map(|role| {
            let section = sections.get(format::Section::Network(role))?;
            Some((role, AlignedBytes::copy(section)))
        });
        Self::of(networks.collect(), sight).with_context(|| path.display().to_string()).map(Some)
    }

    fn of(networks: Vec<(Role, AlignedBytes)>, sight: Sight) -> Result<Self> {
        let mut seer = Seer { networks: Arc::new(networks), sight, arena_bytes: 0 };
        for (role, _) in seer.networks.iter() {
            let model = seer.model(*role)?.context("a network of the eyes")?;
            seer.arena_bytes = seer.arena_bytes.max(model.arena_bytes());
        }
        seer.run(|_, _| ())?;
        Ok(seer)
    }

    fn model(&self, role: Role) -> Result<Option<Model<'_>>> {
        let section = self.networks.iter().find(|(other, _)| *other == role);
        section
            .map(|(role, bytes)| Model::new_checked(*role, bytes.bytes()))
            .transpose()
            .map_err(|e| anyhow!("{e}"))
    }

    /// How outputs are read, and the limits of a usable face.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Bytes of arena for the largest of the networks.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Lets the eyes see, with an arena of their own.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn run<T>(&self, see: impl FnOnce(&Eyes<'_>, &mut [u8]) -> T) -> Result<T> {
        let mut arena = AlignedBytes::zeroed(self.arena_bytes);
        let detector = self.model(Role::Detector)?.context("there is no detector")?;
        let [landmarks, liveness] = [self.model(Role::Landmarks)?, self.model(Role::Liveness)?];
        let eyes = Eyes::new_checked(detector, landmarks, liveness, self.sight, arena.bytes_mut())
            .map_err(|error| anyhow!("{error}"))?;
        Ok(see(&eyes, arena.bytes_mut()))
    }

    /// As [`Self::run`], for networks that run.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn see<T>(
        &self,
        see: impl FnOnce(&Eyes<'_>, &mut [u8]) -> Result<T, RunError<Infallible>>,
    ) -> Result<T> {
        self.run(see)?.map_err(|error| anyhow!("{error}"))
    }

    /// The faces in a part of a frame.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn scan(&self, frame: &Frame<'_>, part: &Rect) -> Result<Faces> {
        self.see(|eyes, arena| eyes.detector().scan(frame, part, arena, &mut || {}))
    }

    /// The faces of a photo, which may be larger than a camera's frame and is then searched in tiles too.
    ///
    /// # Errors
    /// When the networks cannot be run, or the photo is larger than a frame may be.
    pub fn faces(&self, photo: &RgbImage) -> Result<Vec<Found>> {
        let frame = frame(photo)?;
        self.run(|eyes, arena| find(eyes, arena, &frame))?
    }

    /// A face of a frame, examined.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn look(&self, frame: &Frame<'_>, found: &Found) -> Result<Look> {
        self.see(|eyes, arena| eyes.look(frame, found, arena, &mut || {}))
    }

    /// How likely a face is alive, in 1/65536; `None` without a network for it.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn alive_q16(&self, frame: &Frame<'_>, found: &Found) -> Result<Option<u16>> {
        self.see(|eyes, arena| eyes.alive_q16(frame, found, arena, &mut || {}))
    }
}
