//! Nearest-neighbour enlarging: every pixel is repeated `factor` times down and right. Same element type and zero
//! point.

use core::ops::Range;

use format::layer::Layer;

use super::{Inputs, Work, cast, check_same_grid};
use crate::kernels::Element as Number;
use crate::{copy, ensure};

pub(super) fn check(layer: &Layer, inputs: &Inputs, _: &[u8]) -> Result<(), &'static str> {
    let [input] = inputs.exactly().ok_or("inputs")?;
    let output = &layer.output;
    let factor = u32::from(layer.factor);
    let enlarged = [input.height, input.width].map(|extent| u32::from(extent) * factor);
    if factor == 0 || enlarged != [output.height, output.width].map(u32::from) {
        return Err("factor");
    }
    if input.channels != output.channels {
        return Err("channels");
    }
    check_same_grid(input, output)
}

pub(super) fn rows(layer: &Layer, _: usize, _: u16, row: u16) -> Range<u16> {
    // A factor of zero is refused before this is called.
    let input = row / u16::from(layer.factor).max(1);
    input..input + 1
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    let input = work.input(0)?;
    let row = work.around.row(&input, rows(&work.layer(), 0, input.height, work.row).start)?;
    // Bytes of any element type, so that the copy exists once.
    let pixel_bytes = usize::from(input.channels) * input.element.bytes();
    enlarge::<i8>(crate::elements(row)?, pixel_bytes, work.layer().factor.into(), cast(work.output)?)
}

/// One output row `[width · factor][channels]` from an input row `[width][channels]`: output pixel `x` is input pixel
/// `x / factor`. The caller repeats rows in the same way. `None` when lengths do not agree.
pub fn enlarge<T: Number>(input: &[T], channels: usize, factor: usize, output: &mut [T]) -> Option<()> {
    let copied = channels * factor;
    ensure(channels > 0 && copied > 0 && input.len() * factor == output.len())?;
    ensure(input.len().is_multiple_of(channels))?;
    for (copies, pixel) in output.chunks_exact_mut(copied).zip(input.chunks_exact(channels)) {
        for place in copies.chunks_exact_mut(channels) {
            copy(pixel, place)?;
        }
    }
    Some(())
}
