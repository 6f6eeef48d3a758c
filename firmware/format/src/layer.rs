//! One record of 64 bytes for each layer: the operator, the tensor it makes, and the place of that tensor's ring of
//! rows.
//!
//! ```text
//!   0  operator     u8
//!   1  element      u8: 0 i8, 1 i16
//!   2  inputs       u8, how many
//!   3  factor       u8
//!   4  inputs       u16 each, four
//!  12  output       height, width, channels u16; zero point i16; ring u16
//!  22  groups       u16
//!  24  offset       u32, of the ring
//!  28  window       kernel, stride, pad, dilation: height and width, u8 each
//!  36  weights      u32
//!  40  stage        bias, positive, negative u32; shift u8; zero u8; low, high i16
//!  58  gains        i16, i16
//!  62  zero         u16
//! ```
//!
//! Layer `i` makes tensor `i`; layer 0 is the input. A layer reads only tensors with smaller numbers. Every layer has
//! all fields; the crate `nn` documents with each operator which fields it uses and how. Unused fields are zero, or
//! one where zero makes no sense (the window, groups, the factor).

use crate::ALIGNMENT;
use crate::bytes::{put, u16_at, u32_at};

/// Length of a record.
pub const BYTES: usize = 64;
/// Most tensors that a layer reads.
pub const MAX_INPUTS: usize = 4;
/// Largest kernel height: the most rows that a window reads.
pub const MAX_KERNEL: usize = 16;
/// Largest height, width or number of channels of a tensor.
pub const MAX_EXTENT: u16 = 8192;
/// Largest left shift of an accumulator before it is multiplied.
pub const MAX_SHIFT: u8 = 15;

/// The operation of a layer. The crate `nn` has a file for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Operator {
    /// The photo: element = pixel − 128.
    Input = 0,
    /// Convolution over all channels, or over the channels of a group.
    Conv = 1,
    /// Convolution of each channel with its own filter.
    Depthwise = 2,
    /// Weighted sum of two tensors.
    Add = 3,
    /// Largest element under a window.
    MaxPool = 4,
    /// Channels of several tensors, concatenated.
    Concat = 5,
    /// Every pixel, repeated down and right.
    Enlarge = 6,
    /// Each channel multiplied by a number that the network computes for it.
    Scale = 7,
    /// Each element, replaced by its entry in a table.
    Table = 8,
    /// Mean of the elements under a window that lie inside the tensor.
    Average = 9,
}

impl Operator {
    /// All operators, in the order of their codes.
    pub const ALL: [Operator; 10] = [
        Operator::Input,
        Operator::Conv,
        Operator::Depthwise,
        Operator::Add,
        Operator::MaxPool,
        Operator::Concat,
        Operator::Enlarge,
        Operator::Scale,
        Operator::Table,
        Operator::Average,
    ];

    /// The operator of a code that is already checked. Compilers see that an operator is its code, which they do not where it is
    /// looked up in [`Self::ALL`].
    #[inline(always)]
    const fn of_checked(code: u8) -> Self {
        match code {
            0 => Operator::Input,
            1 => Operator::Conv,
            2 => Operator::Depthwise,
            3 => Operator::Add,
            4 => Operator::MaxPool,
            5 => Operator::Concat,
            6 => Operator::Enlarge,
            7 => Operator::Scale,
            8 => Operator::Table,
            _ => Operator::Average,
        }
    }

    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::Input => "input",
            Operator::Conv => "conv",
            Operator::Depthwise => "depthwise",
            Operator::Add => "add",
            Operator::MaxPool => "max_pool",
            Operator::Concat => "concat",
            Operator::Enlarge => "enlarge",
            Operator::Scale => "scale",
            Operator::Table => "table",
            Operator::Average => "average",
        }
    }
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A tensor `[height, width, channels]` and the ring of rows that holds it. Real value = scale · (element −
/// `zero_point`). The image stores the scale of outputs only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Rows.
    pub height: u16,
    /// Pixels of a row.
    pub width: u16,
    /// Channels of a pixel.
    pub channels: u16,
    /// Type of an element.
    pub element: Element,
    /// Element that represents zero.
    pub zero_point: i16,
    /// Number of rows kept: row `r` lies in slot `r % ring`. At most `height`; a ring of `height` rows holds the
    /// whole tensor.
    pub ring: u16,
    /// Start of the ring in the arena, counted from the end of the scheduler's state, in bytes; a multiple of 16.
    pub offset: u32,
}

