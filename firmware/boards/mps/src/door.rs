//! What a device needs of an emulated board: a camera, a button and an output in memory that the computer shares, flash
//! whose content stays in that memory when the machine stops, a watchdog, and a clock that does not wrap.
#![allow(unsafe_code)]

use core::convert::Infallible;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use embedded_io::{Read, ReadReady, Write};
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use programs::app::device::Platform;
use programs::app::device::camera::{Camera, Taken};
use programs::app::device::mailbox;
use programs::app::output::Output;
use programs::app::sight::Observer;
use programs::app::update::ImageFlash;
use programs::format::PixelFormat;
use programs::store::keys;
use programs::store::sim::{Fault, Flash, Tear};
use programs::{FrameSource, cortex};
use sha2::{Digest, Sha256};

use crate::uart::{Uart, rest};

/// Bytes of a word of the simulated flash.
pub const WORD: usize = 4;
/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Bytes of the flash for people and counters.
pub const FLASH_BYTES: usize = 64 * PAGE;
/// Offset of what the simulation remembers of each word.
const WORDS_AT: usize = FLASH_BYTES;
/// Offset of what it remembers of each page.
const WEAR_AT: usize = WORDS_AT + FLASH_BYTES / WORD;
/// Offset of the flash for the board's keys: four pairs of places.
const KEYS_AT: usize = WEAR_AT + 4 * (FLASH_BYTES / PAGE);
/// Its bytes, all of them one page.
const KEYS_BYTES: usize = 768;
/// Offset of what is remembered of its words.
const KEY_WORDS_AT: usize = KEYS_AT + KEYS_BYTES;
/// Offset of the mark of a board that has left the factory.
const FACTORY_AT: usize = KEY_WORDS_AT + KEYS_BYTES / WORD;
/// Offset of the memory for the last decisions.
const LOG_AT: usize = FACTORY_AT + 4;
/// Its bytes, as many as the backup memory of an STM32H7 has.
const LOG_BYTES: usize = 4096;
/// Bytes that all of it takes.
pub const STORE_BYTES: usize = LOG_AT + LOG_BYTES;
/// The flashes are blank, or were used since.
const FACTORY: [u8; 4] = *b"GFAB";

/// The words that the computer shares.
#[derive(Clone, Copy)]
struct Mailbox {
    address: usize,
}

impl Mailbox {
    fn read(self, offset: usize) -> u32 {
        // SAFETY: a word of the mailbox, whose address `Memories::new` was promised.
        unsafe { ptr::read_volatile(ptr::with_exposed_provenance((self.address) + offset)) }
    }

    fn write(self, offset: usize, value: u32) {
        // SAFETY: as above.
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(self.address + offset), value) }
    }

    fn bytes(self, offset: usize) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, bytes) in bytes.chunks_exact_mut(4).enumerate() {
            bytes.copy_from_slice(&self.read(offset + 4 * place).to_le_bytes());
        }
        bytes
    }
}

/// The shared memories of a board: address and bytes of each.
#[derive(Clone, Copy)]
pub struct Memories {
    frame: (usize, usize),
    store: (usize, usize),
    slots: [(usize, usize); 2],
}

impl Memories {
    /// The memories at these addresses.
    ///
    /// # Safety
    /// Nothing else in this program uses them, or only reads `slots` before [`Self::slot`] is called. The computer writes to
    /// `frame` only as [`mailbox`] allows, and not to the others. `store` is aligned to 4 bytes and has at least
    /// [`STORE_BYTES`].
    pub const unsafe fn new(
        frame: (usize, usize),
        store: (usize, usize),
        slots: [(usize, usize); 2],
    ) -> Self {
        Memories { frame, store, slots }
    }

