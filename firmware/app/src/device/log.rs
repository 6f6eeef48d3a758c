//! The last decisions: no faces, no embeddings, no figures.

use heapless::{Deque, Vec};
use link::message::{LogEntry, MAX_ENTRIES, Verdict};

/// Decisions that are kept.
pub const KEPT: usize = 64;

/// A ring of decisions since the start.
#[derive(Debug, Default)]
pub struct Log {
    entries: Deque<LogEntry, KEPT>,
    next: u32,
}

impl Log {
    /// An empty ring.
    pub const fn new() -> Self {
        Log { entries: Deque::new(), next: 0 }
    }

    /// Adds a decision. The oldest one goes if there is no room.
    pub fn add(&mut self, starts: u32, now_ms: u64, verdict: Verdict) {
        if self.entries.is_full() {
            self.entries.pop_front();
        }
        let seconds = u32::try_from(now_ms / 1000).unwrap_or(u32::MAX);
        // There is room now.
        let _ = self.entries.push_back(LogEntry { number: self.next, starts, seconds, verdict });
        self.next = self.next.wrapping_add(1);
    }

    /// Entries from number `from` on, as many as fit into a message.
    pub fn from(&self, from: u32) -> Vec<LogEntry, MAX_ENTRIES> {
        let mut entries = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.number >= from).take(MAX_ENTRIES) {
            // There is room for as many as are taken.
            let _ = entries.push(*entry);
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_entries_go_first() {
        let mut log = Log::new();
        for number in 0..70 {
            log.add(3, number * 1000, Verdict::Accepted(number as u32));
        }
        let entries = log.from(0);
        assert_eq!((entries[0].number, entries[0].seconds, entries.len()), (6, 6, MAX_ENTRIES));
        assert_eq!(entries[0].verdict, Verdict::Accepted(6));
        assert_eq!(log.from(68).len(), 2);
        assert!(log.from(70).is_empty());
    }
}
