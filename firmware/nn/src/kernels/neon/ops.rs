//! Instructions of aarch64, and functions compiled for them. NEON is part of the target, and a value of
//! [`DotProduct`] exists only if the processor has dot products: every unsafe block relies on this.
#![allow(unsafe_code)]

use core::arch::aarch64::*;
use core::arch::asm;
use core::mem::transmute;

use crate::kernels::lanes::{self, Columns, Fact, Lanes, Limits, Weights, unrolled};

/// NEON: 4 lanes.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

/// NEON with dot products: 4 lanes.
#[derive(Clone, Copy, Debug)]
pub struct DotProduct(());

impl Neon {
    /// The set, which every processor of this target has.
    pub fn detect() -> Option<Self> {
        Some(Neon(()))
    }
}

impl DotProduct {
    /// The set, if this processor has it.
    pub fn detect() -> Option<Self> {
        static HAS_DOT_PRODUCT: Fact = Fact::new();
        let is_there = cfg!(target_feature = "dotprod") || HAS_DOT_PRODUCT.get(system_has_dot_product);
        is_there.then_some(DotProduct(()))
    }
}

/// Whether the system reports dot products. `cpufeatures` does not know them.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn system_has_dot_product() -> bool {
    use core::ffi::c_ulong;
    unsafe extern "C" {
        safe fn getauxval(kind: c_ulong) -> c_ulong;
    }
    const AT_HWCAP: c_ulong = 16;
    const HWCAP_ASIMDDP: c_ulong = 1 << 20;
    getauxval(AT_HWCAP) & HWCAP_ASIMDDP != 0
}

/// On these systems programs cannot query the processor.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn system_has_dot_product() -> bool {
    false
}

lanes::entries!(Neon, "neon");
lanes::entries!(DotProduct, "neon,dotprod");

