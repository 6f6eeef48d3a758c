//! The board's side of an update: answers the link's requests and writes the idle slot.

use core::task::Poll;

use embedded_storage::nor_flash::NorFlash;
use format::header;
use link::message::{Begin, MAX_CHUNK_BYTES, Progress, Target, UpdateRefusal, UpdateReply, UpdateStage};
use sha2::{Digest as _, Sha256};
use store::nor::{is_blank, scan};
use store::{Slot, Store};

use super::boot::NOT_STARTED;
use super::record::{Announced, Marks, RECORD_BYTES};
use super::slots::{MAX_WORD, Slots};
use super::verify::{Verified, VerifyError};

/// Most bytes that are read in one step.
const READ_BYTES: u32 = 4096;

/// An update and how much of it is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transfer {
    announced: Announced,
    /// Bytes received: those before the last whole word are programmed, the others are in [`Updater::word`].
    offset: u32,
    /// The number of a mark that a cut may have torn.
    torn_mark: Option<u32>,
}

/// Where an update stands.
// The state of the digest is the largest, and a board has one updater.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
enum Stage {
    /// None is going on.
    Idle,
    Receiving(Transfer),
    /// The pages behind it are being erased, from this address.
    Clearing(Transfer, u32),
    /// Its digest is being computed, up to this offset.
    Hashing(Transfer, u32, Sha256),
    /// Its bytes are those that were announced; the image is to be verified.
    Received(Transfer),
    /// This many people would have to be enrolled again.
    Verified(Transfer, u16),
    /// It starts at the next restart.
    Confirmed(Transfer),
}

/// Receives updates into the slot that is not running. It holds no flash: every call that needs it is given it.
///
/// The board keeps one for as long as it runs. After a restart [`Self::begin`] goes on where the last transfer of the same
/// update stopped.
#[derive(Clone, Debug)]
pub struct Updater {
    slots: Slots,
    /// Whether the second slot is running.
    is_second: bool,
    /// The outcome of the update before.
    past: UpdateStage,
    stage: Stage,
    /// Whether the record in the idle slot is of an update that was refused, and could not be erased.
    is_stale: bool,
    /// Bytes that do not fill a word yet.
    word: [u8; MAX_WORD],
}

const fn progress(stage: UpdateStage, offset: u32) -> UpdateReply {
    UpdateReply::Progress(Progress { stage, offset })
}

const fn refused(why: UpdateRefusal) -> UpdateReply {
    UpdateReply::Refused(why)
}

impl Updater {
    /// An updater beside the image that runs in this slot. `past` is the outcome of the update before; see
    /// [`super::boot::Passed::stage`]. While it is [`UpdateStage::Trial`] no update can begin, because the idle slot holds
    /// the image to go back to.
    pub const fn new(slots: Slots, is_second: bool, past: UpdateStage) -> Self {
        Updater { slots, is_second, past, stage: Stage::Idle, is_stale: false, word: [0xff; MAX_WORD] }
    }

    /// Whether the second slot is the idle one, which is written.
    pub const fn idle(&self) -> bool {
        !self.is_second
    }

    /// The answer to a question about the state.
    pub const fn status(&self) -> UpdateReply {
        let Progress { stage, offset } = self.progress();
        progress(stage, offset)
    }

    const fn progress(&self) -> Progress {
        let (stage, transfer) = match &self.stage {
            Stage::Idle => return Progress { stage: self.past, offset: 0 },
            Stage::Receiving(transfer)
            | Stage::Clearing(transfer, _)
            | Stage::Hashing(transfer, ..)
            | Stage::Received(transfer) => (UpdateStage::Receiving, transfer),
            Stage::Verified(transfer, _) => (UpdateStage::Verified, transfer),
            Stage::Confirmed(transfer) => (UpdateStage::Trial, transfer),
        };
        Progress { stage, offset: transfer.offset }
    }

    /// Whether the update starts at the next restart.
    pub const fn is_confirmed(&self) -> bool {
        matches!(self.stage, Stage::Confirmed(_))
    }

    /// Whether [`Self::work`] has something to do.
    pub const fn is_working(&self) -> bool {
        matches!(self.stage, Stage::Clearing(..) | Stage::Hashing(..) | Stage::Received(_))
    }

