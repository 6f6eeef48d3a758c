//! The kernels' contract: one output row of one operator over plain slices, and the choice of a kernel set.
//!
//! Callers guarantee the lengths that each function asserts. Input rows outside the tensor are `None` and
//! read as the input's zero point. Sums wrap; the exporter chooses scales with which they cannot overflow.
//! A set has a type `Scratch`, the memory its kernels need besides: the caller keeps one and passes it in.

pub mod dsp;
pub mod helium;
#[cfg(any(arm_neon, target_arch = "x86_64"))]
mod lanes;
#[cfg(arm_neon)]
pub mod neon;
pub mod portable;
#[cfg(target_arch = "x86_64")]
pub mod x86;

#[cfg(arm_dsp)]
use dsp as set;
#[cfg(arm_helium)]
use helium as set;
#[cfg(arm_neon)]
use neon as set;
#[cfg(not(any(arm_dsp, arm_helium, arm_neon, target_arch = "x86_64")))]
use portable as set;
#[cfg(target_arch = "x86_64")]
use x86 as set;

pub use set::{Scratch, add, add_in_place, conv, depthwise, max_pool};

/// An element of a tensor: `i8` or `i16`.
pub trait Element: bytemuck::Pod + Ord + Into<i32> {
    /// The element with this value, which is in range.
    fn from_i32(value: i32) -> Self;
}

impl Element for i8 {
    #[inline(always)]
    fn from_i32(value: i32) -> i8 {
        value as i8
    }
}

impl Element for i16 {
    #[inline(always)]
    fn from_i32(value: i32) -> i16 {
        value as i16
    }
}

/// The input rows under a window, and how the window moves along them.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// One a kernel row, top to bottom, each `[width][channels]`; `None` outside the tensor.
    pub rows: &'a [Option<&'a [T]>],
    /// Pixels a row.
    pub width: usize,
    /// Channels a pixel.
    pub channels: usize,
    /// Value of pixels outside the tensor.
    pub zero_point: i32,
    /// Columns under the window.
    pub kernel_width: usize,
    /// Step to the right from one output pixel to the next.
    pub stride: usize,
    /// Columns by which the first window stands out to the left.
    pub pad: usize,
}

impl<T> Rows<'_, T> {
    /// Kernel columns `low..high` that lie inside the tensor for output pixel `x`, and the input column under
    /// kernel column `low`.
    #[inline(always)]
    pub fn columns(&self, x: usize) -> (usize, usize, usize) {
        let start = x * self.stride;
        let low = self.pad.saturating_sub(start);
        let high = (self.width + self.pad).saturating_sub(start).min(self.kernel_width);
        (low, high, start + low - self.pad)
    }
}