impl Tensor {
    /// Elements of a row.
    #[inline(always)]
    pub const fn row_elements(&self) -> usize {
        self.width as usize * self.channels as usize
    }

    /// Bytes of a row.
    #[inline(always)]
    pub const fn row_bytes(&self) -> usize {
        self.row_elements() * self.element.bytes()
    }

    /// Bytes of the ring.
    #[inline(always)]
    pub const fn ring_bytes(&self) -> usize {
        self.row_bytes() * self.ring as usize
    }

    /// Height, width and channels.
    pub const fn shape(&self) -> [u16; 3] {
        [self.height, self.width, self.channels]
    }

    /// Checks the shape, and that the ring lies within this many bytes.
    pub(crate) fn check(&self, rings_bytes: usize) -> Result<(), &'static str> {
        if self.shape().iter().any(|extent| !(1..=MAX_EXTENT).contains(extent)) {
            return Err("shape");
        }
        let (low, high) = self.element.range();
        if !(low..=high).contains(&self.zero_point) {
            return Err("zero point");
        }
        if !(1..=self.height).contains(&self.ring) {
            return Err("ring");
        }
        let row_bytes = u64::from(self.width) * u64::from(self.channels) * self.element.bytes() as u64;
        let end = u64::from(self.offset) + u64::from(self.ring) * row_bytes;
        if !(self.offset as usize).is_multiple_of(ALIGNMENT) || end > rings_bytes as u64 {
            return Err("arena offset");
        }
        Ok(())
    }
}

/// A sliding window. Output row `y` reads the input rows `y · stride − pad + k · dilation`, with `k` from 0 up to but not
/// including `kernel`. Rows outside the tensor read as its zero point. The padding at the bottom and right follows from the
/// output's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [u8; 2],
    /// Step down and right.
    pub stride: [u8; 2],
    /// Padding at the top and at the left.
    pub pad: [u8; 2],
    /// Distance of neighbouring taps down and right.
    pub dilation: [u8; 2],
}

impl Window {
    /// One pixel, no padding.
    pub const PIXEL: Window = Window { kernel: [1, 1], stride: [1, 1], pad: [0, 0], dilation: [1, 1] };
}

/// Output stage of every layer that accumulates. The `i32` accumulator `a` starts at the channel's bias. The output
/// is `clamp(zero_point + mulhi(a << shift, M), low, high)`, where `mulhi(a, b) = (a · b + 2³¹) >> 32` and `M` is the
/// channel's multiplier for the sign of `a`. Two multipliers make ReLU, leaky ReLU and PReLU free.
///
/// The three offsets are in bytes, into the section's blob, and point to `i32` arrays with one element for each
/// channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Initial values of the accumulators; the input's zero point is folded in.
    pub bias: u32,
    /// Multipliers for accumulators ≥ 0.
    pub positive: u32,
    /// Multipliers for accumulators < 0; may point to the same array.
    pub negative: u32,
    /// Left shift of the accumulator, at most [`MAX_SHIFT`].
    pub shift: u8,
    /// Smallest output.
    pub low: i16,
    /// Largest output.
    pub high: i16,
}

impl Stage {
    /// The stage of a layer that does not accumulate.
    pub const NONE: Stage = Stage { bias: 0, positive: 0, negative: 0, shift: 0, low: 0, high: 0 };
}

/// Numbers of the tensors that a layer reads, at most [`MAX_INPUTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    count: u8,
    /// Unused places are zero.
    numbers: [u16; MAX_INPUTS],
}

