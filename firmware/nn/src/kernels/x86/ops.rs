//! Instructions of x86-64, and functions compiled for them. A value of [`Avx2`] or [`Avx512`] exists only if the
//! processor has the instructions: every unsafe block relies on that, and on the lengths checked beside it.
#![allow(unsafe_code)]

use core::arch::asm;
use core::arch::x86_64::*;
use core::mem::transmute;

use crate::kernels::lanes::{self, Columns, Fact, Lanes, Limits, unrolled};
use crate::quant::Stage;

cpufeatures::new!(avx2, "avx2");
cpufeatures::new!(avx512, "avx2", "avx512f", "avx512bw", "avx512vl");

/// AVX2: 8 lanes.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// AVX-512 with VNNI: 16 lanes. Products are either doubled and rounded when they are narrowed, or rounded at once.
#[derive(Clone, Copy, Debug)]
pub struct Avx512<const IS_DOUBLED: bool>(());

/// For any stage.
pub type Avx512Any = Avx512<false>;

/// For stages without a shift whose multipliers can be doubled.
pub type Avx512Doubled = Avx512<true>;

/// AVX-512 with VNNI, with 8 lanes in use.
#[derive(Clone, Copy, Debug)]
pub struct Avx512Half<const IS_DOUBLED: bool>(());

impl Avx2 {
    /// The set, if this processor has it.
    pub fn detect() -> Option<Self> {
        avx2::get().then_some(Avx2(()))
    }
}

impl<const IS_DOUBLED: bool> Avx512<IS_DOUBLED> {
    /// The set, if this processor has it.
    pub fn detect() -> Option<Self> {
        static HAS_VNNI: Fact = Fact::new();
        const VNNI: u32 = 1 << 11;
        let has_vnni = HAS_VNNI.get(|| avx512::get() && __cpuid_count(7, 0).ecx & VNNI != 0);
        has_vnni.then_some(Avx512(()))
    }
}

lanes::entries!(Avx2, "avx2");
lanes::entries!(Avx512Any, "avx2,avx512f,avx512bw,avx512vl,avx512vnni");
lanes::entries!(Avx512Doubled, "avx2,avx512f,avx512bw,avx512vl,avx512vnni");

/// Loads any type from any address.
#[repr(C, packed)]
struct Unaligned<T>(T);

/// Types for which every bit pattern is a valid value.
trait Plain: Copy {}
impl Plain for i64 {}
impl Plain for __m128i {}
impl Plain for [__m128i; 2] {}
impl Plain for __m256i {}
impl Plain for __m512i {}

/// The first elements of a slice as a vector.
#[inline(always)]
fn load<T: bytemuck::Pod, V: Plain>(values: &[T]) -> V {
    assert!(size_of_val(values) >= size_of::<V>());
    // SAFETY: the slice is long enough, and every value is valid.
    unsafe { (*values.as_ptr().cast::<Unaligned<V>>()).0 }
}

/// Overwrites the first bytes of a slice with a vector.
#[inline(always)]
fn store<V: Plain>(vector: V, out: &mut [i8]) {
    assert!(size_of_val(out) >= size_of::<V>());
    // SAFETY: the slice is long enough.
    unsafe { (*out.as_mut_ptr().cast::<Unaligned<V>>()).0 = vector };
}

#[inline(always)]
fn transpose(rows: [&[u8; 16]; 4], flip: u32) -> [[u32; 4]; 4] {
    // SAFETY: SSE2 is part of x86-64. Vectors and arrays have the same size, and every value is valid.
    unsafe {
        let [a, b, c, d]: [__m128i; 4] = rows.map(|row| load(row));
        let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
        let flip = _mm_set1_epi32(flip as i32);
        let columns = [
            _mm_xor_si128(_mm_unpacklo_epi64(ab, cd), flip),
            _mm_xor_si128(_mm_unpackhi_epi64(ab, cd), flip),
            _mm_xor_si128(_mm_unpacklo_epi64(ab_high, cd_high), flip),
            _mm_xor_si128(_mm_unpackhi_epi64(ab_high, cd_high), flip),
        ];
        transmute::<[__m128i; 4], [[u32; 4]; 4]>(columns)
    }
}

