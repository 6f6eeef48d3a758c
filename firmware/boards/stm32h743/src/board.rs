//! The board as the programs see it.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_stm32::{Peripherals, bind_interrupts, peripherals, rng, uid};
use embedded_storage::nor_flash::NorFlash as _;
use programs::app::device::{MAX_SERIAL, Platform};
use programs::app::sight::Observer;
use programs::store::{Layout, keys};
use programs::{Counter, DoorBoard, cortex};

use crate::drivers::eye::{Eye, Wires};
use crate::drivers::flash::{Part, WORD_BYTES};
use crate::drivers::line::Line;
use crate::drivers::panel::{self, Button, Switches};
use crate::drivers::quadspi::PAGE_BYTES;
use crate::drivers::receiver::{self, FRAME_BYTES, FrameMemory};
use crate::drivers::sector::Sector;
use crate::drivers::{clocks, core_memory, mapped, quadspi, uart, usb, watchdog};
use crate::{Board, facts};

/// The store's layout: pages of its counters, then two halves for people.
const LAYOUT: Layout = {
    assert!(facts::STORE_WORD == WORD_BYTES, "store.word_bytes is that of the flash driver");
    let [log_pages, half_pages] = facts::STORE_PAGES;
    match Layout::new_checked(0, PAGE_BYTES, facts::STORE_WORD as u32, log_pages, half_pages) {
        Ok(layout) => layout,
        Err(_) => panic!("the layout of the store"),
    }
};

/// Whether the device has keys that it kept.
static HAS_KEYS: AtomicBool = AtomicBool::new(false);

/// The maker's public key: the 64 hexadecimal digits of the variable `GEODE_MAKER_KEY` when the firmware is built.
const MAKER_KEY: Option<[u8; 32]> = match option_env!("GEODE_MAKER_KEY") {
    Some(digits) => Some(key(digits.as_bytes())),
    None => None,
};

const fn key(digits: &[u8]) -> [u8; 32] {
    assert!(digits.len() == 64, "GEODE_MAKER_KEY has 64 hexadecimal digits");
    let mut key = [0; 32];
    let mut place = 0;
    while place < digits.len() {
        let digit = match (digits[place] as char).to_digit(16) {
            Some(digit) => digit as u8,
            None => panic!("GEODE_MAKER_KEY has 64 hexadecimal digits"),
        };
        key[place / 2] = key[place / 2] << 4 | digit;
        place += 1;
    }
    key
}

bind_interrupts!(struct Interrupts {
    RNG => rng::InterruptHandler<peripherals::RNG>;
});

type Rng = rng::Rng<'static, peripherals::RNG>;

/// Starts the clocks at the first call; `None` later.
fn start() -> Option<Peripherals> {
    static IS_STARTED: AtomicBool = AtomicBool::new(false);
    (!IS_STARTED.swap(true, Ordering::Relaxed)).then(clocks::start)
}

macro_rules! quadspi_pins {
    ($chip:ident) => {
        quadspi::Pins {
            clock: $chip.PB2,
            select: $chip.PB6,
            data: [$chip.PD11.into(), $chip.PD12.into(), $chip.PE2.into(), $chip.PD13.into()],
        }
    };
}

/// Turns the caches on, and maps the flash if it could be started. A flash that fails is no flash: there is no image.
fn open_memories(flash: Result<(), quadspi::QuadspiError>) {
    core_memory::start();
    let _ = flash.and_then(|()| quadspi::map());
}

/// Draws 32 random bytes. Hangs if the generator does not give any: the watchdog ends that.
fn draw(random: &mut Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    random.fill_bytes(&mut bytes);
    bytes
}

/// The device's keys. At the first start they are made, and the store is erased, as nothing can open any more what was
/// sealed before. The caches are off.
fn keys(random: &mut Rng) -> keys::Keys {
    if let Some(keys) = keys::read(&mut Sector) {
        HAS_KEYS.store(true, Ordering::Relaxed);
        return keys;
    }
    let made = [draw(random), draw(random)];
    let (start, bytes) = (facts::STORE.0 - facts::FLASH.0, facts::STORE.1);
    let is_blank = quadspi::erase(start as u32, (start + bytes) as u32).is_ok();
    let is_kept = is_blank && keys::write(&mut Sector, &made).is_ok();
    HAS_KEYS.store(is_kept, Ordering::Relaxed);
    made
}

/// Cycles of the core, in the place of instructions.
#[derive(Clone, Copy)]
pub struct Cycles;

impl Counter for Cycles {
    fn instructions(&self) -> u64 {
        clocks::cycles()
    }
}

impl Observer for Cycles {
    fn instructions(&mut self) -> u64 {
        clocks::cycles()
    }

    fn breathe(&mut self) {}
}

