//! The board's own code on the host: the same image, the same network, the same bits.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use format::Image;
use format::model::{MAX_LAYERS, Model};
use nn::Network;

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

    /// The content of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read image {}", path.display()))?;
        Ok(Self::copy(&bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// The bytes, to change.
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
    network: Network<'a, MAX_LAYERS>,
}

impl<'a> Simulator<'a> {
    /// Loads the network of a checked image.
    ///
    /// # Errors
    /// When its plan is wrong.
    pub fn new(model: &Model<'a>) -> Result<Self> {
        Ok(Simulator { network: Network::new(model).context("the image's memory plan is wrong")? })
    }

    /// The network.
    pub fn network(&self) -> &Network<'a, MAX_LAYERS> {
        &self.network
    }

    /// Embedding of an aligned crop, `[h][w][c]` bytes in the image's colour order.
    ///
    /// # Errors
    /// When the crop has another size than the network's input.
    pub fn embed(&self, crop: &[u8]) -> Result<Vec<i16>> {
        let mut arena = AlignedBytes::zeroed(self.network.arena_bytes());
        let mut embedding = vec![0; self.network.dimension()];
        let input = self.network.layers()[0].output;
        let needed = input.height as usize * input.row_bytes();
        if crop.len() != needed {
            return Err(anyhow!("crop of {} bytes, the network takes {needed}", crop.len()));
        }
        self.network
            .embed(&mut &*crop, arena.bytes_mut(), &mut embedding)
            .map_err(|error| anyhow!("{error}"))?;
        Ok(embedding)
    }
}
