//! The order of rows: rows on demand between barriers.
//!
//! An [`Order`] completes the goals' tensors one after another: the plan's barriers, then the outputs. To make a row
//! it first makes the missing rows that its operator needs, then those that these need, and so on down to the input.
//! The order depends only on layers and goals: the exporter finds ring heights and lifetimes with a dry run, and a
//! board checks a plan in the same way.

use format::layer::{Layer, MAX_EXTENT, MAX_INPUTS, Reads};
use format::network::{MAX_LAYERS, Model};

use crate::{ensure, op};

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
}

/// The next thing to do in an order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make this row of this layer.
    Row(usize, u16),
    /// Nothing: all rows are made.
    End,
}

/// Every row of every goal's tensor and the rows they need, in the order in which they are made ([`Self::step`]). Rows of one
/// layer come in ascending order, each once.
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
    /// The order of these layers. `state` is memory for its progress; its initial content does not matter. `None` when it
    /// has fewer than [`state_elements`] elements.
    pub fn new(layers: &'a L, state: &'a mut [u16]) -> Option<Self> {
        state.get_mut(..layers.layer_count())?.fill(0);
        Order::resume(layers, state, Progress::default())
    }

    /// The rest of an order of these layers, from where it stood. `state` is as the order left it. `None` as [`Self::new`].
    pub fn resume(layers: &'a L, state: &'a mut [u16], progress: Progress) -> Option<Self> {
        let count = layers.layer_count();
        let (made, state) = state.split_at_mut_checked(count)?;
        let (waiting, until) = state.split_at_mut_checked(count)?;
        // Room for every layer to wait.
        ensure(until.len() >= count)?;
        Some(Order { layers, progress, made, waiting, until })
    }

    /// Where it stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Rows of each tensor made so far: 0 to its height.
    pub fn made(&self) -> &[u16] {
        self.made
    }

    fn push(&mut self, (layer, until): (u16, u16)) -> Option<()> {
        let depth = self.progress.depth;
        *self.waiting.get_mut(depth)? = layer;
        *self.until.get_mut(depth)? = until;
        self.progress.depth = depth + 1;
        Some(())
    }

    /// An input that lacks rows for the layer's next row, `row`, and the number of rows that it must have then, or `None` if
    /// none does. Nothing at all if the layer reads a tensor that there is not.
    #[inline(always)]
    fn missing_input(&self, number: usize, row: u16) -> Option<Option<(u16, u16)>> {
        let layer = self.layers.layer(number);
        for (index, &input) in self.layers.reads(number).numbers().iter().enumerate() {
            let height = self.layers.layer(input.into()).output.height;
            let end = op::rows(&layer, index, height, row).end;
            if *self.made.get(usize::from(input))? < end {
                return Some(Some((input, end)));
            }
        }
        Some(None)
    }

    /// The next row, which counts as made. `None` if the layers and goals do not belong together: one names a tensor that
    /// there is not, layers wait for each other, or the memory for the progress changed.
    // Not inlined, because both the check of a plan and its execution call it.
    #[inline(never)]
    pub fn step(&mut self) -> Option<Step> {
        while self.progress.depth == 0 {
            let Some(goal) = self.layers.goal(self.progress.goal) else { return Some(Step::End) };
            let height = self.layers.layer(goal.into()).output.height;
            if *self.made.get(usize::from(goal))? < height {
                self.push((goal, height))?;
            }
            self.progress.goal += 1;
        }
        loop {
            let place = self.progress.depth - 1;
            let layer = usize::from(*self.waiting.get(place)?);
            let row = *self.made.get(layer)?;
            if let Some(missing) = self.missing_input(layer, row)? {
                self.push(missing)?;
                continue;
            }
            let until = *self.until.get(place)?;
            ensure(row < until)?;
            *self.made.get_mut(layer)? = row + 1;
            if row + 1 == until {
                self.progress.depth = place;
            }
            return Some(Step::Row(layer, row));
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

    /// The readers of these layers' tensors. The memory's initial content does not matter. `None` when it has fewer than
    /// [`Self::elements`] elements, or a layer reads a tensor that there is not.
    pub fn new(layers: &impl Layers, memory: &'a mut [u16]) -> Option<Self> {
        let count = layers.layer_count();
        let (oldest, memory) = memory.split_at_mut_checked(count)?;
        let (witness, next) = memory.split_at_mut_checked(count)?;
        ensure(next.len() >= MAX_INPUTS * count)?;
        oldest.fill(UNKNOWN);
        witness.fill(0);
        for number in 0..count {
            for (input, &tensor) in layers.reads(number).numbers().iter().enumerate() {
                let place = MAX_INPUTS * number + input;
                let (witness, reader) = (witness.get_mut(usize::from(tensor))?, place as u16 + 1);
                *next.get_mut(place)? = match usize::from(*witness).checked_sub(1) {
                    None => reader,
                    Some(last) => core::mem::replace(next.get_mut(last)?, reader),
                };
                *witness = reader;
            }
        }
        Some(Readers { oldest, witness, next })
    }

    /// First row of a tensor that a later row of one of its readers needs, or [`DEAD`] if no row is needed any more. `made`
    /// holds the number of rows of each tensor so far, never fewer than at the last call. An output is kept whole, so its
    /// first row is always needed. `None` when there is no such tensor.
    // Not inlined, because size matters here.
    #[inline(never)]
    pub fn oldest(&mut self, layers: &impl Layers, made: &[u16], tensor: usize) -> Option<u16> {
        let oldest = match self.witness.get(tensor)?.checked_sub(1) {
            _ if layers.is_output(tensor) => 0,
            None => DEAD,
            Some(first) => self.search(layers, made, tensor, first.into())?,
        };
        *self.oldest.get_mut(tensor)? = oldest;
        Some(oldest)
    }

    /// Looks at a tensor's readers from `first` on, until one needs the row that was the oldest. If none does, all readers
    /// were looked at. Returns the oldest row; a reader that needs it becomes the witness.
    fn search(&mut self, layers: &impl Layers, made: &[u16], tensor: usize, first: usize) -> Option<u16> {
        let (oldest, witness) = (self.known(tensor)?, self.witness.get_mut(tensor)?);
        let height = layers.layer(tensor).output.height;
        let (mut place, mut least) = (first, DEAD);
        loop {
            let number = place / MAX_INPUTS;
            let (layer, row) = (layers.layer(number), *made.get(number)?);
            let is_done = row == layer.output.height;
            let needed = if is_done { DEAD } else { op::rows(&layer, place % MAX_INPUTS, height, row).start };
            if needed < least {
                (least, *witness) = (needed, place as u16 + 1);
            }
            place = usize::from(*self.next.get(place)?).checked_sub(1)?;
            if least == oldest || place == first {
                return Some(least);
            }
        }
    }

    /// The result of [`Self::oldest`] when it was called last for this tensor.
    pub fn known(&self, tensor: usize) -> Option<u16> {
        self.oldest.get(tensor).copied()
    }
}

#[cfg(test)]
mod tests {
    use format::layer::{Element, Operator, Tensor};

    use super::*;

    /// Layers of three rows each that read the tensors with these numbers, and the goals.
    struct Handmade(&'static [&'static [u16]], &'static [u16]);

    impl Layers for Handmade {
        fn layer_count(&self) -> usize {
            self.0.len()
        }

        fn layer(&self, number: usize) -> Layer {
            let element = Element::I8;
            let output =
                Tensor { height: 3, width: 1, channels: 1, element, zero_point: 0, ring: 3, offset: 0 };
            let reads = self.0.get(number).copied().unwrap_or_default();
            Layer::new(if number == 0 { Operator::Input } else { Operator::Concat }, reads, output)
        }

        fn goal(&self, place: usize) -> Option<u16> {
            self.1.get(place).copied()
        }

        fn is_output(&self, tensor: usize) -> bool {
            self.1.contains(&(tensor as u16))
        }
    }

    /// All steps; `None` when the order breaks off.
    fn steps(layers: &Handmade) -> Option<usize> {
        let mut state = [0xa5a5; state_elements(3)];
        let mut order = Order::new(layers, state.get_mut(..state_elements(layers.0.len()))?)?;
        let mut count = 0;
        while let Step::Row(..) = order.step()? {
            count += 1;
        }
        Some(count)
    }

    #[test]
    fn order_of_what_does_not_belong_together_breaks_off() {
        assert_eq!(steps(&Handmade(&[&[], &[0], &[0, 1]], &[2])), Some(9));
        assert_eq!(steps(&Handmade(&[&[], &[0], &[0, 1]], &[1])), Some(6));
        for (what, layers) in [
            ("a goal that there is not", Handmade(&[&[], &[0]], &[2])),
            ("an input that there is not", Handmade(&[&[], &[0], &[3]], &[2])),
            ("layers that wait for each other", Handmade(&[&[], &[2], &[1]], &[2])),
            ("a layer that waits for itself", Handmade(&[&[], &[1]], &[1])),
        ] {
            assert_eq!(steps(&layers), None, "{what}");
        }
    }

    #[test]
    fn too_little_memory_is_refused() {
        let layers = Handmade(&[&[], &[0]], &[1]);
        let mut memory = [0; Readers::elements(2)];
        let short = memory.len() - 1;
        assert!(Readers::new(&layers, &mut memory).is_some());
        assert!(Readers::new(&layers, &mut memory[..short]).is_none());
        assert!(Readers::new(&Handmade(&[&[], &[5]], &[1]), &mut memory).is_none());
        let mut state = [0; state_elements(2)];
        assert!(Order::new(&layers, &mut state[1..]).is_none());
    }
}
