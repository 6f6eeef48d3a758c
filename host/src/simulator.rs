//! The board's own code on the host: the same image, the same network, the same bits.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use format::Image;
use format::layer::Element;
use format::network::Model;
use nn::Network;

use crate::containers;

/// Bytes that start at a multiple of 16 in memory, as an image must.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlignedBytes {
    words: Vec<u128>,
    length: usize,
}

impl AlignedBytes {
    /// `length` zero bytes.
    pub fn zeroed(length: usize) -> Self {
        AlignedBytes { words: vec![0; length.div_ceil(16)], length }
    }

    /// A copy.
    pub fn copy(bytes: &[u8]) -> Self {
        let mut aligned = Self::zeroed(bytes.len());
        aligned.bytes_mut().copy_from_slice(bytes);
        aligned
    }

    /// The image in a file, whatever container it is in.
    ///
    /// # Errors
    /// As [`containers::read`].
    pub fn read(path: &Path) -> Result<Self> {
        containers::read(path).map(|(image, _)| Self::copy(&image))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// The bytes, mutable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }

    /// The image in these bytes.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn image(&self, path: &Path) -> Result<Image<'_>> {
        Image::new_checked(self.bytes()).with_context(|| format!("{} cannot be used", path.display()))
    }
}

/// A network ready to run on the host. Shared by threads.
pub struct Simulator<'a> {
    network: Network<'a>,
}

impl<'a> Simulator<'a> {
    /// Loads the network of a checked image.
    ///
    /// # Errors
    /// When its plan is wrong.
    pub fn new(model: &Model<'a>) -> Result<Self> {
        // Checking needs the same arena as running.
        let mut arena = AlignedBytes::zeroed(model.arena_bytes());
        let network = Network::new(*model, arena.bytes_mut()).context("the image's network cannot be run")?;
        Ok(Simulator { network })
    }

    /// The network.
    pub fn network(&self) -> &Network<'a> {
        &self.network
    }

    /// Embedding of an aligned crop, `[h][w][c]` bytes in the image's colour order.
    ///
    /// # Errors
    /// When the crop has another size than the network's input.
    pub fn embed(&self, crop: &[u8]) -> Result<Vec<i16>> {
        let mut arena = AlignedBytes::zeroed(self.network.arena_bytes());
        let mut embedding = vec![0; self.network.model().dimension().unwrap_or(0)];
        self.check_crop(crop)?;
        self.network
            .embed(&mut &*crop, arena.bytes_mut(), &mut embedding)
            .map_err(|error| anyhow!("{error}"))?;
        Ok(embedding)
    }

    /// Every output for a photo, `[h][w][c]` bytes in the network's colour order: elements, `[h][w][c]`.
    ///
    /// # Errors
    /// When the photo has another size than the network's input.
    pub fn run(&self, photo: &[u8]) -> Result<Vec<Vec<i32>>> {
        self.check_crop(photo)?;
        let mut arena = AlignedBytes::zeroed(self.network.arena_bytes());
        let outputs =
            self.network.run(&mut &*photo, arena.bytes_mut()).map_err(|error| anyhow!("{error}"))?;
        let model = self.network.model();
        let elements = model.outputs().enumerate().map(|(number, output)| {
            let bytes = outputs.bytes(number);
            elements(model.layer(output.tensor.into()).output.element, bytes)
        });
        Ok(elements.collect())
    }

    fn check_crop(&self, crop: &[u8]) -> Result<()> {
        let needed = self.network.model().preprocess().crop_bytes();
        ensure!(crop.len() == needed, "crop of {} bytes, the network takes {needed}", crop.len());
        Ok(())
    }
}

/// Elements of a row, or of a tensor, from its bytes.
pub fn elements(element: Element, bytes: &[u8]) -> Vec<i32> {
    match element {
        Element::I8 => bytes.iter().map(|&byte| i32::from(byte as i8)).collect(),
        Element::I16 => {
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]).into()).collect()
        }
    }
}