/// Copies one lane to every lane; `lane` has its number in each lane.
///
/// Written in assembly, because the compiler would use two shuffles.
#[inline]
#[target_feature(enable = "avx512f")]
fn copy_lane(values: __m512i, lane: __m512i) -> __m512i {
    let copies;
    // SAFETY: the instruction changes only the result.
    unsafe {
        asm!("vpermd {}, {}, {}",
            lateout(zmm_reg) copies, in(zmm_reg) lane, in(zmm_reg) values,
            options(pure, nomem, nostack, preserves_flags));
    }
    copies
}

/// [`Lanes::transpose_wide`] with AVX-512.
#[inline(always)]
fn transpose_wide(rows: [&[u8; 64]; 4]) -> [[u32; 4]; 16] {
    // SAFETY: called with AVX-512 only. Vectors and arrays have the same size, and every value is valid.
    unsafe {
        let [a, b, c, d]: [__m512i; 4] = rows.map(|row| load(row));
        let flip = _mm512_set1_epi32(Avx512Any::FLIP as i32);
        let (a, b) = (_mm512_xor_si512(a, flip), _mm512_xor_si512(b, flip));
        let (c, d) = (_mm512_xor_si512(c, flip), _mm512_xor_si512(d, flip));
        let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
        let columns = [
            _mm512_unpacklo_epi64(ab, cd),
            _mm512_unpackhi_epi64(ab, cd),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
        let columns = transmute::<[__m512i; 4], [[[u32; 4]; 4]; 4]>(columns);
        let mut ordered = [[0; 4]; 16];
        unrolled!(4, I => { unrolled!(4, J => ordered[4 * I + J] = columns[J][I]); });
        ordered
    }
}

/// Whether all integers can be doubled.
#[inline]
#[target_feature(enable = "avx512f")]
fn are_halves(values: &[i32]) -> bool {
    values.iter().fold(0, |signs, &value| signs | (value ^ value.wrapping_add(value))) >= 0
}

/// Rounding constant. It is added to doubled products before they are halved, or directly to rounded products.
#[inline(always)]
fn addend(is_doubled: bool, limits: Limits) -> i16 {
    let zero_point: i16 = limits.zero_point.into();
    if is_doubled { 2 * zero_point + 1 } else { zero_point }
}

/// Ends a stage: halves and rounds doubled products, adds the zero point, and clamps. Works on four adjacent vectors,
/// in each 128 bits separately.
///
/// Only values that the clamp changes anyway can saturate.
#[inline(always)]
fn narrow<const IS_DOUBLED: bool>(scaled: [__m512i; 4], limits: Limits) -> __m512i {
    // SAFETY: called with AVX-512 only.
    unsafe {
        let addend = _mm512_set1_epi16(addend(IS_DOUBLED, limits));
        let mut low = _mm512_adds_epi16(_mm512_packs_epi32(scaled[0], scaled[1]), addend);
        let mut high = _mm512_adds_epi16(_mm512_packs_epi32(scaled[2], scaled[3]), addend);
        if IS_DOUBLED {
            (low, high) = (_mm512_srai_epi16::<1>(low), _mm512_srai_epi16::<1>(high));
        }
        let mut bytes = _mm512_packs_epi16(low, high);
        // Most stages clamp to the whole range of bytes, which packing does already.
        if limits.low > i8::MIN {
            bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8(limits.low));
        }
        if limits.high < i8::MAX {
            bytes = _mm512_min_epi8(bytes, _mm512_set1_epi8(limits.high));
        }
        bytes
    }
}

