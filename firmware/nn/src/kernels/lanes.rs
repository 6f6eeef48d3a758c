//! Kernels over vectors of 32-bit lanes, written once for all instruction sets with such vectors.
//!
//! [`Lanes`] lists the operations that an instruction set must provide; `ops.rs` of each set implements it and holds
//! all of its unsafe code. The kernels here are safe, take `i8` inputs, and are inlined into functions compiled for
//! the set.

pub mod add;
pub mod conv;
pub mod depthwise;
mod levels;
mod ops;
pub mod scale;

pub use levels::Fact;
pub(crate) use levels::levels;
pub use ops::Weights;
pub(crate) use ops::entries;

use super::{Element, Rows};
use crate::quant::Stage;

/// Repeats the statement for each number below a bound of at most 16, as a constant: arrays indexed with it stay in
/// registers.
macro_rules! unrolled {
    (3, $i:ident => $body:expr) => {
        unrolled!(@all $i => $body; 0 1 2)
    };
    (4, $i:ident => $body:expr) => {
        unrolled!(@all $i => $body; 0 1 2 3)
    };
    ($bound:expr, $i:ident => $body:expr) => {
        unrolled!(@all $i => if $i < $bound { $body }; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@all $i:ident => $body:expr; $($number:literal)*) => {
        $({
            const $i: usize = $number;
            $body
        })*
    };
}
pub(crate) use unrolled;

/// Kernel rows that [`bytes`] has room for.
pub const MAX_ROWS: usize = format::layer::MAX_KERNEL;

/// A vector instruction set. A value of the type proves that the CPU supports it.
pub trait Lanes: Copy {
    /// [`Self::LANES`] integers of 32 bits.
    type Vector: Copy;
    /// Partial sums of [`Self::dot`], before [`Self::total`].
    type Sums: Copy;
    /// Four input bytes for each lane, in the form that [`Self::dot`] takes.
    type Quads: Copy;
    /// The same set with half the lanes, for shorter rows; or the set itself.
    type Half: Lanes;

    /// Lanes of a vector: a multiple of 4, at most 16.
    const LANES: usize;
    /// Number of lanes, 0 or 1, that are reserved at the end of a tile. A reserved lane holds [`Self::FLIP`] instead
    /// of a pixel. Its sum corrects the sums of the other lanes for the flip.
    const SPARE: usize;
    /// Number of filters whose sums fit in registers: 4, 8 or 16.
    const FILTERS: usize;
    /// Number of filters with two vectors of sums each that fit in registers: 8, or 0 if two vectors are not faster.
    const WIDE_FILTERS: usize;
    /// Input bytes are combined with this (exclusive or) before [`Self::dot`]. A reserved lane ([`Self::SPARE`]) holds
    /// this value.
    const FLIP: u32;

    /// The same set with half the lanes.
    fn half(self) -> Self::Half;
    /// Whether the set can compute the end of the stage. True by default.
    #[inline(always)]
    fn takes(self, _: &Stage<'_>) -> bool {
        true
    }

    /// The value in every lane.
    fn splat(self, value: i32) -> Self::Vector;
    /// The first integers of a slice.
    fn load(self, values: &[i32]) -> Self::Vector;
    /// Stores the integers in the first elements of an array.
    fn array(self, vector: Self::Vector) -> [i32; 16];
    /// The first bytes of a slice, widened.
    fn widen(self, values: &[i8]) -> Self::Vector;
    /// 16-bit integers as second factors for [`Self::multiply_add`].
    fn factors(self, values: Self::Vector) -> Self::Vector;
    /// `sums + values · factors`; values have 16 bits.
    fn multiply_add(self, sums: Self::Vector, values: Self::Vector, factors: Self::Vector) -> Self::Vector;

    /// Initial sums. The bias is added either here or in [`Self::totals`].
    fn start(self, bias: i32) -> Self::Sums;
    /// The first words of a slice, one in each lane.
    fn quads(self, words: &[u32]) -> Self::Quads;
    /// Adds to each lane the products of its four bytes and the four bytes of `weights`.
    fn dot(self, sums: Self::Sums, quads: Self::Quads, weights: i32) -> Self::Sums;
    /// Adds to each lane the products of its sixteen bytes and the sixteen `weights` of a filter.
    #[inline(always)]
    fn dot_sixteen<const N: usize>(
        self,
        mut sums: Self::Sums,
        quads: [Self::Quads; 4],
        weights: Weights<'_, N, 16>,
        filter: usize,
    ) -> Self::Sums {
        unrolled!(4, I => sums = self.dot(sums, quads[I], weights.quad(filter, I)));
        sums
    }
    /// The sums of a filter over a tile of `V` vectors, one in each lane.
    fn totals<const V: usize>(self, sums: [Self::Sums; V], bias: i32) -> [Self::Vector; V];
    /// Four rows of four words as four columns, combined with [`Self::FLIP`].
    fn transpose(self, rows: [&[u8; 16]; 4]) -> [[u32; 4]; 4];
    /// Four rows of sixteen words as sixteen columns, combined with [`Self::FLIP`].
    #[inline(always)]
    fn transpose_wide(self, rows: [&[u8; 64]; 4]) -> [[u32; 4]; 16] {
        let mut columns = [[0; 4]; 16];
        unrolled!(4, I => {
            let four = self.transpose(rows.map(|row| row[16 * I..].first_chunk().expect("four quarters")));
            unrolled!(4, J => columns[4 * I + J] = four[J]);
        });
        columns
    }

    /// Left shift, by less than 32.
    fn shift(self, values: Self::Vector, shift: u32) -> Self::Vector;
    /// In each lane `negative` if the sum is negative, else `positive`.
    fn select(self, sums: Self::Vector, positive: Self::Vector, negative: Self::Vector) -> Self::Vector;
    /// A stage's multipliers as second factors for [`Self::mulhi`].
    #[inline(always)]
    fn multipliers(self, values: Self::Vector) -> Self::Vector {
        values
    }
    /// [`Self::multipliers`] of integers.
    #[inline(always)]
    fn multipliers_of(self, values: &[i32; 16]) -> [i32; 16] {
        *values
    }
    /// [`crate::quant::mulhi`], or its value before rounding if the set rounds when it stores.
    fn mulhi(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Adds the zero point, clamps and stores into the first bytes of `out`.
    fn store(self, scaled: Self::Vector, limits: Limits, out: &mut [i8]);
    /// Adds the zero point and clamps: four bytes for each lane, with the first vector's byte lowest. The order of
    /// lanes may change; [`Self::pixels`] undoes that.
    fn narrow(self, scaled: [Self::Vector; 4], limits: Limits) -> Self::Vector;
    /// Turns results of [`Self::narrow`] for sixteen channels into the channels of each pixel. Pixel `p` is element
    /// `p % 4 · LANES / 4 + p / 4`.
    fn pixels(self, channels: [Self::Vector; 4]) -> [[i8; 16]; 16];

    /// The stage's multiplication. `positive` and `negative` are its multipliers.
    #[inline(always)]
    fn scale(
        self,
        sums: Self::Vector,
        shift: u32,
        positive: Self::Vector,
        negative: Option<Self::Vector>,
    ) -> Self::Vector {
        let multiplier = match negative {
            Some(negative) => self.select(sums, positive, negative),
            None => positive,
        };
        self.mulhi(self.shift(sums, shift), multiplier)
    }
}

/// The operations of a set for depthwise convolution and addition: columns of three bytes for [`Self::CHANNELS`]
/// channels, with sums in an order that the set chooses.
pub trait Columns: Lanes {
    /// Three bytes of each channel.
    type Column: Copy;

    /// Channels of a column: four vectors.
    const CHANNELS: usize = 4 * Self::LANES;

    /// Values: the first bytes of three rows.
    fn values(self, rows: [&[i8]; 3]) -> Self::Column;
    /// Weights: the first bytes of three rows.
    fn weights(self, rows: [&[i8]; 3]) -> Self::Column;
    /// The first integers of a slice, in the order of sums.
    fn arrange(self, values: &[i32]) -> [Self::Vector; 4];
    /// Initial sums before three columns are added with these weights.
    fn begin(self, bias: &[i32], weights: &[Self::Column; 3]) -> [Self::Vector; 4];
    /// Adds the products of a column.
    fn add_column(
        self,
        sums: [Self::Vector; 4],
        values: Self::Column,
        weights: Self::Column,
    ) -> [Self::Vector; 4];
    /// Adds the first bytes of two rows, each multiplied by its gain, to sums. The default is for sums in the order
    /// of channels.
    #[inline(always)]
    fn weigh(self, mut sums: [Self::Vector; 4], rows: [&[i8]; 2], gains: [i16; 2]) -> [Self::Vector; 4] {
        let gains = gains.map(|gain| self.factors(self.splat(gain.into())));
        unrolled!(4, I => {
            sums[I] = self.multiply_add(sums[I], self.widen(&rows[0][I * Self::LANES..]), gains[0]);
            sums[I] = self.multiply_add(sums[I], self.widen(&rows[1][I * Self::LANES..]), gains[1]);
        });
        sums
    }
    /// Adds the zero point, clamps and stores into the first bytes of `out`, in the order of channels.
    fn store_four(self, scaled: [Self::Vector; 4], limits: Limits, out: &mut [i8]);
}

/// The last part of a stage that outputs bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The zero point, added first.
    pub zero_point: i8,
    /// Smallest result.
    pub low: i8,
    /// Largest result.
    pub high: i8,
}

impl Limits {
    /// The last part of the stage, if it outputs bytes.
    #[inline(always)]
    pub fn of(stage: &Stage<'_>) -> Option<Limits> {
        Some(Limits {
            zero_point: stage.zero_point.try_into().ok()?,
            low: stage.low.try_into().ok()?,
            high: stage.high.try_into().ok()?,
        })
    }
}

/// The slice, if its elements are bytes.
pub fn as_bytes<T: Element>(values: &[T]) -> Option<&[i8]> {
    (size_of::<T>() == 1).then(|| bytemuck::cast_slice(values))
}

/// [`as_bytes`], mutable.
pub fn as_bytes_mut<T: Element>(values: &mut [T]) -> Option<&mut [i8]> {
    (size_of::<T>() == 1).then(|| bytemuck::cast_slice_mut(values))
}

/// Elements of an output by their type.
pub enum Typed<'a> {
    Bytes(&'a mut [i8]),
    Words(&'a mut [i16]),
}

impl<'a> Typed<'a> {
    /// The elements, whichever of both types they have.
    pub fn of<T: Element>(values: &'a mut [T]) -> Self {
        if size_of::<T>() == 1 {
            Typed::Bytes(bytemuck::cast_slice_mut(values))
        } else {
            Typed::Words(bytemuck::cast_slice_mut(values))
        }
    }

    /// Their number.
    pub fn len(&self) -> usize {
        match self {
            Typed::Bytes(values) => values.len(),
            Typed::Words(values) => values.len(),
        }
    }
}

/// The rows, if their elements are bytes, there are at most [`MAX_ROWS`], and the zero point is a byte too.
pub fn bytes<'a, T: Element>(
    input: &Rows<'a, T>,
    room: &'a mut [Option<&'a [i8]>; MAX_ROWS],
) -> Option<Rows<'a, i8>> {
    let is_byte = size_of::<T>() == 1 && i8::try_from(input.zero_point).is_ok();
    if !is_byte || input.rows.len() > MAX_ROWS {
        return None;
    }
    for (place, row) in room.iter_mut().zip(input.rows) {
        *place = row.map(bytemuck::cast_slice);
    }
    let Rows { width, channels, zero_point, kernel_width, stride, pad, dilation, rows } = *input;
    Some(Rows { rows: &room[..rows.len()], width, channels, zero_point, kernel_width, stride, pad, dilation })
}