    /// Erases the page behind the idle slot, writes it, reads it back and erases it again: the page of an update's record, so that
    /// a transfer that a restart interrupted begins anew. `None` while there is an update. Otherwise what failed: the step
    /// (0 erase, 1 write, 2 read), and the offset in the flash.
    pub fn test_flash<F: NorFlash>(&self, flash: &mut F) -> Option<Result<(), (u32, u32)>> {
        if !matches!(self.stage, Stage::Idle) || self.past == UpdateStage::Trial {
            return None;
        }
        let start = self.slots.record(self.idle());
        let end = start + self.slots.page_bytes();
        Some(test_page(flash, start, end))
    }

    /// Begins an update, or goes on with one of the same length and digest. Erases at most the record's page. `floor` is the
    /// lowest version that the board starts.
    pub fn begin<F: NorFlash>(&mut self, flash: &mut F, begin: &Begin, floor: u32) -> UpdateReply {
        let Begin { target, bytes, digest, version } = *begin;
        let announced = Announced { bytes, digest };
        match &self.stage {
            _ if target != Target::Image => return refused(UpdateRefusal::Unusable),
            _ if self.past == UpdateStage::Trial => {
                return refused(UpdateRefusal::Stage(UpdateStage::Trial));
            }
            _ if self.is_working() => return refused(UpdateRefusal::Busy),
            Stage::Confirmed(_) => return refused(UpdateRefusal::Stage(UpdateStage::Trial)),
            Stage::Receiving(transfer) | Stage::Verified(transfer, _) if transfer.announced == announced => {
                return self.status();
            }
            _ => {}
        }
        if bytes > self.slots.room() {
            return refused(UpdateRefusal::TooLong(self.slots.room()));
        }
        if (bytes as usize) < header::FIXED_BYTES {
            return refused(UpdateRefusal::Unusable);
        }
        if version < floor {
            return refused(UpdateRefusal::Version(floor));
        }
        self.word = [0xff; MAX_WORD];
        let (offset, torn_mark) = if !self.is_stale && self.found(flash) == Some(announced) {
            let (offset, torn) = Marks::new(&self.slots, self.idle(), bytes).find(flash);
            (offset, Some(torn))
        } else {
            self.stage = Stage::Idle;
            let written = self.forget(flash).and_then(|()| {
                flash
                    .write(self.slots.record(self.idle()), &announced.emit())
                    .map_err(|_| UpdateRefusal::Flash)
            });
            if let Err(why) = written {
                return refused(why);
            }
            (0, None)
        };
        self.past = UpdateStage::None;
        self.stage = Stage::Receiving(Transfer { announced, offset, torn_mark });
        self.status()
    }

    /// The record in the idle slot.
    fn found<F: NorFlash>(&self, flash: &mut F) -> Option<Announced> {
        let mut bytes = [0; RECORD_BYTES];
        flash.read(self.slots.record(self.idle()), &mut bytes).ok()?;
        Announced::parse(&bytes)
    }