impl Reads {
    /// The numbers.
    #[inline(always)]
    pub fn numbers(&self) -> &[u16] {
        // The count was checked when the layer was made or read.
        self.numbers.get(..self.count.into()).unwrap_or(&[])
    }

    /// Reads the numbers from a layer's record that is already checked.
    #[inline(always)]
    pub(crate) fn of_checked(record: &[u8; BYTES]) -> Reads {
        let numbers = [u16_at(record, 4), u16_at(record, 6), u16_at(record, 8), u16_at(record, 10)];
        Reads { count: record[2], numbers }
    }
}

/// A layer: its operator, its inputs and its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The operation.
    pub operator: Operator,
    /// The tensors that it reads; see [`Self::inputs`].
    pub reads: Reads,
    /// The tensor that it makes.
    pub output: Tensor,
    /// The sliding window.
    pub window: Window,
    /// Groups of channels, or 1.
    pub groups: u16,
    /// How many times a pixel is repeated, down and right.
    pub factor: u8,
    /// Start of the weights, or of a table, in the blob.
    pub weights: u32,
    /// Weights of the two inputs of a sum.
    pub gains: [i16; 2],
    /// The output stage.
    pub stage: Stage,
}

impl Layer {
    /// A layer that makes `output` from these tensors. All other fields have their values for unused fields.
    ///
    /// # Panics
    /// When there are more than [`MAX_INPUTS`] tensors.
    pub fn new(operator: Operator, inputs: &[u16], output: Tensor) -> Self {
        let mut numbers = [0; MAX_INPUTS];
        numbers[..inputs.len()].copy_from_slice(inputs);
        Layer {
            operator,
            reads: Reads { count: inputs.len() as u8, numbers },
            output,
            window: Window::PIXEL,
            groups: 1,
            factor: 1,
            weights: 0,
            gains: [0; 2],
            stage: Stage::NONE,
        }
    }

    /// Numbers of the tensors that it reads.
    #[inline(always)]
    pub fn inputs(&self) -> &[u16] {
        self.reads.numbers()
    }