    /// A slot of an image. What it holds does not change while the image runs: only the other one is written.
    pub fn slot(self, is_second: bool) -> &'static [u8] {
        let (address, bytes) = self.slots[usize::from(is_second)];
        // SAFETY: RAM of the machine, as `new` was promised. `SharedImages` writes to the slot that does not run, and
        // whoever verifies that one does not keep it.
        unsafe { core::slice::from_raw_parts(ptr::with_exposed_provenance(address), bytes) }
    }

    /// The maker's public key, which the computer burns into the board before its first start.
    pub fn maker_key(self) -> Option<[u8; 32]> {
        let mailbox = self.mailbox();
        (mailbox.read(mailbox::MAKER) == mailbox::BURNT).then(|| mailbox.bytes(mailbox::MAKER_KEY))
    }

    fn mailbox(self) -> Mailbox {
        Mailbox { address: self.frame.0 + self.frame.1 - mailbox::BYTES }
    }

    fn part(self, at: usize, bytes: usize) -> &'static mut [u8] {
        let start = ptr::with_exposed_provenance_mut(self.store.0 + at);
        // SAFETY: a part of `store`, each of which is in use once at a time; `new` was promised the memory.
        unsafe { core::slice::from_raw_parts_mut(start, bytes) }
    }

    /// The flash. Only one is used at a time.
    pub fn flash(self) -> Flash<'static, WORD, PAGE> {
        let start = ptr::with_exposed_provenance_mut(self.store.0 + WEAR_AT);
        // SAFETY: as in `part`; the offset is a multiple of 4.
        let wear = unsafe { core::slice::from_raw_parts_mut(start, FLASH_BYTES / PAGE) };
        let (bytes, words) = (self.part(0, FLASH_BYTES), self.part(WORDS_AT, FLASH_BYTES / WORD));
        Flash::new(bytes, words, wear, Tear::Unreadable, 1)
    }

    /// Makes the flash blank and forgets its wear. No flash is in use.
    pub fn erase(self) {
        self.part(0, FLASH_BYTES).fill(0xff);
        self.part(WORDS_AT, FLASH_BYTES / WORD).fill(0);
        self.part(WEAR_AT, 4 * (FLASH_BYTES / PAGE)).fill(0);
    }

    /// The board's two secrets, for the store and for sessions, which the first start chooses at random. A real board keeps
    /// them where nobody reads them.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn keys(self, random: &mut Random) -> Result<keys::Secrets, keys::KeysError> {
        let (bytes, words) = (self.part(KEYS_AT, KEYS_BYTES), self.part(KEY_WORDS_AT, KEYS_BYTES / WORD));
        let factory = self.part(FACTORY_AT, 4);
        if factory != FACTORY {
            // RAM that the computer has made holds zeros.
            self.erase();
            bytes.fill(0xff);
            words.fill(0);
            factory.copy_from_slice(&FACTORY);
        }
        let mut flash: Flash<'_, WORD, KEYS_BYTES> = Flash::new(bytes, words, &mut [], Tear::Unreadable, 1);
        keys::open(&mut flash, || Some([random.draw(), random.draw()]))
    }
}

/// Random bytes: digests of the computer's random bytes and a count.
pub struct Random {
    seed: [u8; 32],
    count: u64,
}

impl Random {
    /// Seeded by the computer.
    pub fn new(memories: Memories) -> Self {
        Random { seed: memories.mailbox().bytes(mailbox::RANDOM), count: 0 }
    }

    /// The next 32.
    pub fn draw(&mut self) -> [u8; 32] {
        self.count += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.count.to_le_bytes()).finalize().into()
    }
}

/// The camera that the computer plays.
pub struct SharedCamera(Memories);

impl FrameSource for SharedCamera {
    fn memory(&mut self) -> &mut [u8] {
        let (address, bytes) = self.0.frame;
        let start = ptr::with_exposed_provenance_mut(address);
        // SAFETY: `Memories::new` was promised the memory, and that the computer writes to it only while the state allows it.
        unsafe { core::slice::from_raw_parts_mut(start, bytes - mailbox::BYTES) }
    }
}

impl Camera for SharedCamera {
    fn taken(&mut self) -> Option<Taken> {
        let mailbox = self.0.mailbox();
        if mailbox.read(mailbox::STATE) != mailbox::COMPLETE {
            return None;
        }
        let size = mailbox.read(mailbox::SIZE);
        let format = *PixelFormat::ALL.get(mailbox.read(mailbox::FORMAT) as usize)?;
        Some(Taken { width: size as u16, height: (size >> 16) as u16, format })
    }

