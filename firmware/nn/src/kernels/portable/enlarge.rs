//! Enlarging by a whole factor: each output pixel is the nearest input pixel.

use crate::kernels::Element;

/// One output row `[width · factor][channels]` of an input row `[width][channels]`: output pixel `x` is input pixel
/// `x / factor`. The rows of the output repeat alike, which the caller sees to.
///
/// # Panics
/// When lengths do not agree.
pub fn enlarge<T: Element>(input: &[T], channels: usize, factor: usize, output: &mut [T]) {
    assert_eq!(input.len() * factor, output.len());
    for (copies, pixel) in output.chunks_exact_mut(channels * factor).zip(input.chunks_exact(channels)) {
        for copy in copies.chunks_exact_mut(channels) {
            copy.copy_from_slice(pixel);
        }
    }
}
