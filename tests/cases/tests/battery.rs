//! Every kernel set gives what the naive loops give, its instructions modelled where this machine has none.

use cases::{Dsp, Helium, Portable, Set};

fn run<S: Set>() {
    // The arrays of a case are large for a test thread's stack.
    let run = std::thread::Builder::new().stack_size(16 << 20).spawn(|| cases::run::<S>(4000)).unwrap();
    assert_eq!(run.join().unwrap(), Ok(36000));
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
