//! Every kernel set equals the naive loops. A model replaces instructions that this machine lacks.

use cases::{Dsp, Helium, Portable, Set};

/// Cases of each kernel and combination of types.
const CASES: u32 = 4000;

fn run<S: Set>() {
    // The arrays of a case are too large for a test thread's stack.
    let run = std::thread::Builder::new().stack_size(16 << 20).spawn(|| cases::run::<S>(CASES)).unwrap();
    for (kernel, count) in run.join().unwrap().unwrap().iter() {
        assert!(count >= CASES, "{kernel}: {count} cases");
    }
}

#[test]
fn portable_kernels_equal_the_naive_loops() {
    run::<Portable>();
}

#[test]
fn dsp_kernels_equal_the_naive_loops() {
    run::<Dsp>();
}

#[test]
fn helium_kernels_equal_the_naive_loops() {
    run::<Helium>();
}
