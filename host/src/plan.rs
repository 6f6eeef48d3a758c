//! Memory of a network: barriers, ring heights, and every ring's place in one arena.
//!
//! Heights and lifetimes come from a dry run of the board's own scheduler ([`nn::stream`]). The set of barriers is
//! found by search: each set needs an arena of some size, and the smallest wins.
//!
//! Lifetimes are those of single rows. While a tensor that is kept whole is read for the last time, its rows become
//! free from the top, and a later tensor may use their memory.

use std::ops::Range;

use format::layer::{Layer, Operator};
use format::network::MAX_BARRIERS;
use nn::plan::check_bytes;
use nn::stream::{Layers, Order, Readers, Step, state_elements};
use rayon::prelude::*;

/// A plan. [`plan`] also writes it into the layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tensors that are completed one after another, before the outputs.
    pub barriers: Vec<u16>,
    /// Bytes of the arena: the scheduler's state, then the rings.
    pub arena_bytes: usize,
    /// Bytes of the scheduler's state.
    pub state_bytes: usize,
    /// The rings, in order of their first tensor.
    pub rings: Vec<Ring>,
}

/// A ring of rows, shared by a tensor and the additions whose output replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The tensors that the ring holds, one after another.
    pub tensors: Vec<usize>,
    /// Number of rows.
    pub height: u16,
    /// Length in bytes.
    pub bytes: usize,
    /// Start in the arena.
    pub offset: usize,
    /// First and last moment of use. A moment is the making of one row.
    pub alive: [usize; 2],
    /// First and last moment of use of each row.
    rows: Vec<[usize; 2]>,
    /// Length of a row in bytes.
    row_bytes: usize,
    /// Rings that its layers read, and rings whose layers read it, each by its first tensor. These never share memory.
    beside: Vec<usize>,
}

/// Layers during planning, as the scheduler sees them.
struct Candidate<'a> {
    layers: &'a [Layer],
    outputs: &'a [u16],
    barriers: &'a [u16],
}

impl Candidate<'_> {
    /// Calls `watch` for every row in the order of making: layer, row, rows of each tensor so far, and a function that gives
    /// a tensor's first row that is still needed, or [`DEAD`](nn::stream::DEAD).
    fn dry_run(&self, mut watch: impl FnMut(usize, u16, &[u16], &mut dyn FnMut(usize) -> u16)) {
        let mut state = vec![0; state_elements(self.layers.len())];
        let mut order = Order::new(self, &mut state).expect("state for all layers");
        let mut memory = vec![0; Readers::elements(self.layers.len())];
        let mut readers = Readers::new(self, &mut memory).expect("memory for all readers");
        while let Step::Row(layer, row) = order.step().expect("layers read tensors before them") {
            let made = order.made();
            watch(layer, row, made, &mut |tensor| readers.oldest(self, made, tensor).expect("a tensor"));
        }
    }
}

impl Layers for Candidate<'_> {
    fn layer_count(&self) -> usize {
        self.layers.len()
    }

    fn layer(&self, number: usize) -> Layer {
        self.layers[number]
    }

    fn goal(&self, place: usize) -> Option<u16> {
        self.barriers.iter().chain(self.outputs).nth(place).copied()
    }

    fn is_output(&self, tensor: usize) -> bool {
        self.outputs.contains(&(tensor as u16))
    }
}

/// Most tensors that are tried as the next barrier. Networks that fit on boards have fewer.
const MOST_TRIED: usize = 128;
/// If not all tensors were tried, this many of the best are tried again.
const MOST_TRIED_AGAIN: usize = 32;

