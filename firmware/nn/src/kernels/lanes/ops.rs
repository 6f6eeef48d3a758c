//! Unsafe code common to all sets: functions compiled for a set, and access to the weights of several filters after a
//! single check.
#![allow(unsafe_code)]

use core::marker::PhantomData;

use super::{Lanes, unrolled};

/// Defines functions compiled for a set, into which kernels are inlined. A value of the set proves that the processor
/// has the features.
macro_rules! entries {
    ($set:ident, $features:literal) => {
        impl $set {
            /// Least number of channels of a depthwise convolution.
            pub const CHANNELS: usize = <$set as $crate::kernels::lanes::Lanes>::LANES;

            /// [`crate::kernels::lanes::conv::conv`].
            pub fn conv<O: $crate::kernels::Element>(
                self,
                room: &mut [u32],
                input: &$crate::kernels::Rows<'_, i8>,
                weights: &[i8],
                stage: &$crate::quant::Stage<'_>,
                output: &mut [O],
            ) -> Option<()> {
                #[target_feature(enable = $features)]
                fn compiled<O: $crate::kernels::Element>(
                    set: $set,
                    room: &mut [u32],
                    input: &$crate::kernels::Rows<'_, i8>,
                    weights: &[i8],
                    stage: &$crate::quant::Stage<'_>,
                    output: &mut [O],
                ) -> Option<()> {
                    $crate::kernels::lanes::conv::conv(set, room, input, weights, stage, output)
                }
                // SAFETY: the processor has the features.
                unsafe { compiled(self, room, input, weights, stage, output) }
            }

            /// [`crate::kernels::lanes::depthwise::depthwise`].
            pub fn depthwise<O: $crate::kernels::Element>(
                self,
                input: &$crate::kernels::Rows<'_, i8>,
                weights: &[i8],
                stage: &$crate::quant::Stage<'_>,
                output: &mut [O],
            ) -> Option<()> {
                #[target_feature(enable = $features)]
                fn compiled<O: $crate::kernels::Element>(
                    set: $set,
                    input: &$crate::kernels::Rows<'_, i8>,
                    weights: &[i8],
                    stage: &$crate::quant::Stage<'_>,
                    output: &mut [O],
                ) -> Option<()> {
                    $crate::kernels::lanes::depthwise::depthwise(set, input, weights, stage, output)
                }
                // SAFETY: the processor has the features.
                unsafe { compiled(self, input, weights, stage, output) }
            }

            /// [`crate::kernels::lanes::add::add_in_place`].
            pub fn add_in_place(
                self,
                a: &mut [i8],
                b: &[i8],
                gains: [i16; 2],
                stage: &$crate::quant::Stage<'_>,
            ) -> Option<()> {
                #[target_feature(enable = $features)]
                fn compiled(
                    set: $set,
                    a: &mut [i8],
                    b: &[i8],
                    gains: [i16; 2],
                    stage: &$crate::quant::Stage<'_>,
                ) -> Option<()> {
                    $crate::kernels::lanes::add::add_in_place(set, a, b, gains, stage)
                }
                // SAFETY: the processor has the features.
                unsafe { compiled(self, a, b, gains, stage) }
            }

            /// [`crate::kernels::lanes::scale::scale`].
            pub fn scale<O: $crate::kernels::Element>(
                self,
                input: &[i8],
                zero_point: i32,
                gates: &[i8],
                table: &[i16],
                stage: &$crate::quant::Stage<'_>,
                output: &mut [O],
            ) -> Option<()> {
                #[target_feature(enable = $features)]
                fn compiled<O: $crate::kernels::Element>(
                    set: $set,
                    input: &[i8],
                    zero_point: i32,
                    gates: &[i8],
                    table: &[i16],
                    stage: &$crate::quant::Stage<'_>,
                    output: &mut [O],
                ) -> Option<()> {
                    $crate::kernels::lanes::scale::scale(set, input, zero_point, gates, table, stage, output)
                }
                // SAFETY: the processor has the features.
                unsafe { compiled(self, input, zero_point, gates, table, stage, output) }
            }
        }
    };
}
pub(crate) use entries;

/// `N` filters of the same length.
#[derive(Clone, Copy)]
pub struct Filters<'a, const N: usize> {
    starts: [*const i8; N],
    taps: usize,
    weights: PhantomData<&'a [i8]>,
}

