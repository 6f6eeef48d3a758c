//! Checks that a memory plan overwrites nothing that is still needed, by one dry run through the order of rows.

use core::fmt;
use core::ops::Range;

use format::layer::{Layer, Tensor};
use format::network::Model;

use crate::op::{self, Inputs, slot};
use crate::stream::{DEAD, Order, Readers, Step, state_elements};

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
        /// The layer's number.
        layer: u16,
        /// The field.
        field: &'static str,
    },
    /// A layer overwrites rows that are still needed.
    Overlap {
        /// The layer's number.
        layer: u16,
    },
    /// A tensor's ring has too few rows: a row is overwritten before its last use.
    Ring {
        /// The tensor's number.
        tensor: u16,
    },
    /// The arena is too small for the scheduler's state or for the check of the plan.
    State,
    /// Layers, barriers and outputs do not belong together: one names a tensor that there is not, or layers wait for each
    /// other. The check of the image finds this first.
    Broken,
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
            Self::State => write!(f, "plan: too few bytes of arena or state for this number of layers"),
            Self::Broken => write!(f, "plan: layers, barriers and outputs do not belong together"),
        }
    }
}

impl core::error::Error for LoadError {}

/// Bytes of arena that the check of a plan with this many layers uses.
pub const fn check_bytes(layers: usize) -> usize {
    2 * (state_elements(layers) + layers + Readers::elements(layers))
}

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

    dry_run(model, crate::elements_mut(memory).ok_or(LoadError::State)?).ok_or(LoadError::Broken)?
}

/// Follows the order of rows. `None` if layers, barriers and outputs do not belong together, or there is too little memory.
fn dry_run(model: &Model<'_>, memory: &mut [u16]) -> Option<Result<(), LoadError>> {
    let count = model.layer_count();
    let (state, memory) = memory.split_at_mut_checked(state_elements(count))?;
    let (live, memory) = memory.split_at_mut_checked(count)?;
    let mut live_count = 0;
    let mut readers = Readers::new(model, memory)?;

    let mut order = Order::new(model, state)?;
    while let Step::Row(number, row) = order.step()? {
        let layer = layer_of(model, number);
        for &input in layer.inputs() {
            let input = usize::from(input);
            if readers.oldest(model, order.made(), input)? == DEAD
                && let Some(place) =
                    live.get(..live_count)?.iter().position(|&tensor| usize::from(tensor) == input)
            {
                live_count -= 1;
                *live.get_mut(place)? = *live.get(live_count)?;
            }
        }
        if row == 0 {
            let _ = readers.oldest(model, order.made(), number)?;
            *live.get_mut(live_count)? = number as u16;
            live_count += 1;
        }
        if row.saturating_sub(readers.known(number)?) >= layer.output.ring {
            return Some(Err(LoadError::Ring { tensor: number as u16 }));
        }
        let place = slot(&layer.output, row)?;
        for &other in live.get(..live_count)?.iter().filter(|&&other| usize::from(other) != number) {
            let other = usize::from(other);
            let tensor = layer_of(model, other).output;
            if overwrites(&tensor, readers.known(other)?..*order.made().get(other)?, &place)? {
                return Some(Err(LoadError::Overlap { layer: number as u16 }));
            }
        }
    }
    Some(Ok(()))
}

/// A layer by its number. Not inlined, because size matters here and speed does not.
#[inline(never)]
fn layer_of(model: &Model<'_>, number: usize) -> Layer {
    model.layer(number)
}

/// Whether a place shares bytes with any of these rows of a tensor. There are no more rows than its ring holds. `None` for a
/// tensor without elements or ring.
fn overwrites(tensor: &Tensor, rows: Range<u16>, place: &Range<usize>) -> Option<bool> {
    let own = ring(tensor);
    if rows.is_empty() || !overlap(&own, place) {
        return Some(false);
    }
    // The slots of the ring that the place touches, and the distance from the oldest row's slot to the first of them.
    let bytes = tensor.row_bytes();
    let first = (place.start.max(own.start) - own.start).checked_div(bytes)?;
    let last = (place.end.min(own.end) - own.start - 1).checked_div(bytes)?;
    let height = usize::from(tensor.ring);
    let oldest = usize::from(rows.start).checked_rem(height)?;
    Some((first..=last).contains(&oldest) || (first + height - oldest).checked_rem(height)? < rows.len())
}

fn ring(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start + tensor.ring_bytes()
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use format::layer::Element;

    use super::*;

    #[test]
    fn overwritten_rows_are_those_whose_slots_are_touched() {
        for (height, width) in [(1, 3), (2, 1), (5, 4)] {
            let element = Element::I8;
            let tensor =
                Tensor { height: 20, width, channels: 1, element, zero_point: 0, ring: height, offset: 16 };
            for oldest in 0..12 {
                for count in 0..=height {
                    for start in 0..48 {
                        for length in 1..16 {
                            let (rows, place) = (oldest..oldest + count, start..start + length);
                            let naive = rows.clone().any(|row| overlap(&slot(&tensor, row).unwrap(), &place));
                            assert_eq!(
                                overwrites(&tensor, rows.clone(), &place),
                                Some(naive),
                                "{tensor:?} {rows:?} {place:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
