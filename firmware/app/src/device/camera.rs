//! A camera that fills the memory for frames.

use format::PixelFormat;

use crate::sight::FrameSource;

/// A frame in the memory: its rows from the start, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Pixels of a row.
    pub width: u16,
    /// Number of rows.
    pub height: u16,
    /// Format of the pixels.
    pub format: PixelFormat,
}

/// A source of frames, one at a time.
pub trait Camera: FrameSource {
    /// Whether there is one. Without, frames come over the link alone.
    const IS_THERE: bool = true;

    /// The frame that lies in the memory, if a new one is complete. It stays until it is released.
    fn taken(&mut self) -> Option<Taken>;

    /// Keeps the camera from writing to the memory until [`Self::release`]. Returns `false` while a frame is being
    /// written; ask again then.
    fn hold(&mut self) -> bool;

    /// The next frame may be written over this one.
    fn release(&mut self);
}