    /// Reads a record. The error names the wrong field.
    pub(crate) fn parse(record: &[u8; BYTES]) -> Result<Layer, &'static str> {
        if usize::from(record[0]) >= Operator::ALL.len() {
            return Err("operator");
        }
        if record[1] > 1 {
            return Err("element");
        }
        let layer = Layer::of_checked(record);
        let Reads { count, numbers } = layer.reads;
        let behind = numbers.get(count.into()..).ok_or("inputs")?;
        // Unused bytes have exactly one valid value.
        if layer.emit() != *record || behind.iter().any(|&number| number != 0) {
            return Err("padding");
        }
        Ok(layer)
    }

    /// Reads a record that is already checked.
    #[inline(always)]
    pub(crate) fn of_checked(record: &[u8; BYTES]) -> Layer {
        // Field by field, without function calls even when compiled for size, so that unused fields are not read.
        Layer {
            operator: Operator::of_checked(record[0]),
            reads: Reads::of_checked(record),
            output: Tensor {
                height: u16_at(record, 12),
                width: u16_at(record, 14),
                channels: u16_at(record, 16),
                element: if record[1] == 0 { Element::I8 } else { Element::I16 },
                zero_point: u16_at(record, 18) as i16,
                ring: u16_at(record, 20),
                offset: u32_at(record, 24),
            },
            window: Window {
                kernel: [record[28], record[29]],
                stride: [record[30], record[31]],
                pad: [record[32], record[33]],
                dilation: [record[34], record[35]],
            },
            groups: u16_at(record, 22),
            factor: record[3],
            weights: u32_at(record, 36),
            gains: [u16_at(record, 58) as i16, u16_at(record, 60) as i16],
            stage: Stage {
                bias: u32_at(record, 40),
                positive: u32_at(record, 44),
                negative: u32_at(record, 48),
                shift: record[52],
                low: u16_at(record, 54) as i16,
                high: u16_at(record, 56) as i16,
            },
        }
    }

    /// The record's bytes.
    pub fn emit(&self) -> [u8; BYTES] {
        let mut record = [0; BYTES];
        record[0] = self.operator as u8;
        record[1] = (self.output.element == Element::I16).into();
        record[2] = self.reads.count;
        record[3] = self.factor;
        for (index, input) in self.reads.numbers.iter().enumerate() {
            put(&mut record, 4 + 2 * index, input.to_le_bytes());
        }
        let Tensor { height, width, channels, zero_point, ring, offset, .. } = self.output;
        for (at, value) in [(12, height), (14, width), (16, channels), (20, ring), (22, self.groups)] {
            put(&mut record, at, value.to_le_bytes());
        }
        put(&mut record, 18, zero_point.to_le_bytes());
        put(&mut record, 24, offset.to_le_bytes());
        let Window { kernel, stride, pad, dilation } = self.window;
        for (at, value) in [(28, kernel), (30, stride), (32, pad), (34, dilation)] {
            put(&mut record, at, value);
        }
        let Stage { bias, positive, negative, shift, low, high } = self.stage;
        for (at, value) in [(36, self.weights), (40, bias), (44, positive), (48, negative)] {
            put(&mut record, at, value.to_le_bytes());
        }
        record[52] = shift;
        for (at, value) in [(54, low), (56, high), (58, self.gains[0]), (60, self.gains[1])] {
            put(&mut record, at, value.to_le_bytes());
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer in which every field has a distinct value.
    fn layer() -> Layer {
        let output = Tensor {
            height: 0x0102,
            width: 0x0304,
            channels: 0x0506,
            element: Element::I16,
            zero_point: -2,
            ring: 0x0708,
            offset: 0x090a_0b0c,
        };
        Layer {
            window: Window { kernel: [1, 2], stride: [3, 4], pad: [5, 6], dilation: [7, 8] },
            groups: 0x0d0e,
            factor: 9,
            weights: 0x1011_1213,
            gains: [-3, 0x1415],
            stage: Stage {
                bias: 0x1617_1819,
                positive: 0x1a1b_1c1d,
                negative: 0x1e1f_2021,
                shift: 10,
                low: -4,
                high: 0x2223,
            },
            ..Layer::new(Operator::Scale, &[0x2425, 0x2627, 0x2829], output)
        }
    }

    const RECORD: [u8; BYTES] = [
        7, 1, 3, 9, 0x25, 0x24, 0x27, 0x26, 0x29, 0x28, 0, 0, 2, 1, 4, 3, 6, 5, 0xfe, 0xff, 8, 7, 0x0e, 0x0d,
        0x0c, 0x0b, 0x0a, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0x13, 0x12, 0x11, 0x10, 0x19, 0x18, 0x17, 0x16, 0x1d,
        0x1c, 0x1b, 0x1a, 0x21, 0x20, 0x1f, 0x1e, 10, 0, 0xfc, 0xff, 0x23, 0x22, 0xfd, 0xff, 0x15, 0x14, 0,
        0,
    ];

    #[test]
    fn operators_are_their_codes() {
        for (code, operator) in Operator::ALL.into_iter().enumerate() {
            assert_eq!((operator as usize, Operator::of_checked(code as u8)), (code, operator));
        }
    }

    #[test]
    fn record_has_these_bytes() {
        assert_eq!(layer().emit(), RECORD);
        assert_eq!(Layer::parse(&RECORD), Ok(layer()));
    }

    #[test]
    fn record_that_is_none_is_refused() {
        for (at, value, field) in [
            (0, 10, "operator"),
            (1, 2, "element"),
            (2, 5, "inputs"),
            (10, 1, "padding"),
            (53, 1, "padding"),
            (63, 1, "padding"),
        ] {
            let mut record = RECORD;
            record[at] = value;
            assert_eq!(Layer::parse(&record), Err(field), "byte {at}");
        }
    }
}