/// Bytes of four vectors of words, with the first vector's byte lowest in a word, in each 128 bits separately.
const INTERLEAVE: [i8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// Implements the operations common to 8 lanes of AVX2 and of AVX-512.
macro_rules! eight_lanes {
    () => {
        type Vector = __m256i;
        const LANES: usize = 8;

        #[inline(always)]
        fn splat(self, value: i32) -> __m256i {
            // SAFETY: by `self`.
            unsafe { _mm256_set1_epi32(value) }
        }

        #[inline(always)]
        fn load(self, values: &[i32]) -> __m256i {
            load(values)
        }

        #[inline(always)]
        fn array(self, vector: __m256i) -> [i32; 16] {
            // SAFETY: both have the same size, and every value is valid.
            unsafe { transmute::<[__m256i; 2], [i32; 16]>([vector; 2]) }
        }

        #[inline(always)]
        fn widen(self, values: &[i8]) -> __m256i {
            // SAFETY: by `self`.
            unsafe { _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(load(values))) }
        }

        #[inline(always)]
        fn factors(self, values: __m256i) -> __m256i {
            // SAFETY: by `self`.
            unsafe { _mm256_and_si256(values, _mm256_set1_epi32(0xffff)) }
        }

        #[inline(always)]
        fn transpose(self, rows: [&[u8; 16]; 4]) -> [[u32; 4]; 4] {
            transpose(rows, Self::FLIP)
        }

        #[inline(always)]
        fn shift(self, values: __m256i, shift: u32) -> __m256i {
            if Self::IS_DOUBLED {
                return values;
            }
            // SAFETY: by `self`.
            unsafe { _mm256_sll_epi32(values, _mm_cvtsi32_si128(shift as i32)) }
        }

        #[inline(always)]
        fn select(self, sums: __m256i, positive: __m256i, negative: __m256i) -> __m256i {
            // SAFETY: by `self`.
            unsafe {
                let chosen = _mm256_blendv_ps(
                    _mm256_castsi256_ps(positive),
                    _mm256_castsi256_ps(negative),
                    _mm256_castsi256_ps(sums),
                );
                _mm256_castps_si256(chosen)
            }
        }

        #[inline(always)]
        fn mulhi(self, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: by `self`.
            unsafe {
                let half = _mm256_set1_epi64x(if Self::IS_DOUBLED { 0 } else { 1 << 31 });
                // Copies odd lanes to even ones.
                let (a_odd, b_odd) = (_mm256_srli_epi64::<32>(a), _mm256_shuffle_epi32::<0xf5>(b));
                let even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
                let odd = _mm256_add_epi64(_mm256_mul_epi32(a_odd, b_odd), half);
                _mm256_blend_epi32::<0xaa>(_mm256_srli_epi64::<32>(even), odd)
            }
        }

        #[inline(always)]
        fn store(self, scaled: __m256i, limits: Limits, out: &mut [i8]) {
            // SAFETY: by `self`.
            unsafe {
                let low = _mm256_castsi256_si128(scaled);
                let words = _mm_packs_epi32(low, _mm256_extracti128_si256::<1>(scaled));
                let mut words = _mm_adds_epi16(words, _mm_set1_epi16(addend(Self::IS_DOUBLED, limits)));
                if Self::IS_DOUBLED {
                    words = _mm_srai_epi16::<1>(words);
                }
                let bytes = _mm_packs_epi16(words, words);
                let bytes = _mm_max_epi8(bytes, _mm_set1_epi8(limits.low));
                let bytes = _mm_min_epi8(bytes, _mm_set1_epi8(limits.high));
                store(_mm_cvtsi128_si64(bytes), out);
            }
        }

        #[inline(always)]
        fn narrow(self, scaled: [__m256i; 4], limits: Limits) -> __m256i {
            // SAFETY: by `self`.
            unsafe {
                let addend = _mm256_set1_epi16(addend(Self::IS_DOUBLED, limits));
                let mut ab = _mm256_adds_epi16(_mm256_packs_epi32(scaled[0], scaled[1]), addend);
                let mut cd = _mm256_adds_epi16(_mm256_packs_epi32(scaled[2], scaled[3]), addend);
                if Self::IS_DOUBLED {
                    (ab, cd) = (_mm256_srai_epi16::<1>(ab), _mm256_srai_epi16::<1>(cd));
                }
                let bytes = _mm256_max_epi8(_mm256_packs_epi16(ab, cd), _mm256_set1_epi8(limits.low));
                let bytes = _mm256_min_epi8(bytes, _mm256_set1_epi8(limits.high));
                _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(load(&INTERLEAVE)))
            }
        }

        #[inline(always)]
        fn pixels(self, channels: [__m256i; 4]) -> [[i8; 16]; 16] {
            // SAFETY: `self` exists. Vectors and arrays have the same size, and every value is valid.
            unsafe {
                let [a, b, c, d] = channels;
                let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
                let (ab_high, cd_high) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
                let pixels = [
                    _mm256_unpacklo_epi64(ab, cd),
                    _mm256_unpackhi_epi64(ab, cd),
                    _mm256_unpacklo_epi64(ab_high, cd_high),
                    _mm256_unpackhi_epi64(ab_high, cd_high),
                ];
                transmute::<[[__m256i; 4]; 2], [[i8; 16]; 16]>([pixels; 2])
            }
        }
    };
}

