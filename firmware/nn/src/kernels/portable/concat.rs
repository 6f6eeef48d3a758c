//! Tensors side by side in one.

use crate::kernels::Element;

/// One output row `[width][c]`: each pixel has the channels of the first input's pixel, then those of the second's, and so on.
/// `inputs` are rows `[width][channels]`, each with its number of channels. Elements are copied.
///
/// # Panics
/// When lengths do not agree.
pub fn concat<T: Element>(inputs: &[(&[T], usize)], output: &mut [T]) {
    let channels: usize = inputs.iter().map(|(_, channels)| channels).sum();
    let mut first = 0;
    for &(input, count) in inputs {
        assert_eq!(input.len() * channels, output.len() * count);
        for (pixel, input) in output.chunks_exact_mut(channels).zip(input.chunks_exact(count)) {
            pixel[first..first + count].copy_from_slice(input);
        }
        first += count;
    }
}
