//! A network at work on a picture of a frame, a few rows at a time.

use core::convert::Infallible;

use format::preprocess::Preprocess;
use nn::{Network, Outputs, RowSource, Run, RunError};
use vision::{Frame, Rect, Similarity, Warp};

use crate::picture::view;

/// What a network sees of a frame.
#[derive(Clone, Copy, Debug)]
pub enum Picture {
    /// A part of the frame, resized.
    Part(Rect),
    /// A crop under a similarity; its mirror image if `is_mirrored`.
    Crop {
        /// From the crop to the frame.
        similarity: Similarity,
        /// Whether left and right are exchanged.
        is_mirrored: bool,
    },
}

/// A network that has seen some rows of its picture. It holds its arena.
#[derive(Debug)]
pub struct Glance<'a, 'b> {
    run: Run<'a, 'b>,
    picture: Picture,
    input: Preprocess,
}

impl<'a, 'b> Glance<'a, 'b> {
    /// Begins.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start(
        network: &Network<'a>,
        picture: Picture,
        arena: &'b mut [u8],
    ) -> Result<Self, RunError<Infallible>> {
        Ok(Glance { run: network.start(arena)?, picture, input: network.model().preprocess() })
    }

    /// Makes up to `rows` more rows of the network's layers. Returns whether it is done. `frame` is the same every time.
    ///
    /// # Errors
    /// [`RunError::Broken`].
    pub fn advance(&mut self, frame: &Frame<'_>, rows: usize) -> Result<bool, RunError<Infallible>> {
        match self.picture {
            Picture::Part(part) => self.run.advance(&mut view(frame, part, &self.input), rows, |_, _, _| {}),
            Picture::Crop { similarity, is_mirrored } => {
                let size = [self.input.width, self.input.height];
                let mut crop = Warp::new(*frame, &similarity, size, self.input.colour, is_mirrored);
                self.run.advance(&mut crop, rows, |_, _, _| {})
            }
        }
    }

    /// As [`Self::advance`], with rows from elsewhere.
    ///
    /// # Errors
    /// [`RunError::Source`], [`RunError::Broken`].
    pub fn advance_from<S: RowSource>(
        &mut self,
        source: &mut S,
        rows: usize,
    ) -> Result<bool, RunError<S::Error>> {
        self.run.advance(source, rows, |_, _, _| {})
    }

    /// What it sees.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The outputs. They have no bytes when it is not done.
    pub fn outputs(&self) -> Outputs<'a, '_> {
        self.run.outputs()
    }

    /// Gives the arena back.
    pub fn into_arena(self) -> &'b mut [u8] {
        self.run.into_arena()
    }
}
