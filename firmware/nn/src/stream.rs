//! The order of rows: rows on demand between barriers.
//!
//! An [`Order`] completes the goals' tensors one after another: the plan's barriers, then the outputs. To make a row
//! it first makes the missing rows that its operator needs, then those that these need, and so on down to the input.
//! The order depends only on layers and goals: the exporter finds ring heights and lifetimes with a dry run, and a
//! board checks a plan in the same way.

use format::layer::{Layer, MAX_EXTENT, MAX_INPUTS, Reads};
use format::network::{MAX_LAYERS, Model};

use crate::op;

/// The layers of a network and the tensors to complete.
pub trait Layers {
    /// Number of layers.
    fn layer_count(&self) -> usize;

    /// A layer by its number.
    fn layer(&self, number: usize) -> Layer;

    /// Numbers of the tensors that a layer reads.
    fn reads(&self, number: usize) -> Reads {
        self.layer(number).reads
    }

    /// The tensor that is completed at this place in the order: barriers, then outputs; `None` after the last.
    fn goal(&self, place: usize) -> Option<u16>;

    /// Whether a tensor is an output. Outputs are kept whole.
    fn is_output(&self, tensor: usize) -> bool;
}

impl Layers for Model<'_> {
    fn layer_count(&self) -> usize {
        Model::layer_count(self)
    }

    #[inline(always)]
    fn layer(&self, number: usize) -> Layer {
        Model::layer(self, number)
    }

    #[inline(always)]
    fn reads(&self, number: usize) -> Reads {
        Model::reads(self, number)
    }

    fn goal(&self, place: usize) -> Option<u16> {
        match place.checked_sub(self.barrier_count()) {
            None => Some(self.barrier(place)),
            Some(output) => self.output_tensors().nth(output),
        }
    }

    fn is_output(&self, tensor: usize) -> bool {
        self.output_tensors().any(|output| usize::from(output) == tensor)
    }
}

/// Elements of state for an order of this many layers.
pub const fn state_elements(layers: usize) -> usize {
    3 * layers
}

/// Where an order stands, without its state in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    goal: usize,
    depth: usize,
    /// The input for which the deepest waiting layer waited, if its rows now exist.
    served: Option<u16>,
}

/// Yields every row of every goal's tensor and the rows they need, in the order in which they are made: number of the
/// layer, number of the row. Rows of one layer come in ascending order, each once.
pub struct Order<'a, L> {
    layers: &'a L,
    progress: Progress,
    /// Rows of each tensor made so far, including the row that was returned last.
    made: &'a mut [u16],
    /// Stack of layers that must make rows, each for the one before. A layer waits only for layers with smaller
    /// numbers, so none is here twice.
    waiting: &'a mut [u16],
    /// Number of rows that each of these must have in the end.
    until: &'a mut [u16],
}

impl<'a, L: Layers> Order<'a, L> {
    /// The order of these layers. `state` is memory for its progress; its initial content does not matter.
    ///
    /// # Panics
    /// When `state` has fewer than [`state_elements`] elements.
    pub fn new(layers: &'a L, state: &'a mut [u16]) -> Self {
        state[..layers.layer_count()].fill(0);
        Order::resume(layers, state, Progress::default())
    }

    /// The rest of an order of these layers, from where it stood. `state` is as the order left it.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn resume(layers: &'a L, state: &'a mut [u16], progress: Progress) -> Self {
        let count = layers.layer_count();
        let (made, state) = state.split_at_mut(count);
        let (waiting, until) = state.split_at_mut(count);
        assert!(until.len() >= count, "room for every layer to wait");
        Order { layers, progress, made, waiting, until }
    }

    /// Where it stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Rows of each tensor made so far: 0 to its height.
    pub fn made(&self) -> &[u16] {
        self.made
    }

    fn push(&mut self, (layer, until): (u16, u16)) {
        let depth = self.progress.depth;
        self.waiting[depth] = layer;
        self.until[depth] = until;
        self.progress.depth = depth + 1;
    }

    /// An input that lacks rows for the layer's next row, `row`, and the number of rows that it must have then.
    #[inline(always)]
    fn missing_input(&self, number: usize, row: u16) -> Option<(u16, u16)> {
        let layer = self.layers.layer(number);
        // Inputs up to the one for which the layer waited are already checked.
        let mut served = self.progress.served;
        for (index, &input) in self.layers.reads(number).numbers().iter().enumerate() {
            if served.is_some() {
                if served == Some(input) {
                    served = None;
                }
                continue;
            }
            let height = self.layers.layer(input.into()).output.height;
            let end = op::rows(&layer, index, height, row).end;
            if self.made[usize::from(input)] < end {
                return Some((input, end));
            }
        }
        None
    }
}