impl Avx2 {
    /// Products are rounded at once.
    const IS_DOUBLED: bool = false;
}

impl Lanes for Avx2 {
    eight_lanes!();
    /// Sums of the first two bytes' products next to those of the last two's, for lanes 0–3 and 4–7.
    type Sums = [__m256i; 2];
    /// Bytes widened to 16 bits, for lanes 0–3 and 4–7.
    type Quads = [__m256i; 2];
    type Half = Self;

    const SPARE: usize = 0;
    const FILTERS: usize = 4;
    const WIDE_FILTERS: usize = 0;
    const FLIP: u32 = 0;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn start(self, bias: i32) -> [__m256i; 2] {
        // SAFETY: by `self`.
        unsafe { [_mm256_set1_epi64x((bias as u32).into()); 2] }
    }

    #[inline(always)]
    fn quads(self, words: &[u32]) -> [__m256i; 2] {
        let halves: [__m128i; 2] = load(words);
        // SAFETY: by `self`.
        unsafe { [_mm256_cvtepi8_epi16(halves[0]), _mm256_cvtepi8_epi16(halves[1])] }
    }

    #[inline(always)]
    fn dot(self, [a, b]: [__m256i; 2], quads: [__m256i; 2], weights: i32) -> [__m256i; 2] {
        // SAFETY: by `self`.
        unsafe {
            let weights = _mm256_cvtepi8_epi16(_mm_set1_epi32(weights));
            [
                _mm256_add_epi32(a, _mm256_madd_epi16(quads[0], weights)),
                _mm256_add_epi32(b, _mm256_madd_epi16(quads[1], weights)),
            ]
        }
    }

    #[inline(always)]
    fn totals<const V: usize>(self, sums: [[__m256i; 2]; V], _: i32) -> [__m256i; V] {
        // SAFETY: by `self`.
        sums.map(|[a, b]| unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b)) })
    }

    #[inline(always)]
    fn multiply_add(self, sums: __m256i, values: __m256i, factors: __m256i) -> __m256i {
        // SAFETY: by `self`.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(values, factors)) }
    }
}

impl<const IS_DOUBLED: bool> Avx512Half<IS_DOUBLED> {
    const IS_DOUBLED: bool = IS_DOUBLED;
}

impl<const IS_DOUBLED: bool> Lanes for Avx512Half<IS_DOUBLED> {
    eight_lanes!();
    type Sums = __m256i;
    type Quads = __m256i;
    type Half = Self;

    const SPARE: usize = 1;
    const FILTERS: usize = 16;
    const WIDE_FILTERS: usize = 0;
    const FLIP: u32 = 0x8080_8080;

    #[inline(always)]
    fn multipliers(self, values: __m256i) -> __m256i {
        // SAFETY: by `self`.
        if IS_DOUBLED { unsafe { _mm256_add_epi32(values, values) } } else { values }
    }

