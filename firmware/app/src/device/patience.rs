//! How long the device hears nobody after hosts that did not prove who they are.
//!
//! # Rules
//!
//! * A request to open a session or to pair counts when it is heard. The first request that was sealed in a session clears the
//!   count: its host has the key. A request to open a session that somebody recorded and repeats proves nothing.
//! * So many in a row are heard at once. After each further one nobody is heard for a time: a second, and each time twice as
//!   long, up to a minute.
//! * Whatever comes in that time is refused before any arithmetic. It does not count, and makes the time no longer.
//! * A session that is open goes on.
//! * For a minute after the button was pressed everybody is heard.
//!
//! # Nobody is locked out for ever
//!
//! Somebody who writes on the wire can keep the count up, and be the one who is heard each time. They lock administrators out
//! for as long as they go on, as they could by cutting the wire, and for at most a minute afterwards. An administrator at the
//! device presses the button, and is heard among all others.

/// Hosts in a row that are heard at once. A host with keys of several boards tries one after another.
const FREE: u8 = 5;
/// The longest time.
const MOST_SECONDS: u64 = 60;

/// Hosts in a row without a proof, and the time until the next one is heard.
#[derive(Debug, Default)]
pub(super) struct Patience {
    strangers: u8,
    until_ms: u64,
}

impl Patience {
    /// Seconds until the next host is heard; `None` if it is heard now.
    pub fn seconds_left(&self, now_ms: u64) -> Option<u8> {
        let left_ms = self.until_ms.saturating_sub(now_ms);
        // At most a minute.
        (left_ms > 0).then(|| left_ms.div_ceil(1000) as u8)
    }

    /// A host is heard.
    pub fn count(&mut self, now_ms: u64) {
        self.strangers = self.strangers.saturating_add(1);
        if let Some(further) = self.strangers.checked_sub(FREE) {
            let seconds = MOST_SECONDS.min(1 << further.min(6));
            self.until_ms = now_ms + 1000 * seconds;
        }
    }

    /// A host has proved that it is an administrator's.
    pub fn clear(&mut self) {
        *self = Patience::default();
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn times_double_up_to_a_minute() {
        let mut patience = Patience::default();
        let mut now_ms = 7;
        let times: Vec<_> = (0..300)
            .map(|_| {
                patience.count(now_ms);
                let seconds = patience.seconds_left(now_ms);
                now_ms += 1000 * u64::from(seconds.unwrap_or(0));
                assert_eq!(patience.seconds_left(now_ms), None);
                seconds
            })
            .collect();
        let expected =
            [None, None, None, None, Some(1), Some(2), Some(4), Some(8), Some(16), Some(32), Some(60)];
        assert_eq!(times[..11], expected);
        assert!(times[11..].iter().all(|&seconds| seconds == Some(60)));
    }

    #[test]
    fn time_that_is_left_is_rounded_up_and_a_proof_ends_it() {
        let mut patience = Patience::default();
        (0..7).for_each(|_| patience.count(1000));
        assert_eq!(
            [1000, 1001, 4999, 5000].map(|now_ms| patience.seconds_left(now_ms)),
            [Some(4), Some(4), Some(1), None]
        );
        patience.clear();
        patience.count(1000);
        assert_eq!(patience.seconds_left(1000), None);
    }
}