    /// Erases the page of the record.
    fn forget<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), UpdateRefusal> {
        let record = self.slots.record(self.idle());
        let erased = flash.erase(record, record + self.slots.page_bytes());
        self.is_stale = erased.is_err();
        erased.map_err(|_| UpdateRefusal::Flash)
    }

    /// Takes the next bytes of the update, at most [`MAX_CHUNK_BYTES`]. Erases the pages that they reach, and programs
    /// them.
    pub fn chunk<F: NorFlash>(&mut self, flash: &mut F, offset: u32, bytes: &[u8]) -> UpdateReply {
        let Stage::Receiving(mut transfer) = self.stage else {
            let why = if self.is_working() {
                UpdateRefusal::Busy
            } else {
                UpdateRefusal::Stage(self.progress().stage)
            };
            return refused(why);
        };
        if offset != transfer.offset {
            return refused(UpdateRefusal::Offset(transfer.offset));
        }
        let left = transfer.announced.bytes - transfer.offset;
        if bytes.len() > left as usize {
            return refused(UpdateRefusal::TooLong(transfer.announced.bytes));
        }
        if bytes.len() > MAX_CHUNK_BYTES {
            return refused(UpdateRefusal::TooLong(MAX_CHUNK_BYTES as u32));
        }
        if self.write(flash, &mut transfer, bytes).is_err() {
            // How much is programmed is not known. The next beginning finds it out.
            self.stage = Stage::Idle;
            return refused(UpdateRefusal::Flash);
        }
        self.stage = Stage::Receiving(transfer);
        self.status()
    }

    /// Programs bytes behind those that are there, and keeps those that do not fill a word.
    fn write<F: NorFlash>(
        &mut self,
        flash: &mut F,
        transfer: &mut Transfer,
        mut bytes: &[u8],
    ) -> Result<(), F::Error> {
        let word_bytes = self.slots.word_bytes() as usize;
        while !bytes.is_empty() {
            let used = self.slots.in_word(transfer.offset) as usize;
            // Up to the end of the page at most, so that no write crosses into one that is not erased.
            let to_page_end = self.slots.page_bytes() - self.slots.in_page(transfer.offset);
            let whole = self.slots.words((bytes.len() as u32).min(to_page_end)) as usize * word_bytes;
            let taken = if used == 0 && whole > 0 {
                self.program(flash, transfer.offset, bytes.get(..whole).unwrap_or_default())?;
                whole
            } else {
                let room = self.word.get_mut(used..word_bytes).unwrap_or_default();
                let taken = room.len().min(bytes.len());
                room.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
                let is_end = transfer.offset + taken as u32 == transfer.announced.bytes;
                if used + taken == word_bytes || is_end {
                    let word = self.word;
                    let at = transfer.offset - used as u32;
                    self.program(flash, at, word.get(..word_bytes).unwrap_or_default())?;
                    self.word = [0xff; MAX_WORD];
                }
                taken
            };
            transfer.offset += taken as u32;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.mark(flash, transfer);
        }
        Ok(())
    }

    /// Programs whole words of one page; erases the page first if they are its first.
    fn program<F: NorFlash>(&self, flash: &mut F, at: u32, words: &[u8]) -> Result<(), F::Error> {
        let address = self.slots.image(self.idle()) + at;
        if self.slots.in_page(at) == 0 {
            flash.erase(address, address + self.slots.page_bytes())?;
        }
        flash.write(address, words)
    }

    /// Programs the mark that is due, if one is.
    fn mark<F: NorFlash>(&self, flash: &mut F, transfer: &Transfer) {
        let marks = Marks::new(&self.slots, self.idle(), transfer.announced.bytes);
        if let Some(number) = marks.due(transfer.offset)
            && transfer.torn_mark != Some(number)
        {
            marks.set(flash, number);
        }
    }

    /// Checks the update, of which every byte is there: [`Self::work`] and [`Self::judge`] do it, and give the answer.
    pub fn finish(&mut self) -> Poll<UpdateReply> {
        match &self.stage {
            Stage::Receiving(transfer) if transfer.offset == transfer.announced.bytes => {
                let pages = self.slots.pages(transfer.announced.bytes) * self.slots.page_bytes();
                self.stage = Stage::Clearing(*transfer, pages);
                Poll::Pending
            }
            Stage::Receiving(transfer) => Poll::Ready(refused(UpdateRefusal::Offset(transfer.offset))),
            // Asked again.
            Stage::Verified(_, enrol_again) => {
                Poll::Ready(UpdateReply::Verified { enrol_again: *enrol_again })
            }
            _ if self.is_working() => Poll::Ready(refused(UpdateRefusal::Busy)),
            _ => Poll::Ready(refused(UpdateRefusal::Stage(self.progress().stage))),
        }
    }

    /// Bytes of the update, when they are those that were announced: the image in the idle slot is to be verified, and
    /// [`Self::judge`] told.
    pub const fn received(&self) -> Option<u32> {
        match &self.stage {
            Stage::Received(transfer) => Some(transfer.announced.bytes),
            _ => None,
        }
    }

    /// The answer when the received image is verified. `None` is an image that cannot be read.
    ///
    /// An update that is refused is forgotten.
    pub fn judge<F: NorFlash>(
        &mut self,
        flash: &mut F,
        verified: Option<Result<Verified, VerifyError>>,
    ) -> UpdateReply {
        let Stage::Received(transfer) = self.stage else { return self.status() };
        match verified {
            Some(Ok(verified)) => {
                let enrol_again = verified.enrol_again;
                self.stage = Stage::Verified(transfer, enrol_again);
                UpdateReply::Verified { enrol_again }
            }
            Some(Err(error)) => self.refuse(flash, error.refusal()),
            None => self.refuse(flash, UpdateRefusal::Unusable),
        }
    }

    fn refuse<F: NorFlash>(&mut self, flash: &mut F, why: UpdateRefusal) -> UpdateReply {
        self.stage = Stage::Idle;
        // If this fails, too, the next beginning tries again.
        let _ = self.forget(flash);
        refused(why)
    }

    /// One step of the check: erases a page behind the update, so that nothing of an older image and its people stays there,
    /// or reads a page. Ends with [`Self::received`], without an answer.
    ///
    /// An update that is refused is forgotten.
    pub fn work<F: NorFlash>(&mut self, flash: &mut F) -> Poll<UpdateReply> {
        let step = match &mut self.stage {
            Stage::Clearing(transfer, at) => {
                let (transfer, at) = (*transfer, *at);
                if at >= self.slots.room() {
                    self.stage = Stage::Hashing(transfer, 0, Sha256::new());
                    return Poll::Pending;
                }
                let start = self.slots.image(self.idle()) + at;
                let end = start + self.slots.page_bytes();
                self.stage = Stage::Clearing(transfer, at + self.slots.page_bytes());
                match is_blank(flash, start..end) {
                    Ok(true) => Ok(()),
                    // What cannot be read is not blank.
                    Ok(false) | Err(_) => flash.erase(start, end).map_err(|_| UpdateRefusal::Flash),
                }
            }
            Stage::Hashing(transfer, at, sha) => {
                let transfer = *transfer;
                let start = self.slots.image(!self.is_second);
                let end = at.saturating_add(READ_BYTES).min(transfer.announced.bytes);
                let read = scan(flash, start + *at..start + end, |part| {
                    sha.update(part);
                    true
                });
                *at = end;
                let is_end = end == transfer.announced.bytes;
                let digest = is_end.then(|| sha.finalize_reset());
                match (read, digest) {
                    (Err(_), _) => Err(UpdateRefusal::Flash),
                    (Ok(_), None) => Ok(()),
                    (Ok(_), Some(digest)) if digest == transfer.announced.digest => {
                        self.stage = Stage::Received(transfer);
                        Ok(())
                    }
                    (Ok(_), Some(_)) => Err(UpdateRefusal::Digest),
                }
            }
            _ => Ok(()),
        };
        match step {
            Ok(()) => Poll::Pending,
            Err(why) => Poll::Ready(self.refuse(flash, why)),
        }
    }

    /// Has the store start the verified update on trial. The board restarts when it has sent the answer.
    pub fn confirm<S: NorFlash>(&mut self, store: &mut Store<S>) -> UpdateReply {
        match &self.stage {
            Stage::Verified(transfer, _) => {
                let transfer = *transfer;
                if store.set_slot(Slot { is_second: self.idle(), trial: NOT_STARTED }).is_err() {
                    return refused(UpdateRefusal::Flash);
                }
                self.stage = Stage::Confirmed(transfer);
                self.status()
            }
            // The answer was lost, and is asked for again.
            Stage::Confirmed(_) => self.status(),
            _ => refused(UpdateRefusal::Stage(self.progress().stage)),
        }
    }

    /// Forgets the update, also one that is confirmed and was not started yet.
    pub fn cancel<F: NorFlash, S: NorFlash>(&mut self, flash: &mut F, store: &mut Store<S>) -> UpdateReply {
        match &self.stage {
            Stage::Idle => return self.status(),
            Stage::Confirmed(_) => {
                let kept = Slot { is_second: self.is_second, trial: 0 };
                if store.set_slot(kept).is_err() {
                    return refused(UpdateRefusal::Flash);
                }
            }
            _ => {}
        }
        self.stage = Stage::Idle;
        match self.forget(flash) {
            Ok(()) => self.status(),
            Err(why) => refused(why),
        }
    }
}

/// Tests a page of whole parts of [`RECORD_BYTES`].
fn test_page<F: NorFlash>(flash: &mut F, start: u32, end: u32) -> Result<(), (u32, u32)> {
    // No byte, and no two neighbours, are the same in a part, so that lines and addresses that are exchanged show.
    let pattern = |at: u32| {
        let mut part = [0u8; RECORD_BYTES];
        for (byte, place) in part.iter_mut().zip(at..) {
            *byte = (place ^ place >> 8).wrapping_mul(5) as u8;
        }
        part
    };
    let steps = || (start..end).step_by(RECORD_BYTES);
    for is_written in [false, true] {
        flash.erase(start, end).map_err(|_| (0, start))?;
        for at in steps().filter(|_| is_written) {
            flash.write(at, &pattern(at)).map_err(|_| (1, at))?;
        }
        for at in steps() {
            let mut found = [0; RECORD_BYTES];
            let is_read = flash.read(at, &mut found).is_ok();
            let expected = if is_written { pattern(at) } else { [0xff; RECORD_BYTES] };
            if !is_read || found != expected {
                return Err((if is_written { 2 } else { 0 }, at));
            }
        }
    }
    flash.erase(start, end).map_err(|_| (0, start))
}
