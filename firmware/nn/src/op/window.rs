//! Code shared by operators that slide a window over one tensor.

use core::ops::Range;

use format::layer::{self, Layer, MAX_KERNEL, Tensor, Window};
use heapless::Vec;

use super::Work;
use crate::kernels::{Element, Rows};

/// Rows from the row of the first tap to that of the last tap, without rows outside the tensor.
#[inline(always)]
pub fn rows(window: &Window, height: u16, row: u16) -> Range<u16> {
    let start = i32::from(row) * i32::from(window.stride[0]) - i32::from(window.pad[0]);
    let end = start + (i32::from(window.kernel[0]) - 1) * i32::from(window.dilation[0]) + 1;
    start.max(0) as u16..end.min(height.into()) as u16
}

/// Checks that every window covers at least one existing row and column.
pub fn check(window: &Window, input: &Tensor, output: &Tensor) -> Result<(), &'static str> {
    for (axis, input, output) in [(0, input.height, output.height), (1, input.width, output.width)] {
        let [kernel, stride, pad, dilation] =
            [window.kernel[axis], window.stride[axis], window.pad[axis], window.dilation[axis]]
                .map(i32::from);
        if !(1..=MAX_KERNEL as i32).contains(&kernel) || stride == 0 || dilation == 0 {
            return Err("window");
        }
        if pad > (kernel - 1) * dilation {
            return Err("window");
        }
        if (i32::from(output) - 1) * stride - pad >= i32::from(input) {
            return Err("output size");
        }
    }
    Ok(())
}

/// Taps of a window in one channel.
#[inline(always)]
pub fn taps(layer: &Layer) -> usize {
    usize::from(layer.window.kernel[0]) * usize::from(layer.window.kernel[1])
}

/// [`with_rows`] of the only input, with the kernel for its element type.
#[inline(always)]
pub fn run(
    work: &mut Work<'_>,
    bytes: fn(&mut Work<'_>, &Rows<'_, i8>) -> Option<()>,
    halves: fn(&mut Work<'_>, &Rows<'_, i16>) -> Option<()>,
) -> Option<()> {
    let input = work.input(0)?;
    match input.element {
        layer::Element::I8 => with_rows(work, &input, bytes),
        layer::Element::I16 => with_rows(work, &input, halves),
    }
}

/// Calls a kernel with the input rows under the window of the row to make.
// One function for every operator. It is inlined only where rows take so few instructions that the call matters.
#[cfg_attr(arm_helium, inline(always))]
#[cfg_attr(not(arm_helium), inline(never))]
pub fn with_rows<I: Element>(
    work: &mut Work<'_>,
    input: &Tensor,
    kernel: fn(&mut Work<'_>, &Rows<'_, I>) -> Option<()>,
) -> Option<()> {
    let window = work.layer().window;
    let mut rows: Vec<Option<&[I]>, MAX_KERNEL> = Vec::new();
    let start = i32::from(work.row) * i32::from(window.stride[0]) - i32::from(window.pad[0]);
    for tap in 0..i32::from(window.kernel[0]) {
        let y = start + tap * i32::from(window.dilation[0]);
        let row = match (0..i32::from(input.height)).contains(&y) {
            true => Some(crate::elements(work.around.row(input, y as u16)?)?),
            false => None,
        };
        rows.push(row).ok()?;
    }
    let rows = Rows {
        rows: &rows,
        width: input.width.into(),
        channels: input.channels.into(),
        zero_point: input.zero_point.into(),
        kernel_width: window.kernel[1].into(),
        stride: window.stride[1].into(),
        pad: window.pad[1].into(),
        dilation: window.dilation[1].into(),
    };
    kernel(work, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: u8, stride: u8, pad: u8, dilation: u8) -> Window {
        Window { kernel: [kernel, 1], stride: [stride, 1], pad: [pad, 0], dilation: [dilation, 1] }
    }

    #[test]
    fn rows_are_those_between_the_outermost_taps() {
        assert_eq!(rows(&window(3, 1, 1, 1), 10, 0), 0..2);
        assert_eq!(rows(&window(3, 1, 1, 1), 10, 9), 8..10);
        assert_eq!(rows(&window(3, 2, 1, 1), 10, 3), 5..8);
        assert_eq!(rows(&window(3, 1, 5, 5), 20, 7), 2..13);
        assert_eq!(rows(&window(3, 1, 5, 5), 20, 0), 0..6);
        assert_eq!(rows(&window(7, 1, 0, 1), 7, 0), 0..7);
    }
}
