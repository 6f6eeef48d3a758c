//! Largest element under a window.

use crate::kernels::{Element, Rows};

/// One output row `[width][c]` of a max pool. Pixels outside the tensor are ignored.
///
/// # Panics
/// When lengths do not agree, or a window lies entirely outside.
pub fn max_pool<T: Element>(input: &Rows<'_, T>, output: &mut [T]) {
    let channels = input.channels;
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        let mut values = input.rows.iter().flatten().flat_map(|row| {
            let inside = row[column * channels..].chunks_exact(channels);
            inside.step_by(input.dilation).take(high - low)
        });
        pixel.copy_from_slice(values.next().expect("a window covers a pixel"));
        for value in values {
            for (out, &value) in pixel.iter_mut().zip(value) {
                *out = value.max(*out);
            }
        }
    }
}