    #[inline(always)]
    fn multipliers_of(self, values: &[i32; 16]) -> [i32; 16] {
        Avx512::<IS_DOUBLED>(()).multipliers_of(values)
    }

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn start(self, _: i32) -> __m256i {
        self.splat(0)
    }

    #[inline(always)]
    fn quads(self, words: &[u32]) -> __m256i {
        load(words)
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, quads: __m256i, weights: i32) -> __m256i {
        // SAFETY: by `self`.
        unsafe { _mm256_dpbusd_epi32(sums, quads, _mm256_set1_epi32(weights)) }
    }

    #[inline(always)]
    fn totals<const V: usize>(self, mut sums: [__m256i; V], bias: i32) -> [__m256i; V] {
        // SAFETY: by `self`.
        unsafe {
            let excess = _mm256_permutevar8x32_epi32(sums[V - 1], _mm256_set1_epi32(7));
            let excess = _mm256_sub_epi32(excess, self.splat(bias));
            unrolled!(V, I => sums[I] = _mm256_sub_epi32(sums[I], excess));
        }
        sums
    }

    #[inline(always)]
    fn transpose_wide(self, rows: [&[u8; 64]; 4]) -> [[u32; 4]; 16] {
        transpose_wide(rows)
    }

    #[inline(always)]
    fn multiply_add(self, sums: __m256i, values: __m256i, factors: __m256i) -> __m256i {
        // SAFETY: by `self`.
        unsafe { _mm256_dpwssd_epi32(sums, values, factors) }
    }
}

impl<const IS_DOUBLED: bool> Lanes for Avx512<IS_DOUBLED> {
    type Vector = __m512i;
    type Sums = __m512i;
    type Quads = __m512i;
    type Half = Avx512Half<IS_DOUBLED>;

    const LANES: usize = 16;
    const SPARE: usize = 1;
    const FILTERS: usize = 16;
    const WIDE_FILTERS: usize = 8;
    const FLIP: u32 = 0x8080_8080;

    /// If products are doubled: supports stages without a shift whose multipliers can be doubled (nearly all). Also
    /// supports stages whose results are not bytes: those results are multiplied one by one.
    #[inline(always)]
    fn takes(self, stage: &Stage<'_>) -> bool {
        if !IS_DOUBLED || Limits::of(stage).is_none() {
            return true;
        }
        // SAFETY: by `self`.
        stage.shift & 31 == 0 && unsafe { are_halves(stage.positive) && are_halves(stage.negative) }
    }