/// Finds the barriers that need the smallest arena for these outputs, and writes every tensor's ring and offset.
/// Barriers are added one at a time, each the one that saves most together with those found before.
pub fn plan(layers: &mut [Layer], outputs: &[u16]) -> Plan {
    let mut best = with_barriers(layers, outputs, &[]);
    let mut tensors: Vec<u16> = (1..layers.len() as u16)
        .step_by(layers.len().div_ceil(MOST_TRIED))
        .filter(|tensor| outputs.len() > 1 || !outputs.contains(tensor))
        .collect();
    loop {
        let candidates: Vec<(u16, Vec<u16>)> = (tensors.iter().copied())
            .filter_map(|tensor| {
                let mut barriers = best.barriers.clone();
                match barriers.binary_search(&tensor) {
                    Ok(present) => drop(barriers.remove(present)),
                    Err(_) if barriers.len() == MAX_BARRIERS => return None,
                    Err(place) => barriers.insert(place, tensor),
                }
                Some((tensor, barriers))
            })
            .collect();
        let layers = &*layers;
        let mut better: Vec<(u16, Plan)> = candidates
            .par_iter()
            .filter_map(|(tensor, barriers)| {
                Some((*tensor, with_barriers_below(layers, outputs, barriers, best.arena_bytes)?))
            })
            .collect();
        better.sort_by_key(|(_, plan)| (plan.arena_bytes, plan.barriers.len()));
        if layers.len() > MOST_TRIED {
            let helped = better.iter().map(|(tensor, _)| *tensor).chain(best.barriers.iter().copied());
            tensors = helped.take(MOST_TRIED_AGAIN).collect();
        }
        match better.into_iter().next().map(|(_, plan)| plan) {
            Some(plan) if plan.arena_bytes < best.arena_bytes => best = plan,
            _ => break,
        }
    }
    best.write(layers);
    best
}

impl Plan {
    /// Writes every tensor's ring and offset into the layers' records.
    pub fn write(&self, layers: &mut [Layer]) {
        for ring in &self.rings {
            for &tensor in &ring.tensors {
                layers[tensor].output.ring = ring.height;
                layers[tensor].output.offset = ring.offset as u32;
            }
        }
    }
}

/// The plan for given barriers, ascending.
pub fn with_barriers(layers: &[Layer], outputs: &[u16], barriers: &[u16]) -> Plan {
    // Every plan needs fewer bytes than this limit.
    with_barriers_below(layers, outputs, barriers, usize::MAX).expect("a plan")
}

/// The plan for given barriers, or `None` if it needs `arena_bytes` or more. This is often found early.
fn with_barriers_below(
    layers: &[Layer],
    outputs: &[u16],
    barriers: &[u16],
    most_bytes: usize,
) -> Option<Plan> {
    let candidate = Candidate { layers, outputs, barriers };
    let owner = take_places(&candidate);
    let mut rings = measure(&candidate, &owner);
    let state_bytes = (2 * state_elements(layers.len())).next_multiple_of(format::ALIGNMENT);
    if state_bytes + peak(&rings) >= most_bytes {
        return None;
    }
    // A board checks the plan in the same memory.
    let checked = check_bytes(layers.len()).next_multiple_of(format::ALIGNMENT);
    let arena_bytes = (state_bytes + pack(&mut rings, most_bytes - state_bytes)?).max(checked);
    Some(Plan { barriers: barriers.to_vec(), arena_bytes, state_bytes, rings })
}

/// Most bytes of rows in use at one moment: no placement needs fewer.
fn peak(rings: &[Ring]) -> usize {
    let rows = rings.iter().flat_map(|ring| ring.rows.iter().map(|alive| (alive, ring.row_bytes as isize)));
    let mut changes: Vec<(usize, isize)> =
        rows.flat_map(|(&[first, last], bytes)| [(first, bytes), (last.saturating_add(1), -bytes)]).collect();
    // A row that ends at a moment frees its memory before a row that begins at that moment.
    changes.sort_unstable();
    let mut bytes = 0;
    let sums = changes.iter().map(|(_, change)| {
        bytes += change;
        bytes
    });
    sums.max().unwrap_or(0) as usize
}

