//! Memory of a network: barriers, ring heights, and every ring's place in one arena.
//!
//! Heights and lifetimes come from running the board's own scheduler ([`nn::stream`]) dry. Which tensors are
//! barriers is searched for: each barrier set gives an arena, the smallest wins.

use std::convert::Infallible;

use format::layer::{Layer, Op};
use format::model::{MAX_BARRIERS, MAX_LAYERS};
use nn::stream::{self, Maker, Progress};
use rayon::prelude::*;

/// A plan: what [`plan`] wrote into the layers, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tensors that are completed one after another.
    pub barriers: Vec<u16>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// The rings, in order of their first tensor.
    pub rings: Vec<Ring>,
}

/// A ring of rows, shared by a tensor and the additions that take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The tensors it holds, one after another.
    pub tensors: Vec<usize>,
    /// Rows.
    pub height: u16,
    /// Bytes.
    pub bytes: usize,
    /// Start in the arena.
    pub offset: usize,
    /// First and last moment of use; a moment is the making of one row.
    pub alive: [usize; 2],
}

/// Finds the barriers that need the smallest arena, and writes every tensor's ring and offset.
pub fn plan(layers: &mut [Layer]) -> Plan {
    let last = layers.len() as u16 - 1;
    let mut best = with_barriers(layers, &[last]);
    loop {
        let candidates: Vec<Vec<u16>> = (1..last)
            .filter_map(|tensor| {
                let mut barriers = best.barriers.clone();
                match barriers.binary_search(&tensor) {
                    Ok(present) => drop(barriers.remove(present)),
                    Err(_) if barriers.len() == MAX_BARRIERS => return None,
                    Err(place) => barriers.insert(place, tensor),
                }
                Some(barriers)
            })
            .collect();
        let layers = &*layers;
        let better = candidates
            .par_iter()
            .map(|barriers| with_barriers(layers, barriers))
            .min_by_key(|plan| (plan.arena_bytes, plan.barriers.len()));
        match better {
            Some(plan) if plan.arena_bytes < best.arena_bytes => best = plan,
            _ => break,
        }
    }
    for ring in &best.rings {
        for &tensor in &ring.tensors {
            layers[tensor].output.ring = ring.height;
            layers[tensor].output.offset = ring.offset as u32;
        }
    }
    best
}

/// The plan for given barriers, ascending, the last tensor among them.
pub fn with_barriers(layers: &[Layer], barriers: &[u16]) -> Plan {
    let owner = take_places(layers, barriers);
    let mut rings = measure(layers, barriers, &owner);
    let arena_bytes = pack(&mut rings);
    Plan { barriers: barriers.to_vec(), arena_bytes, rings }
}

fn dry_run(layers: &[Layer], barriers: &[u16], watch: impl FnMut(usize, u16, &Progress<'_>)) {
    struct Watch<F>(F);
    impl<F: FnMut(usize, u16, &Progress<'_>)> Maker for Watch<F> {
        type Error = Infallible;

        fn make(&mut self, layer: usize, row: u16, progress: &Progress<'_>) -> Result<(), Infallible> {
            (self.0)(layer, row, progress);
            Ok(())
        }
    }
    let Ok(()) = stream::run::<MAX_LAYERS, _>(layers, barriers, &mut Watch(watch));
}

/// For every tensor the one whose ring it shares: itself, or the input that an addition takes the place of
/// because that input's row has no use after the addition's row is made.
fn take_places(layers: &[Layer], barriers: &[u16]) -> Vec<usize> {
    let mut free: Vec<[bool; 2]> = vec![[true; 2]; layers.len()];
    dry_run(layers, barriers, |layer, row, progress| {
        if let Op::Add { inputs, .. } = layers[layer].op {
            for (free, input) in free[layer].iter_mut().zip(inputs) {
                *free &= progress.oldest_needed(input as usize).is_none_or(|oldest| oldest > row);
            }
        }
    });
    let mut owner: Vec<usize> = (0..layers.len()).collect();
    for (index, layer) in layers.iter().enumerate() {
        if let Op::Add { inputs, .. } = layer.op {
            // The smaller number is the shortcut: its ring is the longer-lived one.
            let mut inputs: Vec<(usize, bool)> =
                inputs.map(usize::from).into_iter().zip(free[index]).collect();
            inputs.sort_unstable();
            let place = inputs.iter().find(|&&(input, free)| {
                free && input != 0 && layers[input].output.element == layer.output.element
            });
            if let Some(&(input, _)) = place {
                owner[index] = owner[input];
            }
        }
    }
    owner
}

fn measure(layers: &[Layer], barriers: &[u16], owner: &[usize]) -> Vec<Ring> {
    let members: Vec<Vec<usize>> =
        (0..layers.len()).map(|ring| (0..layers.len()).filter(|&t| owner[t] == ring).collect()).collect();
    let mut heights = vec![0u16; layers.len()];
    let mut alive = vec![[usize::MAX, 0]; layers.len()];
    let mut moment = 0;
    dry_run(layers, barriers, |layer, _, progress| {
        let ring = owner[layer];
        let span = members[ring].iter().filter(|&&t| progress.made(t) > 0).map(|&tensor| {
            let made = progress.made(tensor);
            (progress.oldest_needed(tensor).unwrap_or(made).min(made - u16::from(tensor == layer)), made)
        });
        let (oldest, made) = span.fold((u16::MAX, 0), |(o, m), (oldest, made)| (o.min(oldest), m.max(made)));
        heights[ring] = heights[ring].max(made - oldest);
        for used in layers[layer].op.inputs().map(usize::from).chain([layer]) {
            let [first, last] = &mut alive[owner[used]];
            *first = moment.min(*first);
            *last = moment;
        }
        moment += 1;
    });
    if let Some(&embedding) = owner.last() {
        alive[embedding][1] = moment;
    }
    let rings = members.into_iter().enumerate().filter(|(ring, members)| {
        // A tensor nothing asks for is never made.
        !members.is_empty() && heights[*ring] > 0
    });
    rings
        .map(|(ring, tensors)| Ring {
            height: heights[ring],
            bytes: (heights[ring] as usize * layers[ring].output.row_bytes())
                .next_multiple_of(format::ALIGNMENT),
            offset: 0,
            alive: alive[ring],
            tensors,
        })
        .collect()
}

/// Places rings, largest first, each at the lowest offset free during its life; gives the arena's size.
fn pack(rings: &mut [Ring]) -> usize {
    let mut order: Vec<usize> = (0..rings.len()).collect();
    order.sort_by_key(|&ring| std::cmp::Reverse(rings[ring].bytes));
    let mut placed: Vec<usize> = Vec::new();
    for ring in order {
        let [first, last] = rings[ring].alive;
        let mut taken: Vec<[usize; 2]> = placed
            .iter()
            .map(|&other| &rings[other])
            .filter(|other| other.alive[0] <= last && first <= other.alive[1])
            .map(|other| [other.offset, other.offset + other.bytes])
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for [start, end] in taken {
            if offset + rings[ring].bytes <= start {
                break;
            }
            offset = offset.max(end);
        }
        rings[ring].offset = offset;
        placed.push(ring);
    }
    rings.iter().map(|ring| ring.offset + ring.bytes).max().unwrap_or(0)
}
