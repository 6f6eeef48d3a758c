//! The photo: element = pixel − 128. Its rows come from a [`RowSource`](crate::RowSource).

use core::ops::Range;

use format::layer::{Element, Layer};

use super::{Inputs, Work};

pub(super) fn check(layer: &Layer, _: &Inputs, _: &[u8]) -> Result<(), &'static str> {
    if layer.output.element == Element::I8 { Ok(()) } else { Err("element") }
}

pub(super) fn rows(_: &Layer, _: usize, _: u16, row: u16) -> Range<u16> {
    row..row
}

pub(super) fn macs(_: &Layer, _: &Inputs) -> u64 {
    0
}

/// Turns pixels, which are already in the row, into elements.
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    let (words, rest) = work.output.as_chunks_mut::<4>();
    words.iter_mut().for_each(|word| *word = (u32::from_ne_bytes(*word) ^ 0x8080_8080).to_ne_bytes());
    rest.iter_mut().for_each(|byte| *byte ^= 0x80);
    Some(())
}
