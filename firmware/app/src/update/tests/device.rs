//! A device for the tests: a flash with a store and two slots, its start, and a host that updates it.

use core::cell::{Cell, RefCell};
use core::ops::Range;
use core::task::Poll;
use std::vec::Vec;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use link::message::{Begin, Progress, Target, UpdateRefusal, UpdateReply, UpdateStage};
use sha2::{Digest as _, Sha256};
use store::sim::{ERASED, Fault, Flash, Tear};
use store::{Draft, Layout, Slot, Store, SubCentre};

use super::pictures::{Aligned, DIMENSION, arena, maker, network_id};
use crate::update::boot::TRIALS;
use crate::update::start::people_of;
use crate::update::{Demands, Slots, Started, StoredPeople, Trouble, Updater, start, verify};

/// Bytes of a page.
pub const PAGE: usize = 128;
/// Bytes of a slot: the images here have 9 to 12 pages.
const SLOT: u32 = 18 * PAGE as u32;
/// Pages of the store: two of its log, and two halves of six.
const STORE: u32 = 14 * PAGE as u32;
/// The slots, one page apart from each other and from the store.
const BASES: [u32; 2] = [STORE + PAGE as u32, STORE + SLOT + 2 * PAGE as u32];
const BYTES: usize = (STORE + 2 * SLOT) as usize + 3 * PAGE;
const KEY: [u8; 32] = [5; 32];
/// People of the store.
pub const PEOPLE: u16 = 2;
/// Bytes of a chunk: no word divides it.
const CHUNK: usize = 77;

/// The supply has failed.
#[derive(Debug)]
pub struct Cut;

/// The flash's memory.
#[derive(Clone)]
pub struct Memory<const WORD: usize> {
    bytes: Vec<u8>,
    words: Vec<u8>,
}

impl<const WORD: usize> Memory<WORD> {
    /// A device whose first slot has this image, with a formatted store of [`PEOPLE`] people and a key's holder.
    pub fn new(image: &[u8]) -> Self {
        let mut memory = Memory { bytes: std::vec![0xff; BYTES], words: std::vec![ERASED; BYTES / WORD] };
        let start = BASES[0] as usize;
        memory.bytes[start..start + image.len()].copy_from_slice(image);
        memory.words[start / WORD..(start + image.len()).div_ceil(WORD)].fill(1);
        let supply = Supply::new(&mut memory, Tear::Whole, 0);
        let network = network_id(100);
        let mut store =
            Store::format(Handle(&supply), layout::<WORD>(), &KEY, network, DIMENSION as u16, 1).unwrap();
        for name in ["Ada", "Grace"] {
            let centres = [SubCentre { photos: 1, vector: &[1, 2, 3] }];
            store.add(&Draft { name, flags: 0, centres: &centres }).unwrap();
        }
        store.add(&Draft { name: "a key", flags: 0, centres: &[] }).unwrap();
        memory
    }

    /// What is in a slot.
    pub fn slot(&self, is_second: bool) -> &[u8] {
        let start = BASES[usize::from(is_second)] as usize;
        &self.bytes[start..start + SLOT as usize]
    }

    /// What is in a slot, to be damaged.
    pub fn slot_mut(&mut self, is_second: bool) -> &mut [u8] {
        let start = BASES[usize::from(is_second)] as usize;
        &mut self.bytes[start..start + SLOT as usize]
    }
}

fn layout<const WORD: usize>() -> Layout {
    Layout::new_checked(0, PAGE as u32, WORD as u32, 2, 6).unwrap()
}

/// A flash that several hold, and the addresses that nobody may change.
pub struct Supply<'a, const WORD: usize> {
    pub flash: RefCell<Flash<'a, WORD, PAGE>>,
    active: RefCell<Range<u32>>,
    /// Whether something was to be changed there, or a word programmed twice.
    pub is_violated: Cell<bool>,
}

