//! The board as the programs see it.

use core::cell::Cell;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicBool, Ordering};

use chips::flash::{Mapped as _, Part, layout};
use chips::line::Line;
use chips::trouble::Troubles;
use chips::{keys, maker, platform, wait};
use critical_section::Mutex;
use embassy_rp::Peripherals;
use embassy_rp::gpio::Input;
use embedded_storage::nor_flash::NorFlash as _;
use programs::app::device::MAX_SERIAL;
use programs::link::message::Text;
use programs::store::Layout;
use programs::store::keys::Keys;
use programs::{Counter, DoorBoard, cortex};

use crate::drivers::eye::{self, Eye, FRAME_BYTES};
use crate::drivers::flash::{self, Flash};
use crate::drivers::panel::{self, Switches};
use crate::drivers::random::Random;
use crate::drivers::receiver::{FrameMemory, Port, Receiver};
use crate::drivers::{bus, clocks, identity, retained, uart, usb, watchdog};
use crate::{Board, facts};

/// The store's layout.
const LAYOUT: Layout = match layout(facts::STORE_WORD, facts::STORE_PAGES) {
    Ok(layout) => layout,
    Err(_) => panic!("the layout of the store"),
};

/// What does not work, for the link.
static TROUBLES: Mutex<Cell<Troubles>> = Mutex::new(Cell::new(Troubles::NONE));

fn troubles() -> Troubles {
    critical_section::with(|section| TROUBLES.borrow(section).get())
}

/// The maker's public key: the 64 hexadecimal digits of the variable `GEODE_MAKER_KEY` when the firmware is built.
const MAKER_KEY: Option<[u8; 32]> = maker::key(option_env!("GEODE_MAKER_KEY"));

/// Starts the clocks at the first call; `None` later.
fn start() -> Option<Peripherals> {
    static IS_STARTED: AtomicBool = AtomicBool::new(false);
    (!IS_STARTED.swap(true, Ordering::Relaxed)).then(|| {
        flash::open();
        clocks::start()
    })
}

/// The device's keys. At the first start they are made, and the store is erased, as nothing can open any more what was
/// sealed before.
fn keys(random: &mut Random) -> Keys {
    let mut troubles = Troubles::NONE;
    let blank = || flash::store(true).erase(0, facts::STORE.1 as u32).is_ok();
    // Without keys and random numbers nothing can be said on the link. The watchdog starts the chip anew.
    let keys =
        keys::start(&mut flash::keys(), random, blank, &mut troubles).unwrap_or_else(|_| cortex::stop());
    critical_section::with(|section| TROUBLES.borrow(section).set(troubles));
    keys
}

/// Cycles of the core, in the place of instructions.
#[derive(Clone, Copy)]
pub struct Cycles;

impl Counter for Cycles {
    fn instructions(&self) -> u64 {
        clocks::cycles()
    }
}

impl programs::Board for Board {
    const NAME: &'static str = facts::NAME;
    const ARENA_BYTES: usize = facts::ARENA_BYTES;

    type Stream = Line;
    type Counter = Cycles;
    type Frames = FrameMemory;

    fn stream() -> Line {
        // It is there already only if the chip was started before.
        start().map_or(usb::line(), |chip| usb::start(chip.USB))
    }

    fn counter() -> Cycles {
        Cycles
    }

    fn frames() -> FrameMemory {
        FrameMemory::take()
    }

    fn images() -> [&'static [u8]; 2] {
        [&[], flash::external()]
    }
}

/// The chip as a device's platform.
pub struct Chip;

impl platform::Chip for Chip {
    type Camera = Eye;
    type Output = Switches;
    type Flash = Flash;
    type Pin = Input<'static>;
    type Generator = Random;

    fn cycles() -> u64 {
        clocks::cycles()
    }

    fn feed() {
        watchdog::feed();
    }

    fn stack_bytes() -> u32 {
        cortex::stack::high_water_bytes()
    }

    fn restart() -> ! {
        watchdog::restart()
    }
}

impl DoorBoard for Board {
    type Platform = platform::Platform<Chip>;
    type Flash = Part<Flash>;

    const FRAME_BYTES: usize = FRAME_BYTES;
    const FLASH_CYCLES: u32 = facts::STORE_CYCLES;

    /// # Panics
    /// When the chip was started before.
    fn platform() -> (Self::Platform, [[u8; 32]; 2]) {
        // Before the clocks: should the crystal not swing, the chip starts anew.
        watchdog::start();
        let chip = start().expect("a chip that was not started before");
        let mut random = Random::new(chip.TRNG);
        let keys = keys(&mut random);
        watchdog::feed();
        let link = usb::start(chip.USB);
        let controller = uart::start(chip.UART0, chip.PIN_0, chip.PIN_1);
        eye::start_clock(chip.PIN_21);
        let port = Port {
            pio: chip.PIO0,
            dma: chip.DMA_CH0,
            d0: chip.PIN_6,
            d1: chip.PIN_7,
            d2: chip.PIN_8,
            d3: chip.PIN_9,
            d4: chip.PIN_10,
            d5: chip.PIN_11,
            d6: chip.PIN_12,
            d7: chip.PIN_13,
            clock: chip.PIN_14,
            row: chip.PIN_15,
            frame: chip.PIN_16,
        };
        let receiver = Receiver::new(port, FrameMemory::take());
        let Ok(output) = panel::switches(chip.PIN_17, chip.PIN_25);
        let platform = platform::Platform {
            link,
            controller: Some(controller),
            camera: eye::open(bus::open(chip.I2C0, chip.PIN_5, chip.PIN_4), receiver),
            output,
            images: flash::images(),
            button: panel::button(chip.PIN_18),
            random,
            retained: retained::take(),
        };
        watchdog::feed();
        (platform, keys)
    }

    fn flash() -> (Part<Flash>, Layout) {
        (flash::store(troubles().has_keys()), LAYOUT)
    }

    fn blank_flash() -> (Part<Flash>, Layout) {
        let (mut flash, layout) = Self::flash();
        // Whoever uses it sees whether it is blank.
        let _ = flash.erase(0, facts::STORE.1 as u32);
        (flash, layout)
    }

    fn slot(is_second: bool) -> &'static [u8] {
        flash::images().slot(is_second)
    }

    fn maker_key() -> Option<[u8; 32]> {
        MAKER_KEY
    }

    /// The chip's own number, in hexadecimal digits.
    fn serial() -> heapless::String<MAX_SERIAL> {
        identity::serial().as_str().try_into().unwrap_or_default()
    }

    fn now_ms() -> u64 {
        wait::now_ms()
    }

    fn trouble(text: &mut Text) {
        troubles().tell(text);
        if !Flash.is_mapped() {
            let between = if text.is_empty() { "" } else { "; " };
            // What does not fit is cut off.
            let _ =
                write!(text, "{between}flash: smaller than this program's board; build it for the right one");
        }
    }

    fn output_off() {
        panel::relay_off();
    }
}
