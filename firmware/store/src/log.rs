//! The counter log: records appended to pages that are used in turn. The record with the highest sequence number is in
//! force, and its page is never erased before a later record has been read back.

use embedded_storage::nor_flash::NorFlash;

use crate::Error;
use crate::half::{Unsound, erase, is_blank};
use crate::layout::Layout;
use crate::record::{CounterRecord, Counters, RECORD_BYTES, TAGGED_BYTES};
use crate::seal::{Keys, Tag};
use crate::step::{Step, is_taken};

/// The log's state.
pub struct Log {
    /// The counters in force.
    pub counters: Counters,
    /// Whether the store is being formatted.
    pub is_formatting: bool,
    /// Highest sequence number that may be in flash.
    sequence: u32,
    /// The page of the record in force.
    page: u32,
    /// The first slot of this page that may be programmed; the number of slots if the page is full.
    next: u32,
}

fn tag_of(keys: &Keys, bytes: &[u8; RECORD_BYTES]) -> Tag {
    let mut tag = keys.counter_tag();
    tag.add(bytes.first_chunk::<TAGGED_BYTES>().map_or(&[], |bytes| bytes));
    tag
}

impl Log {
    /// An empty log, whose first record begins a page.
    pub fn new(layout: &Layout, counters: Counters) -> Self {
        // As if the last page were full.
        let (page, next) = (layout.log_pages() - 1, layout.slots());
        Log { counters, is_formatting: false, sequence: 0, page, next }
    }

    /// Finds the record in force.
    pub fn read<F: NorFlash>(flash: &mut F, layout: &Layout, keys: &Keys) -> Result<Self, Unsound<F::Error>> {
        let mut best: Option<(CounterRecord, u32)> = None;
        let mut unsound = None;
        for page in 0..layout.log_pages() {
            let start = layout.log_page(page).start;
            // From the back, where the latest records are: earlier ones need no tag.
            for slot in (0..layout.slots()).rev() {
                let mut bytes = [0; RECORD_BYTES];
                let read = flash.read(start + slot * RECORD_BYTES as u32, &mut bytes);
                let parsed = match read {
                    Ok(()) => CounterRecord::parse(&bytes).map_err(Unsound::from),
                    Err(error) => Err(Unsound::Flash(error)),
                };
                match parsed {
                    Ok(record) if record.key != keys.name => unsound = Some(Unsound::Key),
                    Ok(record) if best.is_none_or(|(best, _)| record.sequence > best.sequence) => {
                        if !is_taken(Step::Tag) || tag_of(keys, &bytes).is(&record.tag) {
                            best = Some((record, page));
                        }
                    }
                    Ok(_) | Err(Unsound::Damaged) => {}
                    // A later version's records are in force, whatever else there is.
                    Err(Unsound::Version(version)) => return Err(Unsound::Version(version)),
                    Err(other) => unsound = unsound.or(Some(other)),
                }
            }
        }
        let Some((record, page)) = best else { return Err(unsound.unwrap_or(Unsound::Damaged)) };
        let start = layout.log_page(page).start;
        let mut next = layout.slots();
        while let Some(slot) = next.checked_sub(1) {
            let at = start + slot * RECORD_BYTES as u32;
            match is_blank(flash, at..at + RECORD_BYTES as u32) {
                Ok(true) => next = slot,
                Ok(false) | Err(_) => break,
            }
        }
        let CounterRecord { counters, is_formatting, sequence, .. } = record;
        Ok(Log { counters, is_formatting, sequence, page, next })
    }

    /// Appends a record and reads it back; then it is in force. Slots that do not hold it are skipped.
    ///
    /// # Errors
    /// The counters stay as they are.
    pub fn append<F: NorFlash>(
        &mut self,
        flash: &mut F,
        layout: &Layout,
        keys: &Keys,
        counters: Counters,
        is_formatting: bool,
    ) -> Result<(), Error<F::Error>> {
        let mut failure = Error::Worn;
        // All pages but the one of the record in force may be erased for the new record.
        for step in 0..layout.log_pages() {
            let page = self.page + step;
            let page = page.checked_sub(layout.log_pages()).unwrap_or(page);
            let start = layout.log_page(page).start;
            if step > 0 {
                erase(flash, layout.log_page(page))?;
            }
            let first = if step == 0 { self.next } else { 0 };
            for slot in first..layout.slots() {
                // Each trial has a number of its own, so that a failed one cannot come before a later one.
                self.sequence = self.sequence.checked_add(1).ok_or(Error::Exhausted)?;
                if step == 0 {
                    self.next = slot + 1;
                }
                let sequence = self.sequence;
                let mut record =
                    CounterRecord { key: keys.name, sequence, is_formatting, counters, tag: [0; 16] };
                record.tag = tag_of(keys, &record.emit()).finish();
                let (bytes, at) = (record.emit(), start + slot * RECORD_BYTES as u32);
                if let Err(error) = flash.write(at, &bytes) {
                    failure = Error::Flash(error);
                    continue;
                }
                let mut back = [0; RECORD_BYTES];
                if !is_taken(Step::ReadBack) || flash.read(at, &mut back).is_ok() && back == bytes {
                    *self = Log { counters, is_formatting, sequence, page, next: slot + 1 };
                    return Ok(());
                }
            }
        }
        Err(failure)
    }
}
