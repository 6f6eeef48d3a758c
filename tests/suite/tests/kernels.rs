//! The kernels of this machine give the same results as the naive loops.

#[test]
fn every_kernel_equals_the_naive_loop() {
    // The arrays of a case are too large for a test thread's stack.
    let run =
        std::thread::Builder::new().stack_size(16 << 20).spawn(|| cases::run::<cases::Chosen>(4000)).unwrap();
    run.join().unwrap().unwrap();
}
