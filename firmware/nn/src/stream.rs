//! Which row to make next: rows on demand between barriers.
//!
//! An [`Order`] completes the barriers' tensors one after another. To make a row it first makes the rows under its
//! window that do not exist yet, and those under theirs, down to the input. The order depends on layers
//! and barriers alone, so that the exporter finds ring heights and lifetimes by going through it dry, and a board
//! checks a plan the same way.

use format::layer::Layer;
use heapless::Vec;

/// How far each tensor is.
pub struct Progress<'a> {
    layers: &'a [Layer],
    made: &'a [u16],
}

impl Progress<'_> {
    /// Rows of a tensor made so far: 0 to its height.
    pub fn made(&self, tensor: usize) -> u16 {
        self.made[tensor]
    }

    /// First row of `tensor` that a later row of one of its readers needs, or `None` when nothing more will be
    /// read. Nothing reads the last tensor: it is kept whole.
    pub fn oldest_needed(&self, tensor: usize) -> Option<u16> {
        if tensor + 1 == self.layers.len() {
            return Some(0);
        }
        let height = self.layers[tensor].output.height;
        let readers = self.layers.iter().enumerate().skip(tensor + 1);
        readers
            .filter(|(reader, layer)| {
                self.made[*reader] < layer.output.height && layer.op.inputs().any(|i| i as usize == tensor)
            })
            .map(|(reader, layer)| layer.op.window().rows(self.made[reader], height).0)
            .min()
    }
}

/// Every row of every barrier's tensor, and the rows they need, in the order in which they are made: number of the layer,
/// number of the row. Rows of one layer come in ascending order, each once. `N` is at least the number of layers.
pub struct Order<'a, const N: usize> {
    layers: &'a [Layer],
    /// Those that are not complete.
    barriers: &'a [u16],
    made: [u16; N],
    /// Layers of which a row is wanted, each for the one before. A layer waits for layers of smaller numbers only: none is here
    /// twice.
    waiting: Vec<u16, N>,
}

impl<'a, const N: usize> Order<'a, N> {
    /// The order for these layers and barriers.
    pub fn new(layers: &'a [Layer], barriers: &'a [u16]) -> Self {
        Order { layers, barriers, made: [0; N], waiting: Vec::new() }
    }

    /// How far the tensors are, with the row that was given last.
    pub fn progress(&self) -> Progress<'_> {
        Progress { layers: self.layers, made: &self.made[..self.layers.len()] }
    }
}

impl<const N: usize> Iterator for Order<'_, N> {
    type Item = (usize, u16);

    // Not inlined, as a plan is checked and then followed.
    #[inline(never)]
    fn next(&mut self) -> Option<(usize, u16)> {
        while self.waiting.is_empty() {
            let (&barrier, others) = self.barriers.split_first()?;
            if self.made[barrier as usize] < self.layers[barrier as usize].output.height {
                let _ = self.waiting.push(barrier);
            } else {
                self.barriers = others;
            }
        }
        while let Some(&layer) = self.waiting.last() {
            if let Some(input) = missing_input(self.layers, &self.made, layer) {
                let _ = self.waiting.push(input);
                continue;
            }
            self.waiting.pop();
            let row = self.made[layer as usize];
            self.made[layer as usize] += 1;
            return Some((layer as usize, row));
        }
        None
    }
}

/// An input of which the layer's next row needs a row that does not exist yet.
fn missing_input(layers: &[Layer], made: &[u16], layer: u16) -> Option<u16> {
    let op = &layers[layer as usize].op;
    let window = op.window();
    let row = made[layer as usize];
    op.inputs().find(|&input| {
        let (_, last) = window.rows(row, layers[input as usize].output.height);
        made[input as usize] <= last
    })
}
