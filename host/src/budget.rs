//! What a board has room for, and what takes the most of it.

use anyhow::{Result, bail};
use format::Image;
use format::header::{self, Section};
use format::layer::{Layer, Tensor};

/// Room for an image and for a network's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of image.
    pub image_bytes: usize,
    /// Bytes of arena.
    pub arena_bytes: usize,
}

impl Budget {
    /// Refuses an image that needs more, naming what takes the most: a tensor, or a part of the image. `name` tells a
    /// layer's name by its number.
    ///
    /// # Errors
    /// When image or arena are too large.
    pub fn check(&self, image: &Image<'_>, bytes: &[u8], name: impl Fn(usize) -> String) -> Result<()> {
        let layers: Vec<Layer> = image.embedder.layers().collect();
        let arena_bytes = image.arena_bytes();
        if arena_bytes > self.arena_bytes
            && let Some((index, tensor)) = largest_ring(&layers)
        {
            let Tensor { height, width, channels, ring, .. } = *tensor;
            bail!(
                "the network needs {arena_bytes} bytes of arena, {} too many; the largest part is the tensor of {}, \
                 {height}×{width}×{channels}, of which {ring} rows are kept: {} bytes",
                arena_bytes - self.arena_bytes,
                name(index),
                tensor.ring_bytes()
            );
        }
        if bytes.len() > self.image_bytes {
            let over = bytes.len() - self.image_bytes;
            let (section, section_bytes) = largest_section(bytes)?;
            let part = match section {
                Section::Network(_) => match largest_weights(&layers) {
                    Some((index, weights)) => {
                        format!(
                            "the network, {section_bytes} bytes, of which {} takes {weights}",
                            name(index)
                        )
                    }
                    None => format!("the network, {section_bytes} bytes"),
                },
                Section::Gallery => format!("the gallery, {section_bytes} bytes"),
                Section::Cohort => {
                    format!("the cohort of strangers, {section_bytes} bytes; --without-cohort leaves it out")
                }
                other => format!("{other:?}, {section_bytes} bytes"),
            };
            bail!("the image has {} bytes, {over} too many; the largest part is {part}", bytes.len());
        }
        Ok(())
    }
}

fn largest_ring(layers: &[Layer]) -> Option<(usize, &Tensor)> {
    layers.iter().map(|layer| &layer.output).enumerate().max_by_key(|(_, tensor)| tensor.ring_bytes())
}

/// The layer with the most weights, and their bytes.
fn largest_weights(layers: &[Layer]) -> Option<(usize, u64)> {
    let work = crate::cost::Work::of(layers);
    let bytes = work.iter().map(|work| work.weight_bytes / work.rows.max(1));
    bytes.enumerate().max_by_key(|&(_, bytes)| bytes)
}

fn largest_section(bytes: &[u8]) -> Result<(Section, usize)> {
    let sections = header::parse(bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
    let sizes = Section::ALL.iter().filter_map(|&section| Some((section, sections.get(section)?.len())));
    Ok(sizes.max_by_key(|&(_, size)| size).unwrap_or((Section::Policy, bytes.len())))
}
