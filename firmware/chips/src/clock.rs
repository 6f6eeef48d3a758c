//! The tests' clock, one for each test: each look at it takes a microsecond.

use core::task::Waker;
use std::cell::Cell;
use std::thread_local;

use embassy_time::{Duration, TICK_HZ};
use embassy_time_driver::{Driver, time_driver_impl};

thread_local! {
    static MICROSECONDS: Cell<u64> = const { Cell::new(0) };
}

struct Clock;

impl Driver for Clock {
    fn now(&self) -> u64 {
        MICROSECONDS.replace(MICROSECONDS.get() + 1)
    }

    fn schedule_wake(&self, _at: u64, _waker: &Waker) {
        unreachable!("nothing is asynchronous here")
    }
}

const _: () = assert!(TICK_HZ == 1_000_000);

time_driver_impl!(static CLOCK: Clock = Clock);

/// Lets time pass.
pub fn pass(time: Duration) {
    MICROSECONDS.set(MICROSECONDS.get() + time.as_micros());
}
