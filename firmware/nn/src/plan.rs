//! Whether a plan of memory overwrites nothing that is still needed: the order of rows gone through once, dry.

use core::fmt;
use core::ops::Range;

use format::layer::{Layer, Tensor};
use format::network::Model;

use crate::op::{self, Inputs, slot};
use crate::stream::{Order, oldest_needed, state_elements};

/// Why the network of a checked image cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The arena is too small or not aligned to 16 bytes.
    Arena {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// A layer's record is wrong.
    Layer {
        /// Its number.
        layer: u16,
        /// Which field.
        field: &'static str,
    },
    /// A layer overwrites rows that are still needed.
    Overlap {
        /// Its number.
        layer: u16,
    },
    /// A tensor's ring is too low: a row is overwritten before its last use.
    Ring {
        /// The tensor's number.
        tensor: u16,
    },
    /// The arena is too small for the scheduler's state, or for checking the plan.
    State,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Arena { needed, given } => {
                write!(f, "arena: {needed} bytes aligned to 16 are needed, {given} were given")
            }
            Self::Layer { layer, field } => write!(f, "network: layer {layer}: bad {field}"),
            Self::Overlap { layer } => write!(f, "plan: layer {layer} overwrites rows that are still needed"),
            Self::Ring { tensor } => write!(f, "plan: ring of tensor {tensor} is too low"),
            Self::State => write!(f, "plan: arena or state bytes are too few for so many layers"),
        }
    }
}

impl core::error::Error for LoadError {}

/// Bytes of arena that checking a plan works in, for so many layers.
pub const fn check_bytes(layers: usize) -> usize {
    2 * (state_elements(layers) + 3 * layers)
}

/// In the list of oldest rows: nothing more will be read.
const DEAD: u16 = u16::MAX;

/// Checks every layer's record and the plan. `memory` is at least [`check_bytes`] long and aligned to two bytes.
pub(crate) fn check(model: &Model<'_>, memory: &mut [u8]) -> Result<(), LoadError> {
    let count = model.layer_count();
    let wrong = |layer: usize| move |field| LoadError::Layer { layer: layer as u16, field };
    for number in 0..count {
        let layer = layer_of(model, number);
        let inputs = Inputs::of(&layer, |input| layer_of(model, input).output);
        op::check(&layer, &inputs, model.blob()).map_err(wrong(number))?;
        let apart =
            |input: &Tensor| !overlap(&ring(input), &ring(&layer.output)) || op::add::in_place(&layer, input);
        if !inputs.iter().all(apart) {
            return Err(LoadError::Overlap { layer: number as u16 });
        }
    }

    let memory: &mut [u16] = bytemuck::cast_slice_mut(memory);
    let (state, memory) = memory.split_at_mut(state_elements(count));
    let (oldest, memory) = memory.split_at_mut(count);
    let (last_reader, memory) = memory.split_at_mut(count);
    let live = &mut memory[..count];
    let mut live_count = 0;
    last_reader.fill(0);
    for number in 0..count {
        for &input in layer_of(model, number).inputs() {
            last_reader[usize::from(input)] = number as u16;
        }
    }
    let readers = |tensor: usize, last_reader: &[u16]| tensor + 1..usize::from(last_reader[tensor]) + 1;

    let mut order = Order::new(model, state);
    while let Some((number, row)) = order.next() {
        let layer = layer_of(model, number);
        for &input in layer.inputs() {
            let input = usize::from(input);
            let first = oldest_needed(model, order.made(), input, readers(input, last_reader));
            oldest[input] = first.unwrap_or(DEAD);
            if first.is_none()
                && let Some(place) =
                    live[..live_count].iter().position(|&tensor| usize::from(tensor) == input)
            {
                live_count -= 1;
                live[place] = live[live_count];
            }
        }
        if row == 0 {
            let first = oldest_needed(model, order.made(), number, readers(number, last_reader));
            oldest[number] = first.unwrap_or(DEAD);
            live[live_count] = number as u16;
            live_count += 1;
        }
        if row.saturating_sub(oldest[number]) >= layer.output.ring {
            return Err(LoadError::Ring { tensor: number as u16 });
        }
        let place = slot(&layer.output, row);
        for &other in live[..live_count].iter().filter(|&&other| usize::from(other) != number) {
            let other = usize::from(other);
            let tensor = layer_of(model, other).output;
            let needed = oldest[other]..order.made()[other];
            if overlap(&ring(&tensor), &place)
                && needed.into_iter().any(|row| overlap(&slot(&tensor, row), &place))
            {
                return Err(LoadError::Overlap { layer: number as u16 });
            }
        }
    }
    Ok(())
}

/// A layer. Not inlined: here size counts, not speed.
#[inline(never)]
fn layer_of(model: &Model<'_>, number: usize) -> Layer {
    model.layer(number)
}

fn ring(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start + tensor.ring_bytes()
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
