//! Largest element under a window.

use nn::kernels::{Element, Rows};

use crate::naive::under;
use crate::room::Case;
use crate::{Failure, Set};

fn largest<T: Element>(input: &Rows<'_, T>, x: usize, channel: usize) -> Option<i32> {
    let positions = (0..input.rows.len()).flat_map(|ky| (0..input.kernel_width).map(move |kx| (ky, kx)));
    positions.filter_map(|(ky, kx)| under(input, x, ky, kx, channel)).max()
}

fn naive<T: Element>(input: &Rows<'_, T>, output: &mut [T]) {
    for (index, out) in output.iter_mut().enumerate() {
        let (x, c) = (index / input.channels, index % input.channels);
        *out = T::from_i32(largest(input, x, c).expect("a window covers a pixel"));
    }
}

pub fn attempt<S: Set, T: Element, const N: usize>(
    case: &mut Case<'_, T, N>,
    input: &Rows<'_, T>,
    pixels: usize,
) -> Result<(), Failure> {
    // With dilation, all taps may lie outside.
    if (0..pixels).any(|x| largest(input, x, 0).is_none()) {
        return Ok(());
    }
    case.attempt(
        "max_pool",
        pixels * input.channels,
        |output| S::max_pool(input, output),
        |output| naive(input, output),
    )
}