impl<'a, const WORD: usize> Supply<'a, WORD> {
    /// Switches the memory on.
    pub fn new(memory: &'a mut Memory<WORD>, tear: Tear, seed: u64) -> Self {
        let flash = RefCell::new(Flash::new(&mut memory.bytes, &mut memory.words, &mut [], tear, seed));
        Supply { flash, active: RefCell::new(0..0), is_violated: Cell::new(false) }
    }

    fn change(&self, range: Range<u32>) {
        let active = self.active.borrow();
        let between = [STORE..BASES[0], BASES[0] + SLOT..BASES[1], BASES[1] + SLOT..BYTES as u32];
        let overlaps = |place: &Range<u32>| range.start < place.end && place.start < range.end;
        if overlaps(&active) || between.iter().any(overlaps) {
            self.is_violated.set(true);
        }
    }
}

/// One holder of the flash.
pub struct Handle<'s, 'a, const WORD: usize>(pub &'s Supply<'a, WORD>);

impl<const WORD: usize> ErrorType for Handle<'_, '_, WORD> {
    type Error = Fault;
}

impl<const WORD: usize> ReadNorFlash for Handle<'_, '_, WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.0.flash.borrow_mut().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl<const WORD: usize> NorFlash for Handle<'_, '_, WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        self.0.change(from..to);
        self.0.flash.borrow_mut().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.0.change(offset..offset + bytes.len() as u32);
        let written = self.0.flash.borrow_mut().write(offset, bytes);
        if written == Err(Fault::Twice) {
            self.0.is_violated.set(true);
        }
        written
    }
}

/// A device that runs.
pub struct Device<'s, 'a, const WORD: usize> {
    supply: &'s Supply<'a, WORD>,
    pub store: Store<Handle<'s, 'a, WORD>>,
    pub updater: Updater,
    pub slots: Slots,
    /// Whether the second slot's image runs.
    pub is_second: bool,
}

impl<'s, 'a, const WORD: usize> Device<'s, 'a, WORD> {
    /// Starts the device; `None` if it is in service. `hangs` tells whether an image on trial hangs in its test.
    pub fn start(supply: &'s Supply<'a, WORD>, hangs: bool) -> Result<Option<Self>, Cut> {
        *supply.active.borrow_mut() = 0..0;
        let mut store =
            Store::open_any(Handle(supply), layout::<WORD>(), &KEY).map_err(|error| supply.cut(error))?;
        let slots = Slots::in_flash(&Handle(supply), BASES, SLOT).unwrap();
        let images = [false, true].map(|is_second| supply.mapped(&slots, is_second));
        let steps = || supply.flash.borrow().traffic().steps();
        let opened = steps();
        let is_on_trial = (1..=TRIALS).contains(&store.counters().slot.trial);
        let key = maker().verifying_key().to_bytes();
        let Started { recogniser, is_second, past, trouble } = start(
            |is_second| images[usize::from(is_second)].bytes(),
            Some(&key),
            Some(&mut store),
            &mut arena().0,
            // Once the store has noted the trial. What hangs writes nothing any more.
            &mut || {
                if hangs && is_on_trial && steps() > opened {
                    supply.flash.borrow_mut().cut_after(0);
                }
            },
        );
        match trouble {
            Some(Trouble::Store(error)) => return Err(supply.cut(error)),
            Some(_) => return Ok(None),
            None => assert!(recogniser.is_some()),
        }
        let start = slots.image(is_second);
        *supply.active.borrow_mut() = start..start + SLOT;
        Ok(Some(Device { supply, store, updater: Updater::new(slots, is_second, past), slots, is_second }))
    }

    /// Begins an update with this image.
    pub fn begin(&mut self, image: &[u8], version: u32) -> UpdateReply {
        let digest = Sha256::digest(image).into();
        let begin = Begin { target: Target::Image, bytes: image.len() as u32, digest, version };
        self.begin_with(&begin)
    }

