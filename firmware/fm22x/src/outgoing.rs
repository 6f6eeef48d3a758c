//! The frames that wait to be sent. Each is sent whole, and after it nothing for [`GAP_MS`].
//!
//! A controller that reads one frame every 50 ms, and then waits 20 ms for the frame's rest, follows this pace.

use heapless::Vec;

use crate::frame::{MAX_REPLY_FRAME_BYTES, OVERHEAD_BYTES};

/// From the last byte of a frame to the first of the next, in milliseconds, at least.
pub const GAP_MS: u64 = 60;

/// Two replies, of which one may be on its way.
const BYTES: usize = 2 * MAX_REPLY_FRAME_BYTES;

/// Whole frames, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    frames: Vec<u8, BYTES>,
    /// Bytes of the first frame that are sent.
    sent: usize,
    not_before_ms: u64,
}

impl Outgoing {
    /// Nothing to send.
    pub const fn new() -> Self {
        Outgoing { frames: Vec::new(), sent: 0, not_before_ms: 0 }
    }

    /// The bytes that may be sent now: the rest of one frame, or none.
    pub fn bytes(&self, now_ms: u64) -> &[u8] {
        if self.sent == 0 && now_ms < self.not_before_ms {
            return &[];
        }
        self.frames.get(self.sent..self.first_bytes()).unwrap_or_default()
    }

    /// Removes bytes that are sent: the first `count` of [`Self::bytes`].
    pub fn remove(&mut self, count: usize, now_ms: u64) {
        let first = self.first_bytes();
        self.sent = self.sent.saturating_add(count).min(first);
        if self.sent == first && first > 0 {
            let rest = self.frames.len().saturating_sub(first);
            for at in 0..rest {
                if let Some(&byte) = self.frames.get(at + first)
                    && let Some(place) = self.frames.get_mut(at)
                {
                    *place = byte;
                }
            }
            self.frames.truncate(rest);
            self.sent = 0;
            self.not_before_ms = now_ms.saturating_add(GAP_MS);
        }
    }

    /// Whether there is room for the longest frame.
    pub fn has_room(&self) -> bool {
        self.frames.capacity() - self.frames.len() >= MAX_REPLY_FRAME_BYTES
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Appends a frame. Returns whether there was room.
    pub fn push(&mut self, frame: &[u8]) -> bool {
        self.frames.extend_from_slice(frame).is_ok()
    }

    /// Drops frames of which nothing is sent yet.
    pub fn drop_unsent(&mut self) {
        let kept = if self.sent > 0 { self.first_bytes() } else { 0 };
        self.frames.truncate(kept);
    }

    /// Length of the first frame, in bytes.
    fn first_bytes(&self) -> usize {
        match *self.frames {
            [_, _, _, high, low, ..] => OVERHEAD_BYTES + usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Outcome, Reply};

    fn frame(number: u8) -> Vec<u8, MAX_REPLY_FRAME_BYTES> {
        Reply::Failed(number, Outcome::Unknown).emit()
    }

    #[test]
    fn frame_is_sent_without_pause_and_the_next_after_a_gap() {
        let mut outgoing = Outgoing::new();
        assert!(outgoing.bytes(0).is_empty());
        assert!(outgoing.push(&frame(1)) && outgoing.push(&frame(2)));
        assert_eq!(outgoing.bytes(100), frame(1));
        outgoing.remove(3, 100);
        assert_eq!(outgoing.bytes(100), &frame(1)[3..]);
        outgoing.remove(usize::MAX, 101);
        assert!(outgoing.bytes(101 + GAP_MS - 1).is_empty());
        assert_eq!(outgoing.bytes(101 + GAP_MS), frame(2));
        outgoing.remove(8, 101 + GAP_MS);
        assert!(outgoing.is_empty());
        outgoing.remove(1, u64::MAX);
    }

    #[test]
    fn frame_that_is_on_its_way_is_not_dropped() {
        let mut outgoing = Outgoing::new();
        assert!(outgoing.push(&frame(1)) && outgoing.push(&frame(2)));
        outgoing.remove(1, 0);
        outgoing.drop_unsent();
        assert_eq!(outgoing.bytes(0), &frame(1)[1..]);
        outgoing.remove(7, 0);
        assert!(outgoing.is_empty());
        assert!(outgoing.push(&frame(3)));
        outgoing.drop_unsent();
        assert!(outgoing.is_empty());
    }

    #[test]
    fn there_is_room_for_two_replies() {
        let mut outgoing = Outgoing::new();
        let longest = [0; MAX_REPLY_FRAME_BYTES];
        assert!(outgoing.has_room() && outgoing.push(&longest));
        assert!(outgoing.has_room() && outgoing.push(&longest));
        assert!(!outgoing.has_room() && !outgoing.push(&frame(1)));
    }
}
