//! A board's eyes on this computer: the same networks, the same code, the same bits.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use face::Eyes;
use format::network::Model;
use format::sight::{Sight, SightSection};
use format::{Image, Role};
use nn::RunError;

use super::fit::QuantisedEyes;
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
    pub fn new(eyes: &QuantisedEyes) -> Result<Self> {
        Self::of(eyes.networks.clone(), eyes.sight)
    }

    /// The eyes of an image; `None` if it has none.
    ///
    /// # Errors
    /// When they cannot see.
    pub fn of_image(image: &Image<'_>, bytes: &[u8], path: &Path) -> Result<Option<Self>> {
        let Some(sight) = image.sight else { return Ok(None) };
        let sections = format::header::parse(bytes).with_context(|| path.display().to_string())?;
        let networks = [Role::Detector, Role::Landmarks, Role::Liveness].into_iter().filter_map(|role| {
            let section = sections.get(format::Section::Network(role))?;
            Some((role, AlignedBytes::copy(section)))
        });
        Self::of(networks.collect(), sight.read()).with_context(|| path.display().to_string()).map(Some)
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

    /// Lets the eyes see, with an arena of their own. Loading the networks takes time: all of a frame is seen in one call.
    ///
    /// # Errors
    /// When the networks cannot be run.
    pub fn run<T>(&self, see: impl FnOnce(&Eyes<'_>, &mut [u8]) -> T) -> Result<T> {
        let mut arena = AlignedBytes::zeroed(self.arena_bytes);
        let detector = self.model(Role::Detector)?.context("there is no detector")?;
        let [landmarks, liveness] = [self.model(Role::Landmarks)?, self.model(Role::Liveness)?];
        let section = self.sight.emit();
        let section = SightSection::new_checked(&section).map_err(|error| anyhow!("{error}"))?;
        let eyes = Eyes::new_checked(detector, landmarks, liveness, section, arena.bytes_mut())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_without_a_detector_cannot_see() {
        let said = format!("{:#}", Seer::of(Vec::new(), Sight::default()).err().unwrap());
        assert!(said.contains("there is no detector"), "{said}");
    }

    #[test]
    fn bytes_that_are_no_network_are_told() {
        let networks = vec![(Role::Detector, AlignedBytes::copy(&[0; 64]))];
        assert!(Seer::of(networks, Sight::default()).is_err());
    }
}
