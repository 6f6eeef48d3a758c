//! One record per layer: the operator, the tensor it makes, and where that tensor's ring of rows lies.
//!
//! Layer `i` makes tensor `i`; layer 0 is the input; a layer reads tensors of smaller numbers only.

use serde::{Deserialize, Serialize};

/// Largest kernel height: how many rows a window can span.
pub const MAX_KERNEL: usize = 16;
/// Largest height, width or number of channels of a tensor.
pub const MAX_EXTENT: u16 = 8192;
/// Largest left shift of an accumulator before it is multiplied.
pub const MAX_SHIFT: u8 = 15;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Element {
    /// 8-bit signed.
    I8,
    /// 16-bit signed.
    I16,
}

impl Element {
    /// Size in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Element::I8 => 1,
            Element::I16 => 2,
        }
    }

    /// Smallest and largest value.
    pub const fn range(self) -> (i16, i16) {
        match self {
            Element::I8 => (i8::MIN as i16, i8::MAX as i16),
            Element::I16 => (i16::MIN, i16::MAX),
        }
    }
}

/// A tensor `[height, width, channels]`, and the ring of rows it is kept in. Real value = scale · (element −
/// `zero_point`); the scale is the exporter's own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Rows.
    pub height: u16,
    /// Pixels a row.
    pub width: u16,
    /// Channels a pixel.
    pub channels: u16,
    /// Type of an element.
    pub element: Element,
    /// Element that stands for zero.
    pub zero_point: i16,
    /// Rows kept: row `r` lies in slot `r % ring`. At most `height`; a ring of `height` rows is the whole tensor.
    pub ring: u16,
    /// Start of the ring in the arena, in bytes; a multiple of 16.
    pub offset: u32,
}

impl Tensor {
    /// Elements a row.
    pub const fn row_elements(&self) -> usize {
        self.width as usize * self.channels as usize
    }

    /// Bytes a row.
    pub const fn row_bytes(&self) -> usize {
        self.row_elements() * self.element.bytes()
    }

    /// Bytes of the ring.
    pub const fn ring_bytes(&self) -> usize {
        self.row_bytes() * self.ring as usize
    }
}

/// A sliding window. Output row `y` reads input rows `y · stride − pad ..` of which there are `kernel`; those
/// outside the tensor read as its zero point. Bottom and right padding follow from the output's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Height and width.
    pub kernel: [u8; 2],
    /// Step down and right.
    pub stride: [u8; 2],
    /// Padding at the top and at the left.
    pub pad: [u8; 2],
}

/// Output stage of every layer that accumulates: with `a` the `i32` accumulator, started at the channel's bias,
/// `clamp(zero_point + mulhi(a << shift, M), low, high)`, where `mulhi(a, b) = (a · b + 2³¹) >> 32` and `M` is the
/// channel's multiplier for the sign of `a`. Two multipliers make ReLU, leaky ReLU and PReLU free.
///
/// The offsets are bytes into the MODEL blob, of `i32` arrays with one element a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Where accumulators start; input zero points are folded in.
    pub bias: u32,
    /// Multipliers for accumulators ≥ 0.
    pub positive: u32,
    /// Multipliers for accumulators < 0; may be the same array.
    pub negative: u32,
    /// Left shift of the accumulator, at most [`MAX_SHIFT`].
    pub shift: u8,
    /// Smallest output.
    pub low: i16,
    /// Largest output.
    pub high: i16,
}

/// An operator. Weight offsets are bytes into the MODEL blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// The photo: element = pixel − 128.
    Input,
    /// Convolution over all channels; a dense layer is one whose kernel is its whole input.
    Conv {
        /// Tensor it reads.
        input: u16,
        /// Where the kernel stands.
        window: Window,
        /// `i8 [c_out][kh][kw][c_in]`.
        weights: u32,
        /// What becomes of an accumulator.
        stage: Stage,
    },
    /// One filter a channel.
    Depthwise {
        /// Tensor it reads.
        input: u16,
        /// Where the kernel stands.
        window: Window,
        /// `i8 [kh][kw][c]`.
        weights: u32,
        /// What becomes of an accumulator.
        stage: Stage,
    },
    /// Accumulator = bias + gain₀ · a + gain₁ · b.
    Add {
        /// Tensors it reads, of one shape and element type.
        inputs: [u16; 2],
        /// Their weights in the sum.
        gains: [i16; 2],
        /// What becomes of an accumulator.
        stage: Stage,
    },
    /// Largest element under the window; outside the tensor there is none. Same element type and zero point.
    MaxPool {
        /// Tensor it reads.
        input: u16,
        /// Where the window stands.
        window: Window,
    },
}

impl Op {
    /// The tensors it reads: one, two or none.
    pub fn inputs(&self) -> impl Iterator<Item = u16> + use<> {
        let (first, second) = match *self {
            Op::Input => (None, None),
            Op::Conv { input, .. } | Op::Depthwise { input, .. } | Op::MaxPool { input, .. } => {
                (Some(input), None)
            }
            Op::Add { inputs: [a, b], .. } => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }

    /// Its window; that of an addition covers one pixel.
    pub fn window(&self) -> Window {
        match *self {
            Op::Conv { window, .. } | Op::Depthwise { window, .. } | Op::MaxPool { window, .. } => window,
            Op::Input | Op::Add { .. } => Window::PIXEL,
        }
    }

    /// Its output stage, if it accumulates.
    pub fn stage(&self) -> Option<&Stage> {
        match self {
            Op::Conv { stage, .. } | Op::Depthwise { stage, .. } | Op::Add { stage, .. } => Some(stage),
            Op::Input | Op::MaxPool { .. } => None,
        }
    }
}

impl Window {
    /// One pixel, no padding.
    pub const PIXEL: Window = Window { kernel: [1, 1], stride: [1, 1], pad: [0, 0] };

    /// First and last existing input row that output row `row` reads, of an input `height` rows high.
    pub fn rows(&self, row: u16, height: u16) -> (u16, u16) {
        let start = row as i32 * self.stride[0] as i32 - self.pad[0] as i32;
        let last = start + self.kernel[0] as i32 - 1;
        (start.max(0) as u16, last.min(height as i32 - 1) as u16)
    }
}

/// A layer: operator and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What it does.
    pub op: Op,
    /// What it makes.
    pub output: Tensor,
}