    #[inline(always)]
    fn half(self) -> Avx512Half<IS_DOUBLED> {
        Avx512Half(())
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m512i {
        // SAFETY: by `self`.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    fn load(self, values: &[i32]) -> __m512i {
        load(values)
    }

    #[inline(always)]
    fn array(self, vector: __m512i) -> [i32; 16] {
        // SAFETY: both are 64 bytes, and every value is valid.
        unsafe { transmute::<__m512i, [i32; 16]>(vector) }
    }

    #[inline(always)]
    fn widen(self, values: &[i8]) -> __m512i {
        // SAFETY: by `self`.
        unsafe { _mm512_cvtepi8_epi32(load(values)) }
    }

    #[inline(always)]
    fn factors(self, values: __m512i) -> __m512i {
        // SAFETY: by `self`.
        unsafe { _mm512_and_si512(values, _mm512_set1_epi32(0xffff)) }
    }

    #[inline(always)]
    fn multiply_add(self, sums: __m512i, values: __m512i, factors: __m512i) -> __m512i {
        // SAFETY: by `self`.
        unsafe { _mm512_dpwssd_epi32(sums, values, factors) }
    }

    #[inline(always)]
    fn start(self, _: i32) -> __m512i {
        self.splat(0)
    }

    #[inline(always)]
    fn quads(self, words: &[u32]) -> __m512i {
        load(words)
    }

    #[inline(always)]
    fn dot(self, sums: __m512i, quads: __m512i, weights: i32) -> __m512i {
        // SAFETY: by `self`.
        unsafe { _mm512_dpbusd_epi32(sums, quads, _mm512_set1_epi32(weights)) }
    }

    #[inline(always)]
    fn totals<const V: usize>(self, mut sums: [__m512i; V], bias: i32) -> [__m512i; V] {
        // SAFETY: by `self`.
        unsafe {
            let excess = copy_lane(sums[V - 1], _mm512_set1_epi32(15));
            let excess = _mm512_sub_epi32(excess, self.splat(bias));
            unrolled!(V, I => sums[I] = _mm512_sub_epi32(sums[I], excess));
        }
        sums
    }

    #[inline(always)]
    fn transpose_wide(self, rows: [&[u8; 64]; 4]) -> [[u32; 4]; 16] {
        transpose_wide(rows)
    }

    #[inline(always)]
    fn transpose(self, rows: [&[u8; 16]; 4]) -> [[u32; 4]; 4] {
        transpose(rows, Self::FLIP)
    }

    #[inline(always)]
    fn shift(self, values: __m512i, shift: u32) -> __m512i {
        // SAFETY: by `self`.
        if IS_DOUBLED { values } else { unsafe { _mm512_sllv_epi32(values, self.splat(shift as i32)) } }
    }

    #[inline(always)]
    fn select(self, sums: __m512i, positive: __m512i, negative: __m512i) -> __m512i {
        // SAFETY: by `self`.
        unsafe {
            let is_negative = _mm512_cmplt_epi32_mask(sums, _mm512_setzero_si512());
            _mm512_mask_blend_epi32(is_negative, positive, negative)
        }
    }

    #[inline(always)]
    fn multipliers(self, values: __m512i) -> __m512i {
        // SAFETY: by `self`.
        if IS_DOUBLED { unsafe { _mm512_add_epi32(values, values) } } else { values }
    }

    #[inline(always)]
    fn multipliers_of(self, values: &[i32; 16]) -> [i32; 16] {
        self.array(self.multipliers(self.load(values)))
    }

    /// With doubling: twice the product's high half, rounded down; [`narrow`] halves it and rounds half up. The
    /// result equals a single rounding.
    #[inline(always)]
    fn mulhi(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: by `self`.
        unsafe {
            // Copies odd lanes to even ones.
            let (a_odd, b_odd) = (_mm512_srli_epi64::<32>(a), _mm512_shuffle_epi32::<0xf5>(b));
            let half = _mm512_set1_epi64(if IS_DOUBLED { 0 } else { 1 << 31 });
            let even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
            let odd = _mm512_add_epi64(_mm512_mul_epi32(a_odd, b_odd), half);
            _mm512_mask_shuffle_epi32::<0xf5>(odd, 0x5555, even)
        }
    }

    #[inline(always)]
    fn store(self, scaled: __m512i, limits: Limits, out: &mut [i8]) {
        // SAFETY: by `self`.
        unsafe {
            let words = _mm512_cvtsepi32_epi16(scaled);
            let mut words = _mm256_adds_epi16(words, _mm256_set1_epi16(addend(IS_DOUBLED, limits)));
            if IS_DOUBLED {
                words = _mm256_srai_epi16::<1>(words);
            }
            let bytes = _mm_max_epi8(_mm256_cvtsepi16_epi8(words), _mm_set1_epi8(limits.low));
            store(_mm_min_epi8(bytes, _mm_set1_epi8(limits.high)), out);
        }
    }

    #[inline(always)]
    fn narrow(self, scaled: [__m512i; 4], limits: Limits) -> __m512i {
        // SAFETY: by `self`.
        unsafe {
            _mm512_shuffle_epi8(
                narrow::<IS_DOUBLED>(scaled, limits),
                _mm512_broadcast_i32x4(load(&INTERLEAVE)),
            )
        }
    }

    #[inline(always)]
    fn pixels(self, channels: [__m512i; 4]) -> [[i8; 16]; 16] {
        // SAFETY: `self` exists. Vectors and arrays have the same size, and every value is valid.
        unsafe {
            let [a, b, c, d] = channels;
            let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
            let pixels = [
                _mm512_unpacklo_epi64(ab, cd),
                _mm512_unpackhi_epi64(ab, cd),
                _mm512_unpacklo_epi64(ab_high, cd_high),
                _mm512_unpackhi_epi64(ab_high, cd_high),
            ];
            transmute::<[__m512i; 4], [[i8; 16]; 16]>(pixels)
        }
    }
}

impl Columns for Avx2 {
    /// The first two bytes of each channel widened to 16 bits, then the third byte, 8 channels in each vector.
    type Column = [[__m256i; 4]; 2];