    fn hold(&mut self) -> bool {
        let mailbox = self.0.mailbox();
        match mailbox.read(mailbox::STATE) {
            mailbox::WRITING => false,
            _ => {
                mailbox.write(mailbox::STATE, mailbox::HELD);
                true
            }
        }
    }

    fn release(&mut self) {
        self.0.mailbox().write(mailbox::STATE, mailbox::FREE);
    }
}

/// The flash of images. Its offsets begin at the first slot.
pub struct SharedImages(Memories);

impl SharedImages {
    /// The slot that has these bytes, and where it begins.
    fn slot_of(&self, offset: u32) -> (usize, u32) {
        let [(first, _), (second, _)] = self.0.slots;
        let start = (second - first) as u32;
        if offset < start { (first, 0) } else { (second, start) }
    }

    /// Does something with the flash of one slot.
    fn with<T>(&mut self, offset: u32, act: impl FnOnce(&mut Flash<'_, WORD, PAGE>, u32) -> T) -> T {
        let (address, start) = self.slot_of(offset);
        let [(_, bytes), _] = self.0.slots;
        // SAFETY: `Memories::new` was promised the memory, nobody reads it meanwhile, and it is not that of the image that
        // runs: `Updater` uses the other slot alone.
        let bytes =
            unsafe { core::slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), bytes) };
        act(&mut Flash::new(bytes, &mut [], &mut [], Tear::Both, 1), start)
    }
}

impl ErrorType for SharedImages {
    type Error = Fault;
}

impl ReadNorFlash for SharedImages {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.with(offset, |flash, start| flash.read(offset - start, bytes))
    }

    fn capacity(&self) -> usize {
        let [(first, _), (second, bytes)] = self.0.slots;
        second - first + bytes
    }
}

impl NorFlash for SharedImages {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        self.with(from, |flash, start| flash.erase(from - start, to - start))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.with(offset, |flash, start| flash.write(offset - start, bytes))
    }
}

impl ImageFlash for SharedImages {
    fn places(&self) -> ([u32; 2], u32) {
        let [(first, bytes), (second, _)] = self.0.slots;
        ([0, (second - first) as u32], bytes as u32)
    }

    fn mapped(&self, is_second: bool) -> &[u8] {
        self.0.slot(is_second)
    }
}

/// The output that the computer watches.
pub struct SharedOutput(Memories);

impl Output for SharedOutput {
    type Error = Infallible;

    fn open(&mut self, _person: u32) -> Result<(), Infallible> {
        self.0.mailbox().write(mailbox::OUTPUT, 1);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Infallible> {
        self.0.mailbox().write(mailbox::OUTPUT, 0);
        Ok(())
    }

    fn reject(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The CMSDK watchdog: it interrupts, and resets the machine when it runs out once more. (DDI 0479, section 4.7.)
pub struct Watchdog {
    base: usize,
}

impl Watchdog {
    const LOAD: usize = 0x000;
    const CTRL: usize = 0x008;
    const LOCK: usize = 0xc00;
    const KEY: u32 = 0x1acc_e551;
    /// It counts down at 25 MHz: one second, and one more after the interrupt.
    const TICKS: u32 = 25_000_000;

    /// Starts it.
    ///
    /// # Safety
    /// `base` is the address of a CMSDK watchdog that nothing else uses.
    pub unsafe fn start(base: usize) -> Self {
        let watchdog = Watchdog { base };
        watchdog.write(Self::LOCK, Self::KEY);
        watchdog.write(Self::LOAD, Self::TICKS);
        watchdog.write(Self::CTRL, 0b11);
        watchdog
    }

    fn write(&self, offset: usize, value: u32) {
        // SAFETY: a register of the watchdog that `start` was promised.
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(self.base + offset), value) }
    }

    fn feed(&self) {
        self.write(Self::LOAD, Self::TICKS);
    }
}

/// A counter of instructions that can be copied.
#[derive(Clone, Copy)]
pub struct Meter(fn() -> u64);

impl Observer for Meter {
    fn instructions(&mut self) -> u64 {
        (self.0)()
    }

