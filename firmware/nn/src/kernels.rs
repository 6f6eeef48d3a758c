//! The kernels' contract: one output row of one operator over plain slices, and the choice of a kernel set.
//!
//! A kernel returns `None` when its slices are shorter than their shapes need; what is in the output row then has no meaning.
//! Some sets refuse longer ones as well. Input rows outside the tensor are `None` and read as the input's zero point. Sums
//! wrap; the exporter chooses scales so that they cannot overflow. A set has a type `Scratch`, the additional memory of its
//! kernels: the caller keeps one and passes it in.
//!
//! [`portable`] has every kernel. The other sets re-export it with `portable::*` and replace some kernels by
//! functions of the same name, which take precedence. A new kernel is therefore written there first and named here.
//! Operators that no set speeds up are implemented in their file of [`crate::op`].

use core::ops::Range;

use crate::copy;

/// Asserts the offsets of a record's fields on the target, and its size.
#[cfg(any(arm_dsp, arm_helium))]
macro_rules! assert_layout {
    ($type:ty, $size:literal, $($field:ident: $offset:literal),+) => {
        const _: () = {
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)+
            assert!(size_of::<$type>() == $size);
        };
    };
}
#[cfg(any(arm_dsp, arm_helium))]
use assert_layout;

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

pub use set::{Scratch, add, add_in_place, conv, depthwise, grouped, max_pool, scale};

/// An element of a tensor: `i8` or `i16`.
pub trait Element: bytemuck::Pod + Ord + Into<i32> {
    /// The element with this value, which must be in range.
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

/// The input rows under a window, and the steps of the window along them.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// One for each kernel row, top to bottom, each `[width][channels]`; `None` outside the tensor.
    pub rows: &'a [Option<&'a [T]>],
    /// Pixels of a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Value of pixels outside the tensor, as an element.
    pub zero_point: i32,
    /// Columns under the window.
    pub kernel_width: usize,
    /// Step to the right from one output pixel to the next.
    pub stride: usize,
    /// Columns of the first window that lie outside, to the left.
    pub pad: usize,
    /// Columns between neighbouring taps; 1 for a plain convolution.
    pub dilation: usize,
}

impl<T: Copy> Rows<'_, T> {
    /// Copies the taps of output pixel `x` that lie inside the tensor, of these channels, to their places in `patch`,
    /// `[kh][kw][channels.len()]`. The other places stay unchanged. `None` when `patch` is too short, or there are no such
    /// channels.
    #[inline(always)]
    pub fn copy_taps(&self, x: usize, channels: Range<usize>, patch: &mut [T]) -> Option<()> {
        let (low, high, column) = self.columns(x);
        let count = channels.len();
        for (y, row) in self.rows.iter().enumerate() {
            let Some(row) = row else { continue };
            for kx in low..high {
                let from = (column + (kx - low) * self.dilation) * self.channels + channels.start;
                let to = (y * self.kernel_width + kx) * count;
                copy(row.get(from..from + count)?, patch.get_mut(to..to + count)?)?;
            }
        }
        Some(())
    }
}

impl<T> Rows<'_, T> {
    /// Whether all rows inside the tensor have all of its pixels.
    pub fn are_whole(&self) -> bool {
        self.rows.iter().flatten().all(|row| row.len() == self.width * self.channels)
    }

    /// Kernel columns `low..high` that lie inside the tensor for output pixel `x`, and the input column under kernel
    /// column `low`. Kernel column `k` is over input column `x · stride + k · dilation − pad`. If none lies inside,
    /// `low` equals `high` and the input column is 0.
    #[inline(always)]
    pub fn columns(&self, x: usize) -> (usize, usize, usize) {
        let start = x * self.stride;
        let (left, right) = (self.pad.saturating_sub(start), (self.width + self.pad).saturating_sub(start));
        let (low, high) = match self.dilation {
            0 | 1 => (left, right),
            dilation => (left.div_ceil(dilation), right.div_ceil(dilation)),
        };
        let high = high.min(self.kernel_width);
        if low < high { (low, high, start + low * self.dilation - self.pad) } else { (high, high, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_whose_taps_lie_inside() {
        for (width, kernel_width, stride) in [(1, 3, 1), (2, 3, 1), (5, 4, 2), (9, 1, 3), (20, 3, 1)] {
            for dilation in 1..6 {
                for pad in 0..12 {
                    let rows = Rows::<i8> {
                        rows: &[],
                        width,
                        channels: 1,
                        zero_point: 0,
                        kernel_width,
                        stride,
                        pad,
                        dilation,
                    };
                    for x in 0..12 {
                        let column = |k: usize| (x * stride + k * dilation).checked_sub(pad);
                        let is_inside = |&k: &usize| column(k).is_some_and(|column| column < width);
                        let expected: [Option<usize>; 2] =
                            [(0..kernel_width).find(is_inside), (0..kernel_width).rfind(is_inside)];
                        let (low, high, first) = rows.columns(x);
                        match expected {
                            [Some(a), Some(b)] => assert_eq!((low, high, Some(first)), (a, b + 1, column(a))),
                            _ => assert_eq!((low - high, first), (0, 0)),
                        }
                    }
                }
            }
        }
    }
}