/// For every tensor, the tensor whose ring it uses. That is the tensor itself, or the input that an addition replaces.
/// An addition can replace an input if the input's row is not used after the addition's row is made.
fn take_places(candidate: &Candidate<'_>) -> Vec<usize> {
    let layers = candidate.layers;
    let mut free: Vec<[bool; 2]> = vec![[true; 2]; layers.len()];
    if layers.iter().all(|layer| layer.operator != Operator::Add) {
        return (0..layers.len()).collect();
    }
    candidate.dry_run(|layer, row, _, oldest| {
        if layers[layer].operator == Operator::Add {
            for (free, &input) in free[layer].iter_mut().zip(layers[layer].inputs()) {
                *free &= oldest(input.into()) > row;
            }
        }
    });
    let mut owner: Vec<usize> = (0..layers.len()).collect();
    for (index, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.operator == Operator::Add) {
        // The tensor with the smaller number is the shortcut. Its ring lives longer.
        let mut inputs: Vec<(usize, bool)> =
            layer.inputs().iter().map(|&input| usize::from(input)).zip(free[index]).collect();
        inputs.sort_unstable();
        let place = inputs.iter().find(|&&(input, free)| {
            free && input != 0 && layers[input].output.element == layer.output.element
        });
        if let Some(&(input, _)) = place {
            owner[index] = owner[input];
        }
    }
    owner
}

fn measure(candidate: &Candidate<'_>, owner: &[usize]) -> Vec<Ring> {
    let layers = candidate.layers;
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); layers.len()];
    owner.iter().enumerate().for_each(|(tensor, &ring)| members[ring].push(tensor));
    let mut heights = vec![0u16; layers.len()];
    let mut alive = vec![[usize::MAX, 0]; layers.len()];
    // For each tensor, when each of its rows is made and when it is last needed afterwards.
    let mut lives: Vec<Vec<[usize; 2]>> = vec![Vec::new(); layers.len()];
    let mut dead = vec![0; layers.len()];
    let mut beside = vec![Vec::new(); layers.len()];
    let mut moment = 0;
    let inputs = |layer: usize| layers[layer].inputs().iter().map(|&input| usize::from(input));
    candidate.dry_run(|layer, _, progress, needed| {
        let ring = owner[layer];
        let span = members[ring].iter().filter(|&&t| progress[t] > 0).map(|&tensor| {
            let made = progress[tensor];
            (needed(tensor).min(made - u16::from(tensor == layer)), made)
        });
        let (oldest, made) = span.fold((u16::MAX, 0), |(o, m), (oldest, made)| (o.min(oldest), m.max(made)));
        heights[ring] = heights[ring].max(made - oldest);
        for used in inputs(layer).chain([layer]) {
            let [first, last] = &mut alive[owner[used]];
            *first = moment.min(*first);
            *last = moment;
        }
        lives[layer].push([moment, usize::MAX]);
        for input in inputs(layer) {
            // A reader that has reached its next row may need fewer rows.
            let oldest = needed(input).min(progress[input]) as usize;
            let done = dead[input]..oldest.max(dead[input]);
            lives[input][done.clone()].iter_mut().for_each(|[_, last]| *last = moment - 1);
            dead[input] = done.end;
            for (one, other) in [(owner[input], ring), (ring, owner[input])] {
                if one != other && !beside[one].contains(&other) {
                    beside[one].push(other);
                }
            }
        }
        moment += 1;
    });
    // Outputs are read after the last row.
    candidate.outputs.iter().for_each(|&output| alive[owner[usize::from(output)]][1] = moment);
    let rings = members.into_iter().enumerate().filter(|(ring, members)| {
        // A tensor that no output needs is never made.
        !members.is_empty() && heights[*ring] > 0
    });
    rings
        .map(|(ring, tensors)| Ring {
            rows: if heights[ring] == layers[ring].output.height {
                (0..heights[ring] as usize)
                    .map(|row| {
                        let lives = tensors.iter().filter_map(|&tensor| lives[tensor].get(row));
                        lives.fold([usize::MAX, 0], |[first, last], life| {
                            [first.min(life[0]), last.max(life[1])]
                        })
                    })
                    .collect()
            } else {
                vec![alive[ring]; heights[ring] as usize]
            },
            row_bytes: layers[ring].output.row_bytes(),
            beside: std::mem::take(&mut beside[ring]),
            height: heights[ring],
            bytes: (heights[ring] as usize * layers[ring].output.row_bytes())
                .next_multiple_of(format::ALIGNMENT),
            offset: 0,
            alive: alive[ring],
            tensors,
        })
        .collect()
}