    fn breathe(&mut self) {}
}

/// An emulated board as a device's platform.
pub struct Emulated<S> {
    stream: S,
    second: S,
    camera: SharedCamera,
    output: SharedOutput,
    images: SharedImages,
    random: Random,
    watchdog: Watchdog,
    meter: Meter,
    memories: Memories,
}

impl<S> Emulated<S> {
    /// A board with the link on `stream` and a controller on `second`. `instructions` gives those executed since the
    /// start.
    pub fn new(
        stream: S,
        second: S,
        memories: Memories,
        random: Random,
        watchdog: Watchdog,
        instructions: fn() -> u64,
    ) -> Self {
        // What a machine that was stopped left there.
        memories.mailbox().write(mailbox::STATE, mailbox::FREE);
        Emulated {
            stream,
            second,
            camera: SharedCamera(memories),
            output: SharedOutput(memories),
            images: SharedImages(memories),
            random,
            watchdog,
            meter: Meter(instructions),
            memories,
        }
    }
}

impl Emulated<Uart> {
    /// Rests for at most a millisecond, unless a byte or a frame is there: a core that looks for them all the time keeps a whole
    /// processor of the computer busy.
    pub fn rest(&mut self) {
        if self.memories.mailbox().read(mailbox::STATE) != mailbox::COMPLETE {
            rest([&self.stream, &self.second]);
        }
    }
}

/// Turns the output off, whatever else has happened.
pub fn output_off(memories: Memories) {
    memories.mailbox().write(mailbox::OUTPUT, 0);
}

impl<S: Read + ReadReady + Write> Platform for Emulated<S> {
    type Stream = S;
    type Second = S;
    type Camera = SharedCamera;
    type Output = SharedOutput;
    type Meter = Meter;
    type Images = SharedImages;

    fn images(&mut self) -> &mut SharedImages {
        &mut self.images
    }

    fn restart(&mut self) {
        cortex::reset()
    }

    fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    fn second(&mut self) -> Option<&mut S> {
        Some(&mut self.second)
    }

    fn camera(&mut self) -> &mut SharedCamera {
        &mut self.camera
    }

    fn output(&mut self) -> &mut SharedOutput {
        &mut self.output
    }

    fn meter(&mut self) -> Meter {
        self.meter
    }

    fn random(&mut self) -> [u8; 32] {
        self.random.draw()
    }

    fn retained(&mut self) -> &mut [u8] {
        self.memories.part(LOG_AT, LOG_BYTES)
    }

    fn is_button_held(&mut self) -> bool {
        self.memories.mailbox().read(mailbox::BUTTON) != 0
    }

    fn feed(&mut self) {
        let mailbox = self.memories.mailbox();
        mailbox.write(mailbox::ALIVE, mailbox.read(mailbox::ALIVE).wrapping_add(1));
        self.watchdog.feed();
    }

    fn stack_bytes(&mut self) -> u32 {
        cortex::stack::high_water_bytes()
    }
}

/// Instructions since the start, from a counter of ticks that wraps; to be asked more often than it wraps.
pub struct Clock {
    last: AtomicU32,
    wraps: AtomicU32,
}

impl Clock {
    /// A clock at its start.
    pub const fn new() -> Self {
        Clock { last: AtomicU32::new(0), wraps: AtomicU32::new(0) }
    }

    /// Ticks, of which the counter shows `ticks` now. Loads and stores suffice, because no interrupt asks.
    pub fn ticks(&self, ticks: u32) -> u64 {
        let mut wraps = self.wraps.load(Ordering::Relaxed);
        let last = self.last.load(Ordering::Relaxed);
        self.last.store(ticks, Ordering::Relaxed);
        if ticks < last {
            wraps = wraps.wrapping_add(1);
            self.wraps.store(wraps, Ordering::Relaxed);
        }
        u64::from(wraps) << 32 | u64::from(ticks)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