    #[inline(always)]
    fn values(self, rows: [&[i8]; 3]) -> [[__m256i; 4]; 2] {
        let [a, b, c]: [[__m128i; 2]; 3] = [load(rows[0]), load(rows[1]), load(rows[2])];
        // SAFETY: by `self`.
        unsafe {
            let pairs = [
                _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a[0], b[0])),
                _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a[0], b[0])),
                _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a[1], b[1])),
                _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a[1], b[1])),
            ];
            let zero = _mm_setzero_si128();
            let thirds = [
                _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(c[0], zero)),
                _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(c[0], zero)),
                _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(c[1], zero)),
                _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(c[1], zero)),
            ];
            [pairs, thirds]
        }
    }

    #[inline(always)]
    fn weights(self, rows: [&[i8]; 3]) -> [[__m256i; 4]; 2] {
        self.values(rows)
    }

    #[inline(always)]
    fn arrange(self, values: &[i32]) -> [__m256i; 4] {
        [load(values), load(&values[8..]), load(&values[16..]), load(&values[24..])]
    }

    #[inline(always)]
    fn begin(self, bias: &[i32], _: &[[[__m256i; 4]; 2]; 3]) -> [__m256i; 4] {
        self.arrange(bias)
    }

    #[inline(always)]
    fn add_column(
        self,
        mut sums: [__m256i; 4],
        values: [[__m256i; 4]; 2],
        weights: [[__m256i; 4]; 2],
    ) -> [__m256i; 4] {
        // SAFETY: by `self`.
        unsafe {
            unrolled!(4, I => {
                let pair = _mm256_madd_epi16(values[0][I], weights[0][I]);
                let third = _mm256_madd_epi16(values[1][I], weights[1][I]);
                sums[I] = _mm256_add_epi32(sums[I], _mm256_add_epi32(pair, third));
            });
        }
        sums
    }

    #[inline(always)]
    fn store_four(self, scaled: [__m256i; 4], limits: Limits, out: &mut [i8]) {
        // SAFETY: by `self`.
        unsafe {
            let zero_point = _mm256_set1_epi16(limits.zero_point.into());
            let low = _mm256_adds_epi16(_mm256_packs_epi32(scaled[0], scaled[1]), zero_point);
            let high = _mm256_adds_epi16(_mm256_packs_epi32(scaled[2], scaled[3]), zero_point);
            let bytes = _mm256_packs_epi16(low, high);
            let bytes = _mm256_max_epi8(bytes, _mm256_set1_epi8(limits.low));
            let bytes = _mm256_min_epi8(bytes, _mm256_set1_epi8(limits.high));
            // Packing works in each 128 bits separately.
            let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
            store(_mm256_permutevar8x32_epi32(bytes, order), out);
        }
    }
}

impl<const IS_DOUBLED: bool> Avx512<IS_DOUBLED> {
    /// Bytes of each channel side by side; the fourth is zero. Vector `i` holds the channels `4 i` to `4 i + 3` of
    /// every 16 channels.
    #[inline(always)]
    fn interleave(self, a: __m512i, b: __m512i, c: __m512i) -> [__m512i; 4] {
        // SAFETY: by `self`.
        unsafe {
            let zero = _mm512_setzero_si512();
            let (ab, c_low) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, zero));
            let (ab_high, c_high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, zero));
            [
                _mm512_unpacklo_epi16(ab, c_low),
                _mm512_unpackhi_epi16(ab, c_low),
                _mm512_unpacklo_epi16(ab_high, c_high),
                _mm512_unpackhi_epi16(ab_high, c_high),
            ]
        }
    }
}

