//! Largest element under a window.

use crate::kernels::{Element, Rows};
use crate::{copy, ensure};

/// One output row `[width][c]` of a max pool. Pixels outside the tensor are ignored. `None` when lengths do not
/// agree, or a window lies entirely outside.
pub fn max_pool<T: Element>(input: &Rows<'_, T>, output: &mut [T]) -> Option<()> {
    let channels = input.channels;
    ensure(channels > 0 && input.dilation > 0 && output.len().is_multiple_of(channels))?;
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        ensure(low < high)?;
        let inside = column * channels..(column + (high - low - 1) * input.dilation + 1) * channels;
        let mut is_first = true;
        for row in input.rows.iter().flatten() {
            for value in row.get(inside.clone())?.chunks_exact(channels).step_by(input.dilation) {
                if is_first {
                    copy(value, pixel)?;
                    is_first = false;
                    continue;
                }
                for (out, &value) in pixel.iter_mut().zip(value) {
                    *out = value.max(*out);
                }
            }
        }
        ensure(!is_first)?;
    }
    Some(())
}
