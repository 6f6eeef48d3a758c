//! Weighted sum of two tensors of one shape and element type: bias + gain₀ · a + gain₁ · b.
//!
//! Uses `gains` and `stage`. Its output may replace an input in memory, row by row.

use core::ops::Range;

use format::layer::{Element, Layer, Operator, Tensor};

use super::{Inputs, Work, cast, check_stage};
use crate::{elements, kernels};

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    let [first, second]: [&Tensor; 2] = inputs.exactly().ok_or("inputs")?;
    if [first, second].iter().any(|tensor| tensor.shape() != layer.output.shape()) {
        return Err("shape");
    }
    if first.element != second.element {
        return Err("element");
    }
    // The output may replace one input in memory while the other input is read, so the two inputs must differ.
    if matches!(layer.inputs(), [first, second] if first == second) {
        return Err("inputs");
    }
    check_stage(layer, blob)
}

pub(super) fn rows(_: &Layer, _: usize, _: u16, row: u16) -> Range<u16> {
    row..row + 1
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

/// Whether the output replaces this input in memory, row by row.
pub(crate) fn in_place(layer: &Layer, input: &Tensor) -> bool {
    let place = |t: &Tensor| (t.offset, t.ring, t.element);
    layer.operator == Operator::Add && place(input) == place(&layer.output)
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    use Element::{I8, I16};
    let (stage, output) = (&work.stage()?, work.tensor);
    let (inputs, gains) = ([work.input(0)?, work.input(1)?], work.layer().gains);
    // If an input is replaced, it comes first. Its row already lies in the place of the output.
    let (inputs, gains) = match inputs.map(|input| in_place(&work.layer(), &input)) {
        [false, true] => ([inputs[1], inputs[0]], [gains[1], gains[0]]),
        _ => (inputs, gains),
    };
    let [first, second] = &inputs;
    let b = work.around.row(second, work.row)?;
    if first.element == output.element {
        if !in_place(&work.layer(), first) {
            crate::copy(work.around.row(first, work.row)?, work.output)?;
        }
        match first.element {
            I8 => kernels::add_in_place::<i8>(cast(work.output)?, elements(b)?, gains, stage),
            I16 => kernels::add_in_place::<i16>(cast(work.output)?, elements(b)?, gains, stage),
        }
    } else {
        let a = work.around.row(first, work.row)?;
        match first.element {
            I8 => kernels::add::<i8, i16>(elements(a)?, elements(b)?, gains, stage, cast(work.output)?),
            I16 => kernels::add::<i16, i8>(elements(a)?, elements(b)?, gains, stage, cast(work.output)?),
        }
    }
}