impl<'a, const N: usize> Filters<'a, N> {
    /// Filters from number `first` on of `weights`, each `taps` long. If there are too few, the last one replaces the
    /// missing ones.
    ///
    /// # Panics
    /// When there is no filter.
    #[inline(always)]
    pub fn new(weights: &'a [i8], taps: usize, first: usize) -> Self {
        let count = weights.len() / taps;
        let mut starts = [weights.as_ptr(); N];
        if count >= N && first <= count - N {
            let mut start = weights[first * taps..][..N * taps].as_ptr();
            unrolled!(N, I => {
                starts[I] = start;
                start = start.wrapping_add(taps);
            });
        } else {
            for (number, start) in (first..).zip(&mut starts) {
                *start = weights[number.min(count - 1) * taps..][..taps].as_ptr();
            }
        }
        Filters { starts, taps, weights: PhantomData }
    }

    /// Weights from tap `tap` on.
    ///
    /// # Panics
    /// When there are fewer than `TAPS`.
    #[inline(always)]
    pub fn at<const TAPS: usize>(&self, tap: usize) -> Weights<'_, N, TAPS> {
        assert!(tap <= self.taps && self.taps - tap >= TAPS);
        Weights { filters: self, tap }
    }

    /// The one to three weights from tap `tap` on, then zeros.
    ///
    /// # Panics
    /// When there are fewer or more.
    #[inline(always)]
    pub fn rest(&self, filter: usize, tap: usize) -> i32 {
        assert!(tap < self.taps && self.taps - tap < 4);
        let mut quad = [0; 4];
        if tap >= 4 {
            // SAFETY: each pointer is to the start of `taps` weights, which live for `'a`.
            let last = unsafe { self.starts[filter].add(self.taps - 4).cast::<[u8; 4]>().read() };
            quad = (u32::from_le_bytes(last) >> (8 * (4 + tap - self.taps))).to_le_bytes();
        } else {
            for (i, weight) in quad.iter_mut().enumerate().take(self.taps - tap) {
                // SAFETY: as above.
                *weight = unsafe { self.starts[filter].add(tap + i).read() as u8 };
            }
        }
        i32::from_ne_bytes(quad)
    }
}

/// `TAPS` weights of each filter.
#[derive(Clone, Copy)]
pub struct Weights<'a, const N: usize, const TAPS: usize> {
    filters: &'a Filters<'a, N>,
    tap: usize,
}

impl<const N: usize, const TAPS: usize> Weights<'_, N, TAPS> {
    /// The `i`th four weights of a filter.
    ///
    /// # Panics
    /// When there are fewer, or no such filter.
    #[inline(always)]
    pub fn quad(&self, filter: usize, i: usize) -> i32 {
        assert!(i < TAPS / 4);
        // SAFETY: each pointer is to the start of `taps` weights, which live for `'a`, and `TAPS` of them follow
        // `tap`.
        unsafe { (*self.filters.starts[filter].wrapping_add(self.tap).cast::<Quads>()).0[i] }
    }
}

/// Weights in groups of four, at any address.
#[repr(C, packed)]
struct Quads([i32; 4]);

/// Stores the channels of `pixels` pixels, in the order of [`Lanes::pixels`], `step` elements apart in `output`.
///
/// # Panics
/// When `output` is too short.
#[inline(always)]
pub fn spread<S: Lanes>(channels: [[i8; 16]; 16], output: &mut [i8], step: usize, pixels: usize) {
    assert!(pixels <= 16 && pixels.saturating_sub(1) * step + 16 <= output.len());
    let mut to = output.as_mut_ptr();
    unrolled!(16, P => if P < S::LANES && P < pixels {
        // SAFETY: `output` has room for this many pixels.
        unsafe { to.cast::<[i8; 16]>().write(channels[P % 4 * (S::LANES / 4) + P / 4]) };
        to = to.wrapping_add(step);
    });
}

/// Stores four words at each `step` of `words`.
///
/// # Panics
/// When `words` is too short.
#[inline(always)]
pub fn lay<const N: usize>(columns: [[u32; 4]; N], words: &mut [u32], step: usize) {
    assert!(step <= 64 && (N - 1) * step + 4 <= words.len());
    let mut to = words.as_mut_ptr();
    unrolled!(16, I => if I < N {
        // SAFETY: `words` has room for all of them.
        unsafe { to.cast::<[u32; 4]>().write(columns[I]) };
        to = to.wrapping_add(step);
    });
}
