//! Time since the start, and waiting with a limit.

use embassy_time::{Duration, Instant};

/// Something did not happen in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Waits until something is so, for at most `limit`. Interrupts must be served.
///
/// # Errors
/// [`TimedOut`].
pub fn wait(limit: Duration, mut is_so: impl FnMut() -> bool) -> Result<(), TimedOut> {
    let end = Instant::now() + limit;
    loop {
        // Seen before it is looked: an interrupt may take long.
        let is_over = Instant::now() >= end;
        if is_so() {
            return Ok(());
        }
        if is_over {
            return Err(TimedOut);
        }
    }
}

/// Milliseconds since the clocks were started.
pub fn now_ms() -> u64 {
    Instant::now().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(2);

    #[test]
    fn wait_ends_when_it_is_so_or_at_its_limit() {
        let mut questions = 0;
        let third = || {
            questions += 1;
            questions == 3
        };
        assert_eq!(wait(LIMIT, third), Ok(()));
        let start = Instant::now();
        assert_eq!(wait(LIMIT, || false), Err(TimedOut));
        assert!(start.elapsed() >= LIMIT);
    }

    #[test]
    fn what_becomes_so_during_a_long_interrupt_is_not_too_late() {
        let is_so_after_long = || {
            crate::clock::pass(10 * LIMIT);
            true
        };
        assert_eq!(wait(LIMIT, is_so_after_long), Ok(()));
    }
}