impl<const IS_DOUBLED: bool> Columns for Avx512<IS_DOUBLED> {
    type Column = [__m512i; 4];

    #[inline(always)]
    fn values(self, [a, b, c]: [&[i8]; 3]) -> [__m512i; 4] {
        // SAFETY: by `self`.
        unsafe {
            let flip = _mm512_set1_epi32(Self::FLIP as i32);
            self.interleave(
                _mm512_xor_si512(load(a), flip),
                _mm512_xor_si512(load(b), flip),
                _mm512_xor_si512(load(c), flip),
            )
        }
    }

    #[inline(always)]
    fn weights(self, [a, b, c]: [&[i8]; 3]) -> [__m512i; 4] {
        self.interleave(load(a), load(b), load(c))
    }

    #[inline(always)]
    fn arrange(self, values: &[i32]) -> [__m512i; 4] {
        let (a, b) = (load(values), load(&values[16..]));
        let (c, d) = (load(&values[32..]), load(&values[48..]));
        // SAFETY: by `self`.
        unsafe {
            let (ab, cd) = (_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0x44>(c, d));
            let (ab_high, cd_high) = (_mm512_shuffle_i32x4::<0xee>(a, b), _mm512_shuffle_i32x4::<0xee>(c, d));
            [
                _mm512_shuffle_i32x4::<0x88>(ab, cd),
                _mm512_shuffle_i32x4::<0xdd>(ab, cd),
                _mm512_shuffle_i32x4::<0x88>(ab_high, cd_high),
                _mm512_shuffle_i32x4::<0xdd>(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    fn begin(self, bias: &[i32], weights: &[[__m512i; 4]; 3]) -> [__m512i; 4] {
        let mut sums = self.arrange(bias);
        // SAFETY: by `self`.
        unsafe {
            // Every value is too large by 128.
            let excess = _mm512_set1_epi32(Self::FLIP as i32);
            unrolled!(4, I => {
                let mut total = _mm512_setzero_si512();
                unrolled!(3, X => total = _mm512_dpbusd_epi32(total, excess, weights[X][I]));
                sums[I] = _mm512_sub_epi32(sums[I], total);
            });
        }
        sums
    }

    #[inline(always)]
    fn add_column(self, mut sums: [__m512i; 4], values: [__m512i; 4], weights: [__m512i; 4]) -> [__m512i; 4] {
        // SAFETY: by `self`.
        unsafe {
            unrolled!(4, I => sums[I] = _mm512_dpbusd_epi32(sums[I], values[I], weights[I]));
        }
        sums
    }

    #[inline(always)]
    fn weigh(self, mut sums: [__m512i; 4], [a, b]: [&[i8]; 2], [gain_a, gain_b]: [i16; 2]) -> [__m512i; 4] {
        let (a, b) = (load(a), load(b));
        // SAFETY: by `self`.
        unsafe {
            let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
            // Each byte is doubled to 16 bits; the shift leaves the upper byte with its sign.
            let pairs = [
                _mm512_unpacklo_epi8(low, low),
                _mm512_unpackhi_epi8(low, low),
                _mm512_unpacklo_epi8(high, high),
                _mm512_unpackhi_epi8(high, high),
            ];
            let gains = _mm512_set1_epi32(i32::from(gain_a) & 0xffff | i32::from(gain_b) << 16);
            unrolled!(4, I => sums[I] = _mm512_dpwssd_epi32(sums[I], _mm512_srai_epi16::<8>(pairs[I]), gains));
        }
        sums
    }

    #[inline(always)]
    fn store_four(self, scaled: [__m512i; 4], limits: Limits, out: &mut [i8]) {
        store(narrow::<IS_DOUBLED>(scaled, limits), out);
    }
}
