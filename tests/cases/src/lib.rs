//! Battery of kernel cases for any machine: every kernel set must equal the naive loops here, bit for bit.
//!
//! [`run`] needs no heap and no test harness, so that the host's tests and a board's firmware call the same function. Each
//! kernel is tried over many small shapes with pseudo-random elements, and at the edges of its arithmetic.
//!
//! `sets` lists the kernels, and each operator has a file: its definition as a naive loop, and its cases.
#![no_std]

mod add;
mod average;
mod concat;
mod conv;
mod counts;
mod depthwise;
mod enlarge;
mod frames;
mod grouped;
mod matching;
mod max_pool;
mod naive;
mod random;
mod room;
mod scale;
mod sets;
mod table;
mod windows;

pub use counts::{Counts, Failure};
pub use sets::{Chosen, Dsp, Helium, Portable, Set};

/// Code that all kernel sets share.
const SHARED: [&str; 4] = ["concat", "enlarge", "table", "average"];

/// Runs `cases` random cases of every kernel of a set (the matcher's and those of frames included) with every combination of element
/// types, and some shapes of real networks. Returns the number of cases of each kernel.
///
/// # Errors
/// The first case in which a kernel and the naive loop differ, or a kernel of which no case ran.
pub fn run<S: Set>(cases: u32) -> Result<Counts, Failure> {
    let mut counts = Counts::new();
    windows::networks::<S, i8, i8>(&mut counts)?;
    windows::networks::<S, i8, i16>(&mut counts)?;
    windows::networks::<S, i16, i8>(&mut counts)?;
    windows::networks::<S, i16, i16>(&mut counts)?;
    windows::run::<S, i8, i8>(cases, &mut counts)?;
    windows::run::<S, i8, i16>(cases, &mut counts)?;
    windows::run::<S, i16, i8>(cases, &mut counts)?;
    windows::run::<S, i16, i16>(cases, &mut counts)?;
    add::run::<S, i8, i8>(cases, &mut counts)?;
    add::run::<S, i8, i16>(cases, &mut counts)?;
    add::run::<S, i16, i8>(cases, &mut counts)?;
    add::run::<S, i16, i16>(cases, &mut counts)?;
    scale::run::<S, i8, i8>(cases, &mut counts)?;
    scale::run::<S, i8, i16>(cases, &mut counts)?;
    scale::run::<S, i16, i8>(cases, &mut counts)?;
    scale::run::<S, i16, i16>(cases, &mut counts)?;
    concat::run::<i8>(cases, &mut counts)?;
    concat::run::<i16>(cases, &mut counts)?;
    enlarge::run::<i8>(cases, &mut counts)?;
    enlarge::run::<i16>(cases, &mut counts)?;
    table::run::<i8>(cases, &mut counts)?;
    table::run::<i16>(cases, &mut counts)?;
    average::run::<S, i8, i8>(cases, &mut counts)?;
    average::run::<S, i8, i16>(cases, &mut counts)?;
    average::run::<S, i16, i8>(cases, &mut counts)?;
    average::run::<S, i16, i16>(cases, &mut counts)?;
    matching::run::<S>(cases, &mut counts)?;
    frames::run::<S>(cases, &mut counts)?;
    counts.of_all()
}

/// [`run`] for the set of the machine this is compiled for. It is not generic, so that it is compiled with this package, whose naive
/// loops boards optimise for speed, and not with a board's program, which they optimise for size.
///
/// # Errors
/// As [`run`].
pub fn run_chosen(cases: u32) -> Result<Counts, Failure> {
    run::<Chosen>(cases)
}