    /// Begins an update.
    pub fn begin_with(&mut self, begin: &Begin) -> UpdateReply {
        self.updater.begin(&mut Handle(self.supply), begin, self.store.counters().floor)
    }

    /// Sends a chunk.
    pub fn chunk(&mut self, offset: u32, bytes: &[u8]) -> UpdateReply {
        self.updater.chunk(&mut Handle(self.supply), offset, bytes)
    }

    /// Sends the rest of an image.
    pub fn send(&mut self, image: &[u8], mut offset: u32) -> UpdateReply {
        let mut reply = self.updater.status();
        while (offset as usize) < image.len() {
            let rest = &image[offset as usize..];
            reply = self.chunk(offset, &rest[..rest.len().min(CHUNK)]);
            match reply {
                UpdateReply::Progress(Progress { stage: UpdateStage::Receiving, offset: next }) => {
                    assert!(next > offset);
                    offset = next;
                }
                _ => return reply,
            }
        }
        reply
    }

    /// Finishes the transfer, and waits for the answer.
    pub fn finish(&mut self) -> UpdateReply {
        let key = maker().verifying_key().to_bytes();
        let enrolled = Some(StoredPeople { network: self.store.network(), people: people_of(&self.store) });
        let demands = Demands { key: Some(&key), floor: self.store.counters().floor, enrolled };
        let mut poll = self.updater.finish();
        loop {
            match poll {
                Poll::Ready(reply) => return reply,
                Poll::Pending => {
                    assert!(self.updater.is_working());
                    let before = self.supply.flash.borrow().traffic();
                    poll = self.updater.work(&mut Handle(self.supply));
                    if let Some(bytes) = self.updater.received() {
                        let memory = self.supply.mapped(&self.slots, !self.is_second);
                        let image = memory.bytes().get(..bytes as usize);
                        let verified =
                            image.map(|image| verify(image, &demands, &mut arena().0).map(|(it, _)| it));
                        poll = Poll::Ready(self.updater.judge(&mut Handle(self.supply), verified));
                    }
                    let after = self.supply.flash.borrow().traffic();
                    assert!(after.pages - before.pages <= 1 && after.words == before.words);
                }
            }
        }
    }

    /// Begins, sends and finishes.
    pub fn update(&mut self, image: &[u8], version: u32) -> UpdateReply {
        match self.begin(image, version) {
            UpdateReply::Progress(Progress { stage: UpdateStage::Receiving, offset }) => {
                match self.send(image, offset) {
                    UpdateReply::Progress(_) => self.finish(),
                    reply => reply,
                }
            }
            reply => reply,
        }
    }

    /// Confirms the update.
    pub fn confirm(&mut self) -> UpdateReply {
        self.updater.confirm(&mut self.store)
    }

    /// Cancels the update.
    pub fn cancel(&mut self) -> UpdateReply {
        self.updater.cancel(&mut Handle(self.supply), &mut self.store)
    }

    /// An answer, unless it is that of a flash without supply.
    pub fn alive(&self, reply: UpdateReply) -> Result<UpdateReply, Cut> {
        match reply {
            UpdateReply::Refused(UpdateRefusal::Flash) => Err(self.supply.cut(reply)),
            reply if self.supply.flash.borrow().is_off() => Err(self.supply.cut(reply)),
            reply => Ok(reply),
        }
    }

    /// The slot in the store.
    pub fn slot(&self) -> Slot {
        self.store.counters().slot
    }
}

impl<const WORD: usize> Supply<'_, WORD> {
    /// A cut, if that is the reason of an error.
    fn cut<E: core::fmt::Debug>(&self, error: E) -> Cut {
        assert!(self.flash.borrow().is_off(), "{error:?} without a cut");
        Cut
    }

    /// The image's part of a slot, as it is mapped.
    fn mapped(&self, slots: &Slots, is_second: bool) -> Aligned {
        let start = slots.image(is_second) as usize;
        Aligned::copy(&self.flash.borrow().bytes()[start..start + slots.room() as usize])
    }
}
