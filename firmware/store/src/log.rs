//! The counter log: records appended to pages that are used in turn. The record with the highest sequence number is in
//! force, and its page is never erased before a later record has been read back.

use embedded_storage::nor_flash::NorFlash;

use crate::Error;
use crate::half::{Unsound, erase};
use crate::layout::Layout;
use crate::nor::is_blank;
use crate::record::{CounterRecord, Counters, RECORD_BYTES, TAGGED_BYTES};
use crate::seal::{Keys, Tag};
use crate::step::{Step, is_taken};

/// The log's state.
pub struct Log {
    /// The counters in force.
    pub counters: Counters,
    /// Whether the store is being formatted.
    pub is_formatting: bool,
    /// Whether the counters are higher than the record in force, because later records may have been lost.
    pub is_raised: bool,
    /// Highest sequence number that may be in flash.
    pub sequence: u32,
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

/// Whether the record has the tag of its bytes.
fn is_tagged(keys: &Keys, record: &CounterRecord, bytes: &[u8; RECORD_BYTES]) -> bool {
    !is_taken(Step::Tag) || tag_of(keys, bytes).is(&record.tag)
}

/// Reads a slot. The tag is not checked.
fn read_record<F: NorFlash>(
    flash: &mut F,
    layout: &Layout,
    page: u32,
    slot: u32,
) -> Result<(CounterRecord, [u8; RECORD_BYTES]), Unsound<F::Error>> {
    let mut bytes = [0; RECORD_BYTES];
    flash.read(layout.slot(page, slot).start, &mut bytes).map_err(Unsound::Flash)?;
    Ok((CounterRecord::parse(&bytes)?, bytes))
}

/// The first slot of a page from which on all slots are blank.
fn blank_from<F: NorFlash>(flash: &mut F, layout: &Layout, page: u32) -> u32 {
    // A slot that cannot be read is not blank.
    let mut is_used = |slot: &u32| !is_blank(flash, layout.slot(page, *slot)).unwrap_or(false);
    (0..layout.slots()).rev().find(&mut is_used).map_or(0, |slot| slot + 1)
}

/// The number of slots in the page after this one that may have held later records.
fn doubtful_after<F: NorFlash>(flash: &mut F, layout: &Layout, keys: &Keys, page: u32) -> u32 {
    let after = layout.page_after(page);
    let mut is_sound = |slot| {
        let record = read_record(flash, layout, after, slot);
        record.is_ok_and(|(record, bytes)| record.key == keys.name && is_tagged(keys, &record, &bytes))
    };
    // A sound record is an earlier one. Then the page has not been erased for later ones.
    if (0..layout.slots()).rev().any(&mut is_sound) { 0 } else { blank_from(flash, layout, after) }
}

impl Log {
    /// An empty log, whose first record begins a page.
    pub fn new(layout: &Layout, counters: Counters) -> Self {
        // As if the last page were full.
        let (page, next) = (layout.log_pages() - 1, layout.slots());
        Log { counters, is_formatting: false, is_raised: false, sequence: 0, page, next }
    }

    /// Finds the record in force.
    ///
    /// Records after it may be torn, or damaged later. Each may have reserved an epoch and an id, and has used a
    /// sequence number, so all three go on by as many: a nonce or an id is never used again even if the latest records
    /// are lost, and none of them comes back in force if it can be read after all.
    pub fn read<F: NorFlash>(flash: &mut F, layout: &Layout, keys: &Keys) -> Result<Self, Unsound<F::Error>> {
        let mut best: Option<(CounterRecord, u32, u32)> = None;
        let mut unsound = None;
        for page in 0..layout.log_pages() {
            // From the back, where the latest records are: earlier ones need no tag.
            for slot in (0..layout.slots()).rev() {
                match read_record(flash, layout, page, slot) {
                    Ok((record, _)) if record.key != keys.name => unsound = Some(Unsound::Key),
                    Ok((record, bytes))
                        if best.is_none_or(|(best, ..)| record.sequence > best.sequence)
                            && is_tagged(keys, &record, &bytes) =>
                    {
                        best = Some((record, page, slot));
                    }
                    Ok(_) | Err(Unsound::Damaged) => {}
                    // Another version's records are in force, whatever else there is.
                    Err(Unsound::Version(version)) => return Err(Unsound::Version(version)),
                    Err(other) => unsound = unsound.or(Some(other)),
                }
            }
        }
        let Some((record, page, slot)) = best else { return Err(unsound.unwrap_or(Unsound::Damaged)) };
        let after = doubtful_after(flash, layout, keys, page);
        // Slots that did not take a record are skipped, and may be blank: then later records are in the next page all the same.
        let next = if after > 0 { layout.slots() } else { blank_from(flash, layout, page) };
        let doubtful = next.saturating_sub(slot + 1).saturating_add(after);
        let CounterRecord { counters, is_formatting, sequence, .. } = record;
        let mut counters = counters.committed(doubtful);
        counters.epoch = counters.epoch.saturating_add(doubtful.into());
        counters.next_id = counters.next_id.saturating_add(doubtful);
        let sequence = sequence.saturating_add(doubtful);
        Ok(Log { counters, is_formatting, is_raised: doubtful > 0, sequence, page, next })
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
        let mut page = self.page;
        for step in 0..layout.log_pages() {
            if step > 0 {
                page = layout.page_after(page);
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
                let (bytes, at) = (record.emit(), layout.slot(page, slot).start);
                if let Err(error) = flash.write(at, &bytes) {
                    failure = Error::Flash(error);
                    continue;
                }
                let mut back = [0; RECORD_BYTES];
                if !is_taken(Step::ReadBack) || flash.read(at, &mut back).is_ok() && back == bytes {
                    *self = Log { counters, is_formatting, is_raised: false, sequence, page, next: slot + 1 };
                    return Ok(());
                }
            }
        }
        Err(failure)
    }
}
