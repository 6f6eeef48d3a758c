//! Largest element under a window; positions outside the tensor are ignored. Same element type and zero point.
//!
//! Uses `window`, which is not dilated.

use core::ops::Range;

use format::layer::Layer;

use super::{Inputs, Work, cast, check_same_grid, window};
use crate::kernels::{self, Rows};

pub(super) fn check(layer: &Layer, inputs: &Inputs, _: &[u8]) -> Result<(), &'static str> {
    let [input] = inputs.exactly().ok_or("inputs")?;
    window::check(&layer.window, input, &layer.output)?;
    // Without dilation, every window that the check above accepts has a tap inside the tensor.
    if layer.window.dilation != [1, 1] {
        return Err("dilation");
    }
    if input.channels != layer.output.channels {
        return Err("channels");
    }
    check_same_grid(input, &layer.output)
}

pub(super) fn rows(layer: &Layer, _: usize, height: u16, row: u16) -> Range<u16> {
    window::rows(&layer.window, height, row)
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    window::run(work, row::<i8>, row::<i16>)
}

fn row<T: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, T>) -> Option<()> {
    kernels::max_pool::<T>(rows, cast(work.output)?)
}
