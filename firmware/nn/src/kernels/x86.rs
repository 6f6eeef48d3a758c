//! Kernels for x86-64, chosen at run time by what the processor has.

mod ops;

use core::sync::atomic::{AtomicU8, Ordering};

use self::ops::{Avx2, Avx512};
use super::lanes::{self, Lanes};
use super::{Element, Rows, portable};
use crate::quant::Stage;

pub use super::portable::{Scratch, max_pool};

/// What kernels may use; each level includes those before it. Results are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Portable kernels alone.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni,
}

static LIMIT: AtomicU8 = AtomicU8::new(Level::Avx512Vnni as u8);

/// Sets the level that kernels do not go beyond, for tests and measurements.
pub fn set_limit(level: Level) {
    LIMIT.store(level as u8, Ordering::Relaxed);
}

/// The level kernels are at: the processor's, or the limit where that is lower.
pub fn level() -> Level {
    match Set::current() {
        Set::Portable => Level::Portable,
        Set::Avx2(_) => Level::Avx2,
        Set::Avx512(_) => Level::Avx512Vnni,
    }
}

#[derive(Clone, Copy)]
enum Set {
    Portable,
    Avx2(Avx2),
    Avx512(Avx512),
}

impl Set {
    fn current() -> Set {
        let limit = LIMIT.load(Ordering::Relaxed);
        let avx512 = (limit >= Level::Avx512Vnni as u8).then(Avx512::detect).flatten();
        let avx2 = (limit >= Level::Avx2 as u8).then(Avx2::detect).flatten();
        avx512.map(Set::Avx512).or(avx2.map(Set::Avx2)).unwrap_or(Set::Portable)
    }
}

/// [`portable::conv`].
///
/// # Panics
/// When lengths do not agree.
pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    let set = Set::current();
    let is_done = lanes::bytes(input, &mut [None; lanes::MAX_ROWS]).is_some_and(|input| match set {
        Set::Portable => false,
        Set::Avx2(set) => {
            lanes::conv::with_room(&input, &mut |room| set.conv(room, &input, weights, stage, output))
        }
        Set::Avx512(set) => {
            lanes::conv::with_room(&input, &mut |room| set.conv(room, &input, weights, stage, output))
        }
    });
    if !is_done {
        portable::conv(input, weights, stage, scratch, output);
    }
}

/// [`portable::depthwise`].
///
/// # Panics
/// When lengths do not agree.
pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    let mut room = [None; lanes::MAX_ROWS];
    match (Set::current(), lanes::bytes(input, &mut room)) {
        (Set::Avx2(set), Some(input)) if input.channels >= Avx2::LANES => {
            set.depthwise(&input, weights, stage, output);
        }
        (Set::Avx512(set), Some(input)) if input.channels >= Avx512::LANES => {
            set.depthwise(&input, weights, stage, output);
        }
        _ => portable::depthwise(input, weights, stage, scratch, output),
    }
}

/// [`portable::add`].
///
/// # Panics
/// When lengths do not agree.
pub fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    match (lanes::as_bytes(a), lanes::as_bytes_mut(&mut *output)) {
        (Some(a), Some(sum)) => {
            sum.copy_from_slice(a);
            add_in_place(output, bytemuck::cast_slice(b), gains, stage);
        }
        _ => portable::add(a, b, gains, stage, output),
    }
}

/// [`portable::add_in_place`].
///
/// # Panics
/// When lengths do not agree.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) {
    match (Set::current(), lanes::as_bytes_mut(&mut *a), lanes::as_bytes(b)) {
        (Set::Avx2(set), Some(a), Some(b)) => set.add_in_place(a, b, gains, stage),
        (Set::Avx512(set), Some(a), Some(b)) => set.add_in_place(a, b, gains, stage),
        _ => portable::add_in_place(a, b, gains, stage),
    }
}
