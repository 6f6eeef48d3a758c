//! Convolution over all channels, or over the channels of a group. A dense layer is a convolution whose kernel covers
//! its whole input.
//!
//! Uses `window`, `groups`, `weights` (`i8 [c_out][kh][kw][c_in / groups]`) and `stage`. Its taps may be dilated.

use core::ops::Range;

use format::layer::{Element, Layer, Tensor};

use super::{Inputs, Work, cast, check_array, check_stage, window};
use crate::kernels::{self, Rows};

/// Input channels of a group.
fn members(layer: &Layer, input: &Tensor) -> Option<usize> {
    usize::from(input.channels).checked_div(layer.groups.into())
}

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    let [input] = inputs.exactly().ok_or("inputs")?;
    let output = &layer.output;
    window::check(&layer.window, input, output)?;
    if layer.groups == 0 || [input, output].iter().any(|tensor| !tensor.channels.is_multiple_of(layer.groups))
    {
        return Err("groups");
    }
    // Groups of 16-bit elements would need code that no network uses.
    if layer.groups > 1 && input.element != Element::I8 {
        return Err("element");
    }
    // With the largest extents the count exceeds 32 bits.
    let members = members(layer, input).ok_or("groups")?;
    let weights = (window::taps(layer) * members) as u64 * u64::from(output.channels);
    let weights = usize::try_from(weights).map_err(|_| "weights")?;
    check_array::<i8>(blob, layer.weights, weights, "weights")?;
    check_stage(layer, blob)
}

pub(super) fn rows(layer: &Layer, _: usize, height: u16, row: u16) -> Range<u16> {
    window::rows(&layer.window, height, row)
}

pub(super) fn macs(layer: &Layer, inputs: &Inputs) -> u64 {
    let Some([input]) = inputs.exactly() else { return 0 };
    let elements = u64::from(layer.output.height) * layer.output.row_elements() as u64;
    elements * (window::taps(layer) * members(layer, input).unwrap_or(0)) as u64
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    if work.layer().groups > 1 {
        let input = work.input(0)?;
        window::with_rows(work, &input, grouped_row)
    } else {
        window::run(work, row::<i8>, row::<i16>)
    }
}

fn row<I: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, I>) -> Option<()> {
    match work.tensor.element {
        Element::I8 => typed::<I, i8>(work, rows),
        Element::I16 => typed::<I, i16>(work, rows),
    }
}

fn typed<I: kernels::Element, O: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, I>) -> Option<()> {
    let layer = work.layer();
    let stage = &work.stage()?;
    let taps = rows.channels * window::taps(&layer) * usize::from(work.tensor.channels);
    let weights = work.array(layer.weights, taps)?;
    kernels::conv(rows, weights, stage, work.scratch, cast::<O>(work.output)?)
}

fn grouped_row(work: &mut Work<'_>, rows: &Rows<'_, i8>) -> Option<()> {
    match work.tensor.element {
        Element::I8 => grouped::<i8>(work, rows),
        Element::I16 => grouped::<i16>(work, rows),
    }
}

fn grouped<O: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, i8>) -> Option<()> {
    let layer = work.layer();
    let stage = &work.stage()?;
    let groups = usize::from(layer.groups);
    let taps = rows.channels.checked_div(groups)? * window::taps(&layer) * usize::from(work.tensor.channels);
    let weights = work.array(layer.weights, taps)?;
    kernels::grouped(rows, groups, weights, stage, work.scratch, cast::<O>(work.output)?)
}
