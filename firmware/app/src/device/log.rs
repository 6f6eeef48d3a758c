//! The last decisions, in memory that outlives a restart where the board has some: no faces, no embeddings, no figures, no
//! names. Numbers of people who were deleted stay in it.
//!
//! Entry n lies in place n modulo the number of places, little-endian:
//!
//! ```text
//!  0  number   u32, n
//!  4  starts   u32
//!  8  seconds  u32
//! 12  person   u32; 0 if nobody was accepted
//! 16  check    u32, FNV-1a of bytes 0..16
//! ```
//!
//! Whatever else the memory holds, such as an entry that a restart tore, is no entry. Nothing else is kept: the next number
//! is that behind the highest.

use heapless::Vec;
use link::message::{LogEntry, MAX_ENTRIES, Verdict};

use crate::door::PersonId;
use crate::pattern;

const ENTRY_BYTES: usize = 20;

/// A ring of decisions in a memory of any content.
pub struct Log<'l>(pub &'l mut [u8]);

impl Log<'_> {
    fn places(&self) -> u32 {
        (self.0.len() / ENTRY_BYTES) as u32
    }

    /// Place of the entry with this number; `None` where there are no places.
    fn place_of(&self, number: u32) -> Option<u32> {
        number.checked_rem(self.places())
    }

    /// The entry in a place, if there is one.
    fn entry(&self, place: u32) -> Option<LogEntry> {
        let bytes = self.0.as_chunks::<ENTRY_BYTES>().0.get(place as usize)?;
        let [number, starts, seconds, person, check] = words(bytes);
        let content = bytes.first_chunk::<16>()?;
        let is_entry = check == pattern::check(content) && self.place_of(number) == Some(place);
        let verdict = if person == 0 { Verdict::NotAccepted } else { Verdict::Accepted(person as PersonId) };
        is_entry.then_some(LogEntry { number, starts, seconds, verdict })
    }

    /// Number of the next entry.
    fn next(&self) -> u32 {
        let entries = (0..self.places()).filter_map(|place| self.entry(place));
        entries.map(|entry| entry.number.saturating_add(1)).max().unwrap_or(0)
    }

    /// Adds a decision, in the place of the oldest one.
    pub fn add(&mut self, starts: u32, now_ms: u64, verdict: Verdict) {
        let number = self.next();
        let seconds = u32::try_from(now_ms / 1000).unwrap_or(u32::MAX);
        let person = match verdict {
            Verdict::Accepted(person) => person,
            Verdict::NotAccepted => 0,
        };
        let place = self.place_of(number).unwrap_or(0);
        let Some(bytes) = self.0.as_chunks_mut::<ENTRY_BYTES>().0.get_mut(place as usize) else { return };
        let mut check = pattern::check(&[]);
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([number, starts, seconds, person]) {
            *place = word.to_le_bytes();
            check = pattern::continued(check, place);
        }
        if let Some(place) = bytes.last_chunk_mut() {
            *place = check.to_le_bytes();
        }
    }

    /// Entries from number `from` on, as many as fit into a message.
    pub fn from(&self, from: u32) -> Vec<LogEntry, MAX_ENTRIES> {
        let next = self.next();
        let mut entries = Vec::new();
        for number in from.max(next.saturating_sub(self.places()))..next {
            let entry = self.place_of(number).and_then(|place| self.entry(place));
            if let Some(entry) = entry.filter(|entry| entry.number == number) {
                // Those that do not fit are asked for next.
                let _ = entries.push(entry);
            }
        }
        entries
    }
}

fn words(bytes: &[u8; ENTRY_BYTES]) -> [u32; 5] {
    let mut words = [0; 5];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten places, and some bytes more.
    fn filled(entries: u64) -> [u8; 207] {
        let mut memory = [0xa5; 207];
        for number in 0..entries {
            Log(&mut memory).add(3, number * 1000, Verdict::Accepted(number as u32 + 1));
        }
        memory
    }

    #[test]
    fn oldest_entries_go_first_and_numbers_go_on() {
        let mut memory = filled(16);
        let log = Log(&mut memory);
        let entries = log.from(0);
        assert_eq!((entries[0].number, entries[0].seconds, entries.len()), (6, 6, MAX_ENTRIES));
        assert_eq!((entries[0].starts, entries[0].verdict), (3, Verdict::Accepted(7)));
        assert_eq!(log.from(14).iter().map(|entry| entry.number).collect::<std::vec::Vec<_>>(), [14, 15]);
        assert!(log.from(16).is_empty() && log.from(u32::MAX).is_empty());
    }

    #[test]
    fn entry_is_pinned_byte_for_byte() {
        let mut memory = [0xa5; 41];
        Log(&mut memory).add(2, 300_999, Verdict::Accepted(0x0102));
        Log(&mut memory).add(2, u64::MAX, Verdict::NotAccepted);
        let first = [0, 0, 0, 0, 2, 0, 0, 0, 0x2c, 1, 0, 0, 2, 1, 0, 0];
        let second = [1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        for (content, bytes) in [first, second].iter().zip(memory.chunks_exact(ENTRY_BYTES)) {
            assert_eq!(bytes, [&content[..], &pattern::check(content).to_le_bytes()].concat());
        }
        assert_eq!(memory[40], 0xa5);
    }

    #[test]
    fn memory_of_any_other_content_is_empty() {
        for byte in 0..=u8::MAX {
            assert!(Log(&mut [byte; 207]).from(0).is_empty(), "{byte}");
        }
        let mut moved = filled(3);
        moved.copy_within(0..20, 100);
        moved[..20].fill(0);
        assert_eq!(Log(&mut moved).from(0).len(), 2);
    }

    #[test]
    fn change_of_any_bit_costs_that_entry_alone() {
        let memory = filled(16);
        // Entry 12, in the third place.
        for bit in 8 * 40..8 * 60 {
            let mut torn = memory;
            torn[bit / 8] ^= 1 << (bit % 8);
            let log = Log(&mut torn);
            let left: std::vec::Vec<_> = log.from(8).iter().map(|entry| entry.number).collect();
            assert_eq!(left, [8, 9, 10, 11, 13, 14, 15], "bit {bit}");
        }
    }

    #[test]
    fn entry_that_is_torn_while_it_is_written_costs_the_oldest_at_most() {
        let before = filled(15);
        let after = filled(16);
        for written in 0..=ENTRY_BYTES {
            let mut torn = before;
            torn[100..100 + written].copy_from_slice(&after[100..100 + written]);
            let log = Log(&mut torn);
            let (first, last) = (log.from(0)[0].number, log.from(12).last().unwrap().number);
            assert!(matches!((first, last), (5, 14) | (6, 14) | (6, 15)), "{written}: {first} to {last}");
        }
    }

    #[test]
    fn device_without_such_memory_keeps_nothing() {
        for bytes in [0, 19] {
            let mut memory = [0; 19];
            let mut log = Log(&mut memory[..bytes]);
            log.add(1, 1, Verdict::NotAccepted);
            assert!(log.from(0).is_empty());
        }
    }
}