impl programs::Board for Board {
    const NAME: &'static str = facts::NAME;
    const ARENA_BYTES: usize = facts::ARENA_BYTES;

    type Stream = Line;
    type Counter = Cycles;
    type Frames = FrameMemory;

    fn stream() -> Line {
        if let Some(chip) = start() {
            open_memories(quadspi::start(quadspi_pins!(chip)));
            // It is there already only if the chip was started before.
            let _ = usb::start(chip.PA11, chip.PA12);
        }
        usb::line()
    }

    fn counter() -> Cycles {
        Cycles
    }

    fn frames() -> FrameMemory {
        FrameMemory::take()
    }

    fn images() -> [&'static [u8]; 2] {
        mapped::images()
    }
}

/// The chip as a device's platform.
pub struct Chip {
    link: Line,
    controller: Line,
    eye: Eye,
    switches: Switches,
    images: Part,
    button: Button,
    random: Rng,
}

impl Platform for Chip {
    type Stream = Line;
    type Second = Line;
    type Camera = Eye;
    type Output = Switches;
    type Meter = Cycles;
    type Images = Part;

    fn images(&mut self) -> &mut Part {
        &mut self.images
    }

    fn retained(&mut self) -> &mut [u8] {
        // The backup RAM needs a battery that this board has not; its log begins anew with each start.
        &mut []
    }

    fn restart(&mut self) {
        self.link.drain();
        cortex::reset()
    }

    fn stream(&mut self) -> &mut Line {
        &mut self.link
    }

    fn second(&mut self) -> Option<&mut Line> {
        Some(&mut self.controller)
    }

    fn camera(&mut self) -> &mut Eye {
        &mut self.eye
    }

    fn output(&mut self) -> &mut Switches {
        &mut self.switches
    }

    fn meter(&mut self) -> Cycles {
        Cycles
    }

    fn random(&mut self) -> [u8; 32] {
        draw(&mut self.random)
    }

    fn is_button_held(&mut self) -> bool {
        self.button.is_held()
    }

    fn feed(&mut self) {
        watchdog::feed();
    }

    fn stack_bytes(&mut self) -> u32 {
        cortex::stack::high_water_bytes()
    }
}

impl DoorBoard for Board {
    type Platform = Chip;
    type Flash = Part;

    const FLASH_CYCLES: u32 = facts::STORE_CYCLES;
    const FRAME_BYTES: usize = FRAME_BYTES;

    /// # Panics
    /// When the chip was started before.
    fn platform() -> (Chip, [[u8; 32]; 2]) {
        // Before the clocks: should the crystal not swing, the chip starts anew.
        watchdog::start();
        let chip = start().expect("a chip that was not started before");
        let mut random = rng::Rng::new(chip.RNG, Interrupts);
        let flash = quadspi::start(quadspi_pins!(chip));
        let keys = keys(&mut random);
        open_memories(flash);
        watchdog::feed();
        let link = usb::start(chip.PA11, chip.PA12).unwrap_or(usb::line());
        let controller = uart::start(chip.USART1, chip.PA10, chip.PA9).unwrap_or(uart::line());
        let wires = Wires { bus: chip.I2C1, scl: chip.PB8, sda: chip.PB9, mco: chip.MCO1, xvclk: chip.PA8 };
        let port = receiver::Pins {
            data: [
                chip.PC6.into(),
                chip.PC7.into(),
                chip.PE0.into(),
                chip.PE1.into(),
                chip.PE4.into(),
                chip.PD3.into(),
                chip.PE5.into(),
                chip.PE6.into(),
            ],
            hsync: chip.PA4,
            vsync: chip.PB7,
            clock: chip.PA6,
        };
        let Ok(switches) = panel::switches(chip.PB12, chip.PE3);
        let platform = Chip {
            link,
            controller,
            eye: Eye::new(wires, port),
            switches,
            images: Part::images(),
            button: Button::new(chip.PC13),
            random,
        };
        watchdog::feed();
        (platform, keys)
    }

    fn flash() -> (Part, Layout) {
        (Part::store(HAS_KEYS.load(Ordering::Relaxed)), LAYOUT)
    }

    fn blank_flash() -> (Part, Layout) {
        let (mut flash, layout) = Self::flash();
        // Whoever uses it sees whether it is blank.
        let _ = flash.erase(0, facts::STORE.1 as u32);
        (flash, layout)
    }

    fn slot(is_second: bool) -> &'static [u8] {
        mapped::slot(is_second)
    }

    fn maker_key() -> Option<[u8; 32]> {
        MAKER_KEY
    }

    /// The chip's own number, in hexadecimal digits.
    fn serial() -> heapless::String<MAX_SERIAL> {
        uid::uid_hex().try_into().unwrap_or_default()
    }

    fn now_ms() -> u64 {
        clocks::now_ms()
    }

    fn output_off() {
        panel::relay_off();
    }
}