impl<L: Layers> Iterator for Order<'_, L> {
    type Item = (usize, u16);

    // Not inlined, because both the check of a plan and its execution call it.
    #[inline(never)]
    fn next(&mut self) -> Option<(usize, u16)> {
        while self.progress.depth == 0 {
            let goal = self.layers.goal(self.progress.goal)?;
            let height = self.layers.layer(goal.into()).output.height;
            if self.made[usize::from(goal)] < height {
                self.progress.served = None;
                self.push((goal, height));
            }
            self.progress.goal += 1;
        }
        loop {
            let place = self.progress.depth - 1;
            let layer = usize::from(self.waiting[place]);
            let row = self.made[layer];
            if let Some(missing) = self.missing_input(layer, row) {
                self.progress.served = None;
                self.push(missing);
                continue;
            }
            self.made[layer] = row + 1;
            self.progress.served = None;
            if row + 1 == self.until[place] {
                self.progress.served = Some(layer as u16);
                self.progress.depth = place;
            }
            return Some((layer, row));
        }
    }
}

/// Marks a tensor of which no row will be read any more.
pub const DEAD: u16 = u16::MAX;
/// Marks a tensor whose oldest row is not known yet.
const UNKNOWN: u16 = DEAD - 1;
const _: () = assert!(MAX_EXTENT < UNKNOWN && MAX_LAYERS * MAX_INPUTS < u16::MAX as usize);

/// The oldest row of every tensor that one of its readers still needs.
///
/// A reader never needs an older row than before. So the oldest row stays the same as long as one reader needs it, and only
/// that reader, the witness, is looked at. When the witness needs it no longer, the next one is searched from there on. All
/// searches together take a time that grows with the rows of each tensor times its readers.
pub struct Readers<'a> {
    /// The oldest row of each tensor when it was looked at last.
    oldest: &'a mut [u16],
    /// For each tensor the witness among its readers, or 0 if nothing reads it.
    witness: &'a mut [u16],
    /// The readers of each tensor in a circle: the reader that follows each. A reader is `MAX_INPUTS · layer + input + 1`.
    next: &'a mut [u16],
}

impl<'a> Readers<'a> {
    /// Elements of memory for the readers of this many layers.
    pub const fn elements(layers: usize) -> usize {
        (2 + MAX_INPUTS) * layers
    }

    /// The readers of these layers' tensors. The memory's initial content does not matter.
    ///
    /// # Panics
    /// When `memory` has fewer than [`Self::elements`] elements.
    pub fn new(layers: &impl Layers, memory: &'a mut [u16]) -> Self {
        let count = layers.layer_count();
        let (oldest, memory) = memory.split_at_mut(count);
        let (witness, next) = memory.split_at_mut(count);
        oldest.fill(UNKNOWN);
        witness.fill(0);
        for number in 0..count {
            for (input, &tensor) in layers.reads(number).numbers().iter().enumerate() {
                let (place, tensor) = (MAX_INPUTS * number + input, usize::from(tensor));
                let reader = place as u16 + 1;
                next[place] = match witness[tensor] {
                    0 => reader,
                    last => core::mem::replace(&mut next[usize::from(last) - 1], reader),
                };
                witness[tensor] = reader;
            }
        }
        Readers { oldest, witness, next }
    }

    /// First row of a tensor that a later row of one of its readers needs, or [`DEAD`] if no row is needed any more. `made`
    /// holds the number of rows of each tensor so far, never fewer than at the last call. An output is kept whole, so its
    /// first row is always needed.
    // Not inlined, because size matters here.
    #[inline(never)]
    pub fn oldest(&mut self, layers: &impl Layers, made: &[u16], tensor: usize) -> u16 {
        self.oldest[tensor] = match self.witness[tensor].checked_sub(1) {
            _ if layers.is_output(tensor) => 0,
            None => DEAD,
            Some(first) => self.search(layers, made, tensor, first.into()),
        };
        self.oldest[tensor]
    }

    /// Looks at a tensor's readers from `first` on, until one needs the row that was the oldest. If none does, all readers
    /// were looked at. Returns the oldest row; a reader that needs it becomes the witness.
    fn search(&mut self, layers: &impl Layers, made: &[u16], tensor: usize, first: usize) -> u16 {
        let height = layers.layer(tensor).output.height;
        let (mut place, mut least) = (first, DEAD);
        loop {
            let number = place / MAX_INPUTS;
            let (layer, row) = (layers.layer(number), made[number]);
            let is_done = row == layer.output.height;
            let needed = if is_done { DEAD } else { op::rows(&layer, place % MAX_INPUTS, height, row).start };
            if needed < least {
                (least, self.witness[tensor]) = (needed, place as u16 + 1);
            }
            place = usize::from(self.next[place]) - 1;
            if least == self.oldest[tensor] || place == first {
                return least;
            }
        }
    }

    /// The result of [`Self::oldest`] when it was called last for this tensor.
    pub fn known(&self, tensor: usize) -> u16 {
        self.oldest[tensor]
    }
}