/// Whether two spans of moments overlap.
fn meet(a: &[usize; 2], b: &[usize; 2]) -> bool {
    a[0] <= b[1] && b[0] <= a[1]
}

impl Ring {
    /// Whether both are in use at some moment.
    fn is_used_with(&self, other: &Ring) -> bool {
        self.beside.contains(&other.tensors[0]) || meet(&self.alive, &other.alive)
    }

    /// Whether `other`, placed at `offset` and in use at the same time, would overwrite rows of this ring that are
    /// still needed, or the reverse.
    fn collides(&self, other: &Ring, offset: usize) -> bool {
        let shared = self.offset.max(offset)..(self.offset + self.bytes).min(offset + other.bytes);
        if shared.is_empty() {
            return false;
        }
        self.beside.contains(&other.tensors[0])
            || self.rows_at(self.offset, &shared).any(|row| {
                let start = self.offset + row * self.row_bytes;
                let under = start.max(shared.start)..(start + self.row_bytes).min(shared.end);
                other.rows_at(offset, &under).any(|below| meet(&self.rows[row], &other.rows[below]))
            })
    }

    /// The rows that would use a part of the arena if the ring were at `offset`.
    fn rows_at(&self, offset: usize, part: &Range<usize>) -> Range<usize> {
        let from = part.start.saturating_sub(offset) / self.row_bytes;
        let to = part.end.saturating_sub(offset).div_ceil(self.row_bytes);
        from..to.min(self.rows.len())
    }
}

/// Rows at the end of a ring over which another ring may begin.
const LAST_ROWS: usize = 2;

/// Places rings, largest first, each at the lowest offset at which it overwrites nothing. Returns the end of the last
/// one, or `None` if it is at `most_bytes` or beyond.
fn pack(rings: &mut [Ring], most_bytes: usize) -> Option<usize> {
    let mut order: Vec<usize> = (0..rings.len()).collect();
    order.sort_by_key(|&ring| std::cmp::Reverse(rings[ring].bytes));
    for (count, &ring) in order.iter().enumerate() {
        let placed = || order[..count].iter().map(|&other| &rings[other]);
        // Candidates are the offsets where another ring begins or ends, or where this ring would end together with it.
        // The ring may also begin over another ring's last rows, or end with its own last rows over another ring's
        // first rows. Last rows are made when many other rows are no longer needed.
        let own = &rings[ring];
        let mut offsets: Vec<usize> = placed()
            .flat_map(|other| {
                let end = other.offset + other.bytes;
                let over = (1..=LAST_ROWS).flat_map(move |rows| {
                    [
                        end.checked_sub(rows * other.row_bytes),
                        (other.offset + rows * own.row_bytes).checked_sub(own.bytes),
                    ]
                });
                [Some(other.offset), Some(end), end.checked_sub(own.bytes)].into_iter().chain(over)
            })
            .flatten()
            .map(|offset| offset.next_multiple_of(format::ALIGNMENT))
            .chain([0])
            .collect();
        offsets.sort_unstable();
        offsets.dedup();
        // The rings that may be in the way, by offset, except those that end before the candidate.
        let mut others: Vec<&Ring> = placed().filter(|other| other.is_used_with(own)).collect();
        others.sort_unstable_by_key(|other| other.offset);
        let longest = others.iter().map(|other| other.bytes).max().unwrap_or(0);
        let is_free = |&offset: &usize| {
            let first = others.partition_point(|other| other.offset + longest <= offset);
            let mut over = others[first..].iter().take_while(|other| other.offset < offset + own.bytes);
            !over.any(|other| other.collides(own, offset))
        };
        // There is always room after all other rings.
        rings[ring].offset = offsets.into_iter().find(is_free).unwrap_or(0);
        if rings[ring].offset + rings[ring].bytes >= most_bytes {
            return None;
        }
    }
    Some(rings.iter().map(|ring| ring.offset + ring.bytes).max().unwrap_or(0))
}
