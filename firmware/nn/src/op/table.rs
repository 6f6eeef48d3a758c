//! Replaces each element by its entry in a table: for activations that straight lines cannot represent, such as SiLU.
//!
//! Reads an `i8` tensor. Uses `weights`, a table `[256]` of output elements; the first entry is for −128.

use core::ops::Range;

use format::layer::{Element, Layer};

use super::{Inputs, Work, cast, check_array};
use crate::kernels::Element as Number;

const ENTRIES: usize = 256;

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    let [input] = inputs.exactly().ok_or("inputs")?;
    if input.shape() != layer.output.shape() {
        return Err("shape");
    }
    if input.element != Element::I8 {
        return Err("element");
    }
    match layer.output.element {
        Element::I8 => check_array::<i8>(blob, layer.weights, ENTRIES, "table"),
        Element::I16 => check_array::<i16>(blob, layer.weights, ENTRIES, "table"),
    }
}

pub(super) fn rows(_: &Layer, _: usize, _: u16, row: u16) -> Range<u16> {
    row..row + 1
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

// Not inlined: each operator's code stands alone.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    let input = work.input(0)?;
    let row = crate::elements(work.around.row(&input, work.row)?)?;
    let offset = work.layer().weights;
    match work.tensor.element {
        Element::I8 => look_up::<i8>(row, work.array(offset, ENTRIES)?, cast(work.output)?),
        Element::I16 => look_up::<i16>(row, work.array(offset, ENTRIES)?, cast(work.output)?),
    }
}

/// One row: `output[i] = table[input[i] + 128]`. `None` when lengths do not agree, or the table has not 256 entries.
pub fn look_up<T: Number>(input: &[i8], table: &[T], output: &mut [T]) -> Option<()> {
    crate::ensure(input.len() == output.len())?;
    let table: &[T; ENTRIES] = table.try_into().ok()?;
    for (out, &element) in output.iter_mut().zip(input) {
        *out = table[usize::from(element as u8 ^ 0x80)];
    }
    Some(())
}
