//! Each channel is multiplied by a gain that the network computes: squeeze and excitation (Hu et al. 2018,
//! arXiv:1709.01507).
//!
//! Reads an `i8` tensor and `i8` gates `[1, 1, c]`. Uses `weights`, a table `i16 [256]` with the gain in Q15 of each
//! gate, starting at −128 (for example the sigmoid of the gate's real value), and `stage`: the accumulator is bias +
//! gain · (x − zero point).

use core::ops::Range;

use format::layer::{Element, Layer, Tensor};

use super::{Inputs, Work, cast, check_array, check_stage};
use crate::kernels;

const TABLE: usize = 256;

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    let [map, gates]: [&Tensor; 2] = inputs.exactly().ok_or("inputs")?;
    if map.shape() != layer.output.shape() {
        return Err("shape");
    }
    if map.element != Element::I8 {
        return Err("element");
    }
    if gates.shape() != [1, 1, map.channels] || gates.element != Element::I8 {
        return Err("gates");
    }
    check_array::<i16>(blob, layer.weights, TABLE, "table")?;
    check_stage(layer, blob)
}

pub(super) fn rows(_: &Layer, input: usize, _: u16, row: u16) -> Range<u16> {
    if input == 0 { row..row + 1 } else { 0..1 }
}

pub(super) fn macs(layer: &Layer, _: &Inputs) -> u64 {
    u64::from(layer.output.height) * layer.output.row_elements() as u64
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    match work.tensor.element {
        Element::I8 => typed::<i8>(work),
        Element::I16 => typed::<i16>(work),
    }
}

fn typed<O: kernels::Element>(work: &mut Work<'_>) -> Option<()> {
    let [map, gates] = [work.input(0)?, work.input(1)?];
    let (values, gates) = (work.around.row(&map, work.row)?, work.around.row(&gates, 0)?);
    let (table, stage) = (work.array(work.layer().weights, TABLE)?, &work.stage()?);
    kernels::scale::<i8, O>(
        crate::elements(values)?,
        map.zero_point.into(),
        crate::elements(gates)?,
        table,
        stage,
        cast(work.output)?,
    )
}
