//! Which row to make next: rows on demand between barriers.
//!
//! [`run`] completes the barriers' tensors one after another. To make a row it first makes the rows under its
//! window that do not exist yet, and those under theirs, down to the input. The order depends on layers
//! and barriers alone, so that the exporter finds ring heights and lifetimes by running it dry, and a board
//! checks a plan the same way.

use format::layer::Layer;
use heapless::Vec;

/// Makes rows, for [`run`]. Rows of one layer come in ascending order, each once.
pub trait Maker {
    /// What can go wrong.
    type Error;

    /// Makes row `row` of the tensor of layer `layer`. `progress` tells which rows exist.
    ///
    /// # Errors
    /// Ends the run.
    fn make(&mut self, layer: usize, row: u16, progress: &Progress<'_>) -> Result<(), Self::Error>;
}

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

/// Makes every row of every barrier's tensor, and the rows they need. `N` is at least the number of layers.
///
/// # Errors
/// The first error of `maker`.
pub fn run<const N: usize, M: Maker>(
    layers: &[Layer],
    barriers: &[u16],
    maker: &mut M,
) -> Result<(), M::Error> {
    let mut made = [0; N];
    // A layer waits for layers of smaller numbers only: the stack never holds one twice.
    let mut waiting: Vec<u16, N> = Vec::new();
    for &barrier in barriers {
        while made[barrier as usize] < layers[barrier as usize].output.height {
            let _ = waiting.push(barrier);
            while let Some(&layer) = waiting.last() {
                if let Some(input) = missing_input(layers, &made, layer) {
                    let _ = waiting.push(input);
                    continue;
                }
                let row = made[layer as usize];
                made[layer as usize] += 1;
                maker.make(layer as usize, row, &Progress { layers, made: &made[..layers.len()] })?;
                waiting.pop();
            }
        }
    }
    Ok(())
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
