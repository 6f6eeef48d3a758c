//! Convolution of each channel with its own filter.
//!
//! Uses `window`, `weights` (`i8 [kh][kw][c]`) and `stage`. Its taps may be dilated.

use core::ops::Range;

use format::layer::{Element, Layer};

use super::{Inputs, Work, cast, check_array, check_stage, window};
use crate::kernels::{self, Rows};

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    let [input] = inputs.exactly().ok_or("inputs")?;
    window::check(&layer.window, input, &layer.output)?;
    if input.channels != layer.output.channels {
        return Err("channels");
    }
    let weights = window::taps(layer) * usize::from(input.channels);
    check_array::<i8>(blob, layer.weights, weights, "weights")?;
    check_stage(layer, blob)
}

pub(super) fn rows(layer: &Layer, _: usize, height: u16, row: u16) -> Range<u16> {
    window::rows(&layer.window, height, row)
}

pub(super) fn macs(layer: &Layer, _: &Inputs) -> u64 {
    u64::from(layer.output.height) * layer.output.row_elements() as u64 * window::taps(layer) as u64
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    window::run(work, row::<i8>, row::<i16>)
}

pub(super) fn row<I: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, I>) -> Option<()> {
    match work.tensor.element {
        Element::I8 => typed::<I, i8>(work, rows),
        Element::I16 => typed::<I, i16>(work, rows),
    }
}

fn typed<I: kernels::Element, O: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, I>) -> Option<()> {
    let weights = work.array(work.layer().weights, window::taps(&work.layer()) * rows.channels)?;
    let stage = &work.stage()?;
    kernels::depthwise(rows, weights, stage, work.scratch, cast::<O>(work.output)?)
}