/// Adds to each lane the products of its four bytes in `a` and in `b`. The intrinsic is not in stable Rust.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction changes only the sums.
    unsafe {
        asm!("sdot {:v}.4s, {:v}.16b, {:v}.16b",
            inout(vreg) sums, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

/// [`sdot`] with lane `LANE` of `b` in every lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot_lane<const LANE: u32>(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction changes only the sums.
    unsafe {
        asm!("sdot {:v}.4s, {:v}.16b, {:v}.4b[{}]",
            inout(vreg) sums, in(vreg) a, in(vreg) b, const LANE,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

/// Copies lane `LANE` to every lane.
///
/// Written in assembly, so that the compiler does not know that both halves are equal. Otherwise it would move the
/// high half of the other factor first instead of using it in place (`SMULL2`).
#[inline]
#[target_feature(enable = "neon")]
fn copy_lane<const LANE: u32>(four: int32x4_t) -> int8x16_t {
    let copies;
    // SAFETY: the instruction changes only the result.
    unsafe {
        asm!("dup {:v}.4s, {:v}.s[{}]",
            lateout(vreg) copies, in(vreg) four, const LANE,
            options(pure, nomem, nostack, preserves_flags));
    }
    copies
}

/// Adds products of bytes in pairs.
#[inline(always)]
fn multiply([low, high]: [int32x4_t; 2], a: int8x16_t, b: int8x16_t) -> [int32x4_t; 2] {
    // SAFETY: NEON.
    unsafe {
        [vpadalq_s16(low, vmull_s8(vget_low_s8(a), vget_low_s8(b))), vpadalq_s16(high, vmull_high_s8(a, b))]
    }
}

/// The weights of a filter from the first on.
#[inline(always)]
fn sixteen<const N: usize>(weights: Weights<'_, N, 16>, filter: usize) -> int32x4_t {
    let mut quads = [0; 4];
    unrolled!(4, I => quads[I] = weights.quad(filter, I));
    integers(&quads)
}

/// The first 16 bytes of a slice.
#[inline(always)]
fn bytes(values: &[i8]) -> int8x16_t {
    let bytes: [i8; 16] = *values.first_chunk().expect("16 bytes");
    // SAFETY: both have the same size, and every value is valid.
    unsafe { transmute::<[i8; 16], int8x16_t>(bytes) }
}

/// The first 4 integers of a slice.
#[inline(always)]
fn integers(values: &[i32]) -> int32x4_t {
    let integers: [i32; 4] = *values.first_chunk().expect("4 integers");
    // SAFETY: both have the same size, and every value is valid.
    unsafe { transmute::<[i32; 4], int32x4_t>(integers) }
}

/// Ends a stage whose products are doubled and not yet rounded: halves and rounds, adds the zero point, and clamps.
///
/// Only values that the clamp changes anyway can saturate.
#[inline(always)]
fn narrow(scaled: [int32x4_t; 4], limits: Limits) -> int8x16_t {
    // SAFETY: NEON.
    unsafe {
        let zero_point = vdupq_n_s16(limits.zero_point.into());
        let low = vqrshrn_high_n_s32::<1>(vqrshrn_n_s32::<1>(scaled[0]), scaled[1]);
        let high = vqrshrn_high_n_s32::<1>(vqrshrn_n_s32::<1>(scaled[2]), scaled[3]);
        let low = vqmovn_s16(vqaddq_s16(low, zero_point));
        let bytes = vqmovn_high_s16(low, vqaddq_s16(high, zero_point));
        vminq_s8(vmaxq_s8(bytes, vdupq_n_s8(limits.low)), vdupq_n_s8(limits.high))
    }
}

/// Rows of four words as columns.
#[inline(always)]
fn columns(rows: [int32x4_t; 4]) -> [int64x2_t; 4] {
    let [a, b, c, d] = rows;
    // SAFETY: NEON.
    unsafe {
        let ab = vreinterpretq_s64_s32(vzip1q_s32(a, b));
        let cd = vreinterpretq_s64_s32(vzip1q_s32(c, d));
        let ab_high = vreinterpretq_s64_s32(vzip2q_s32(a, b));
        let cd_high = vreinterpretq_s64_s32(vzip2q_s32(c, d));
        [vzip1q_s64(ab, cd), vzip2q_s64(ab, cd), vzip1q_s64(ab_high, cd_high), vzip2q_s64(ab_high, cd_high)]
    }
}

/// Implements the operations common to the two sets.
macro_rules! four_lanes {
    () => {
        type Vector = int32x4_t;
        type Quads = int8x16_t;
        type Half = Self;

        const LANES: usize = 4;
        const SPARE: usize = 0;
        const WIDE_FILTERS: usize = 0;
        const FLIP: u32 = 0;

        #[inline(always)]
        fn half(self) -> Self {
            self
        }

        #[inline(always)]
        fn splat(self, value: i32) -> int32x4_t {
            // SAFETY: NEON.
            unsafe { vdupq_n_s32(value) }
        }

        #[inline(always)]
        fn load(self, values: &[i32]) -> int32x4_t {
            integers(values)
        }

        #[inline(always)]
        fn array(self, vector: int32x4_t) -> [i32; 16] {
            // SAFETY: both have the same size, and every value is valid.
            unsafe { transmute::<[int32x4_t; 4], [i32; 16]>([vector; 4]) }
        }

        #[inline(always)]
        fn widen(self, values: &[i8]) -> int32x4_t {
            let four: &[i8; 4] = values.first_chunk().expect("4 bytes");
            let four = u32::from_le_bytes(bytemuck::cast(*four));
            // SAFETY: NEON.
            unsafe { vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(four.into())))) }
        }

        #[inline(always)]
        fn factors(self, values: int32x4_t) -> int32x4_t {
            values
        }

        #[inline(always)]
        fn multiply_add(self, sums: int32x4_t, values: int32x4_t, factors: int32x4_t) -> int32x4_t {
            // SAFETY: NEON.
            unsafe { vmlaq_s32(sums, values, factors) }
        }

        #[inline(always)]
        fn quads(self, words: &[u32]) -> int8x16_t {
            bytes(bytemuck::cast_slice(words))
        }

        #[inline(always)]
        fn transpose(self, rows: [&[u8; 16]; 4]) -> [[u32; 4]; 4] {
            // SAFETY: both have the same size, and every value is valid.
            unsafe {
                let rows = rows.map(|row| transmute::<[u8; 16], int32x4_t>(*row));
                transmute::<[int64x2_t; 4], [[u32; 4]; 4]>(columns(rows))
            }
        }

        #[inline(always)]
        fn shift(self, values: int32x4_t, shift: u32) -> int32x4_t {
            // SAFETY: NEON.
            unsafe { vshlq_s32(values, vdupq_n_s32(shift as i32)) }
        }

        #[inline(always)]
        fn select(self, sums: int32x4_t, positive: int32x4_t, negative: int32x4_t) -> int32x4_t {
            // SAFETY: NEON.
            unsafe { vbslq_s32(vcltzq_s32(sums), negative, positive) }
        }

        /// Twice the product's high half, rounded down; [`narrow`] halves it and rounds half up. The result equals a
        /// single rounding, also for the largest product, where doubling saturates.
        #[inline(always)]
        fn mulhi(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
            // SAFETY: NEON.
            unsafe { vqdmulhq_s32(a, b) }
        }

        #[inline(always)]
        fn store(self, scaled: int32x4_t, limits: Limits, out: &mut [i8]) {
            // SAFETY: NEON.
            let four = unsafe { vgetq_lane_s32::<0>(vreinterpretq_s32_s8(narrow([scaled; 4], limits))) };
            let out: &mut [i8; 4] = out.first_chunk_mut().expect("4 bytes");
            *out = bytemuck::cast(four.to_le_bytes());
        }

        #[inline(always)]
        fn narrow(self, scaled: [int32x4_t; 4], limits: Limits) -> int32x4_t {
            let interleave = bytes(&[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]);
            // SAFETY: NEON.
            unsafe {
                let bytes = vqtbl1q_s8(narrow(scaled, limits), vreinterpretq_u8_s8(interleave));
                vreinterpretq_s32_s8(bytes)
            }
        }

        #[inline(always)]
        fn pixels(self, channels: [int32x4_t; 4]) -> [[i8; 16]; 16] {
            // SAFETY: both have the same size, and every value is valid.
            unsafe { transmute::<[[int64x2_t; 4]; 4], [[i8; 16]; 16]>([columns(channels); 4]) }
        }
    };
}

impl Lanes for Neon {
    four_lanes!();
    /// Sums of the first two bytes' products next to those of the last two's, for lanes 0–1 and 2–3.
    type Sums = [int32x4_t; 2];

    const FILTERS: usize = 8;

    #[inline(always)]
    fn start(self, bias: i32) -> [int32x4_t; 2] {
        // SAFETY: NEON.
        unsafe { [vreinterpretq_s32_s64(vdupq_n_s64((bias as u32).into())); 2] }
    }

    #[inline(always)]
    fn dot(self, sums: [int32x4_t; 2], quads: int8x16_t, weights: i32) -> [int32x4_t; 2] {
        // SAFETY: NEON.
        unsafe { multiply(sums, quads, copy_lane::<0>(vdupq_n_s32(weights))) }
    }

    #[inline(always)]
    fn dot_sixteen<const N: usize>(
        self,
        sums: [int32x4_t; 2],
        [a, b, c, d]: [int8x16_t; 4],
        weights: Weights<'_, N, 16>,
        filter: usize,
    ) -> [int32x4_t; 2] {
        let weights = sixteen(weights, filter);
        // SAFETY: NEON.
        unsafe {
            let sums = multiply(sums, a, copy_lane::<0>(weights));
            let sums = multiply(sums, b, copy_lane::<1>(weights));
            let sums = multiply(sums, c, copy_lane::<2>(weights));
            multiply(sums, d, copy_lane::<3>(weights))
        }
    }

    #[inline(always)]
    fn totals<const V: usize>(self, sums: [[int32x4_t; 2]; V], _: i32) -> [int32x4_t; V] {
        // SAFETY: NEON.
        sums.map(|[a, b]| unsafe { vpaddq_s32(a, b) })
    }
}

impl Lanes for DotProduct {
    four_lanes!();
    type Sums = int32x4_t;

    const FILTERS: usize = 16;

    #[inline(always)]
    fn start(self, bias: i32) -> int32x4_t {
        self.splat(bias)
    }

    #[inline(always)]
    fn dot(self, sums: int32x4_t, quads: int8x16_t, weights: i32) -> int32x4_t {
        // SAFETY: `self` exists.
        unsafe { sdot(sums, quads, vreinterpretq_s8_s32(vdupq_n_s32(weights))) }
    }

    #[inline(always)]
    fn dot_sixteen<const N: usize>(
        self,
        sums: int32x4_t,
        [a, b, c, d]: [int8x16_t; 4],
        weights: Weights<'_, N, 16>,
        filter: usize,
    ) -> int32x4_t {
        // SAFETY: `self` exists.
        unsafe {
            let weights = vreinterpretq_s8_s32(sixteen(weights, filter));
            let sums = sdot_lane::<0>(sums, a, weights);
            let sums = sdot_lane::<1>(sums, b, weights);
            let sums = sdot_lane::<2>(sums, c, weights);
            sdot_lane::<3>(sums, d, weights)
        }
    }

    #[inline(always)]
    fn totals<const V: usize>(self, sums: [int32x4_t; V], _: i32) -> [int32x4_t; V] {
        sums
    }
}

/// Implements the operations of both sets on sums of columns, which are in the order of channels.
macro_rules! channels {
    () => {
        #[inline(always)]
        fn weights(self, rows: [&[i8]; 3]) -> Self::Column {
            self.values(rows)
        }

        #[inline(always)]
        fn arrange(self, values: &[i32]) -> [int32x4_t; 4] {
            [integers(values), integers(&values[4..]), integers(&values[8..]), integers(&values[12..])]
        }

        #[inline(always)]
        fn begin(self, bias: &[i32], _: &[Self::Column; 3]) -> [int32x4_t; 4] {
            self.arrange(bias)
        }

        #[inline(always)]
        fn store_four(self, scaled: [int32x4_t; 4], limits: Limits, out: &mut [i8]) {
            let out: &mut [i8; 16] = out.first_chunk_mut().expect("16 bytes");
            // SAFETY: both have the same size, and every value is valid.
            *out = unsafe { transmute::<int8x16_t, [i8; 16]>(narrow(scaled, limits)) };
        }
    };
}

impl Columns for Neon {
    channels!();
    /// The first two bytes of each channel side by side, for channels 0–7 and 8–15, then the third bytes.
    type Column = [int8x16_t; 3];

    #[inline(always)]
    fn values(self, [a, b, c]: [&[i8]; 3]) -> [int8x16_t; 3] {
        let (a, b, c) = (bytes(a), bytes(b), bytes(c));
        // SAFETY: NEON.
        unsafe { [vzip1q_s8(a, b), vzip2q_s8(a, b), c] }
    }

    #[inline(always)]
    fn add_column(
        self,
        sums: [int32x4_t; 4],
        values: [int8x16_t; 3],
        weights: [int8x16_t; 3],
    ) -> [int32x4_t; 4] {
        // SAFETY: NEON.
        unsafe {
            let [a, b] = multiply([sums[0], sums[1]], values[0], weights[0]);
            let [c, d] = multiply([sums[2], sums[3]], values[1], weights[1]);
            let low = vmull_s8(vget_low_s8(values[2]), vget_low_s8(weights[2]));
            let high = vmull_high_s8(values[2], weights[2]);
            [
                vaddw_s16(a, vget_low_s16(low)),
                vaddw_high_s16(b, low),
                vaddw_s16(c, vget_low_s16(high)),
                vaddw_high_s16(d, high),
            ]
        }
    }
}

impl Columns for DotProduct {
    channels!();
    /// Bytes of each channel side by side, four channels in each vector; the fourth byte is zero.
    type Column = [int8x16_t; 4];

    #[inline(always)]
    fn values(self, [a, b, c]: [&[i8]; 3]) -> [int8x16_t; 4] {
        let (a, b, c) = (bytes(a), bytes(b), bytes(c));
        // SAFETY: NEON.
        unsafe {
            let zero = vdupq_n_s8(0);
            let ab = vreinterpretq_s16_s8(vzip1q_s8(a, b));
            let ab_high = vreinterpretq_s16_s8(vzip2q_s8(a, b));
            let c_low = vreinterpretq_s16_s8(vzip1q_s8(c, zero));
            let c_high = vreinterpretq_s16_s8(vzip2q_s8(c, zero));
            [
                vreinterpretq_s8_s16(vzip1q_s16(ab, c_low)),
                vreinterpretq_s8_s16(vzip2q_s16(ab, c_low)),
                vreinterpretq_s8_s16(vzip1q_s16(ab_high, c_high)),
                vreinterpretq_s8_s16(vzip2q_s16(ab_high, c_high)),
            ]
        }
    }

    #[inline(always)]
    fn add_column(
        self,
        mut sums: [int32x4_t; 4],
        values: [int8x16_t; 4],
        weights: [int8x16_t; 4],
    ) -> [int32x4_t; 4] {
        // SAFETY: `self` exists.
        unsafe {
            unrolled!(4, I => sums[I] = sdot(sums[I], values[I], weights[I]));
        }
        sums
    }
}
