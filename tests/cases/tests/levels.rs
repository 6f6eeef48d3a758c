//! Kernels at every level of this processor give what the naive loops give.
#![cfg(target_arch = "x86_64")]

use nn::kernels::x86::{self, Level};

/// One test, because the limit holds for the whole process.
#[test]
fn every_level_equals_the_naive_loops() {
    let available = x86::level();
    for level in [Level::Portable, Level::Avx2, Level::Avx512Vnni] {
        if level > available {
            println!("this processor does not have {level:?}");
            continue;
        }
        x86::set_limit(level);
        assert_eq!(x86::level(), level);
        // The arrays of a case are large for a test thread's stack.
        let run = std::thread::Builder::new().stack_size(16 << 20).spawn(|| cases::run(4000)).unwrap();
        assert_eq!(run.join().unwrap(), Ok(32000), "{level:?}");
    }
}
