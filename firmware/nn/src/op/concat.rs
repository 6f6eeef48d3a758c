//! Concatenation of channels. All tensors have one height, width, element type and zero point.

use core::ops::Range;

use format::layer::{Layer, MAX_INPUTS};

use super::{Inputs, Work, cast, check_same_grid};
use crate::kernels::Element as Number;
use crate::{copy, ensure};

pub(super) fn check(layer: &Layer, inputs: &Inputs, _: &[u8]) -> Result<(), &'static str> {
    let output = &layer.output;
    let mut channels = 0;
    for input in inputs.iter() {
        if (input.height, input.width) != (output.height, output.width) {
            return Err("shape");
        }
        check_same_grid(input, output)?;
        channels += u32::from(input.channels);
    }
    if channels == u32::from(output.channels) { Ok(()) } else { Err("channels") }
}

pub(super) fn rows(_: &Layer, _: usize, _: u16, row: u16) -> Range<u16> {
    row..row + 1
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    // Bytes of any element type, so that the copy exists once.
    let mut inputs: [(&[i8], usize); MAX_INPUTS] = [(&[], 0); MAX_INPUTS];
    let inputs = inputs.get_mut(..work.model.reads(work.number).numbers().len())?;
    for (index, place) in inputs.iter_mut().enumerate() {
        let input = work.input(index)?;
        let pixel_bytes = usize::from(input.channels) * input.element.bytes();
        *place = (crate::elements(work.around.row(&input, work.row)?)?, pixel_bytes);
    }
    concat(inputs, cast::<i8>(work.output)?)
}

/// One output row `[width][c]`: each pixel has the channels of the first input's pixel, then those of the second's,
/// and so on. `inputs` are rows `[width][channels]` with their numbers of channels. Elements are copied. `None` when lengths
/// do not agree.
pub fn concat<T: Number>(inputs: &[(&[T], usize)], output: &mut [T]) -> Option<()> {
    let channels: usize = inputs.iter().map(|(_, channels)| channels).sum();
    ensure(channels > 0 && output.len().is_multiple_of(channels))?;
    let mut first = 0;
    for &(input, count) in inputs {
        ensure(count > 0 && input.len() * channels == output.len() * count)?;
        for (pixel, input) in output.chunks_exact_mut(channels).zip(input.chunks_exact(count)) {
            copy(input, pixel.get_mut(first..first + count)?)?;
        }
        first += count;
    }
    Some(())
}
