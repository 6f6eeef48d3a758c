//! The board as the programs see it.

use core::sync::atomic::{AtomicBool, Ordering};

use chips::flash::{Mapped as _, Part, layout};
use chips::line::Line;
use chips::platform::Random as _;
use chips::wait::now_ms;
use chips::{maker, platform};
use embassy_stm32::gpio::Input;
use embassy_stm32::{Peripherals, bind_interrupts, peripherals, rng, uid};
use embedded_storage::nor_flash::NorFlash as _;
use programs::app::device::MAX_SERIAL;
use programs::store::{Layout, keys};
use programs::{Counter, DoorBoard, cortex};
use stm32::frame::FrameMemory;
use stm32::quadspi::{self, Quadspi, QuadspiError};
use stm32::{core_memory, receiver, uart, usb, watchdog};

use crate::drivers::eye::{self, Eye, FRAME_BYTES, Wires};
use crate::drivers::panel::{self, Switches};
use crate::drivers::{clocks, memories};
use crate::{Board, facts};

/// The store's layout.
const LAYOUT: Layout = match layout(facts::STORE.1) {
    Ok(layout) => layout,
    Err(_) => panic!("the layout of the store"),
};

/// Whether the device has keys that it kept.
static HAS_KEYS: AtomicBool = AtomicBool::new(false);

/// The maker's public key: the 64 hexadecimal digits of the variable `GEODE_MAKER_KEY` when the firmware is built.
const MAKER_KEY: Option<[u8; 32]> = maker::key(option_env!("GEODE_MAKER_KEY"));

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
            clock: $chip.PB2.into(),
            select: $chip.PB6.into(),
            data: [$chip.PD11.into(), $chip.PD12.into(), $chip.PE2.into(), $chip.PD13.into()],
        }
    };
}

/// Turns the caches on, and maps the flash if it could be started. A flash that fails is no flash: there is no image.
fn open_memories(flash: Result<(), QuadspiError>) {
    core_memory::start();
    let _ = flash.and_then(|()| memories::FLASH.map());
}

/// Random numbers. Hangs if the generator does not give any: the watchdog ends that.
pub struct Random(Rng);

impl platform::Random for Random {
    fn draw(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// The device's keys. At the first start they are made, and the store is erased, as nothing can open any more what was
/// sealed before. The caches are off.
fn keys(random: &mut Random) -> keys::Keys {
    if let Some(keys) = keys::read(&mut memories::sector()) {
        HAS_KEYS.store(true, Ordering::Relaxed);
        return keys;
    }
    let made = [random.draw(), random.draw()];
    let (start, bytes) = (facts::STORE.0 - facts::FLASH.0, facts::STORE.1);
    let is_blank = memories::FLASH.erase(start as u32, (start + bytes) as u32).is_ok();
    let is_kept = is_blank && keys::write(&mut memories::sector(), &made).is_ok();
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

impl programs::Board for Board {
    const NAME: &'static str = facts::NAME;
    const ARENA_BYTES: usize = facts::ARENA_BYTES;

    type Stream = Line;
    type Counter = Cycles;
    type Frames = FrameMemory;

    fn stream() -> Line {
        if let Some(chip) = start() {
            open_memories(memories::FLASH.start(quadspi_pins!(chip)));
            // It is there already only if the chip was started before.
            let _ = usb::start(facts::USB, facts::NAME, chip.PA11, chip.PA12);
        }
        usb::line()
    }

    fn counter() -> Cycles {
        Cycles
    }

    fn frames() -> FrameMemory {
        memories::frame()
    }

    fn images() -> [&'static [u8]; 2] {
        memories::images()
    }
}

/// The chip as a device's platform.
pub struct Chip;

impl platform::Chip for Chip {
    type Camera = Eye;
    type Output = Switches;
    type Flash = Quadspi;
    type Pin = Input<'static>;
    type Random = Random;

    fn cycles() -> u64 {
        clocks::cycles()
    }

    fn feed() {
        watchdog::feed();
    }

    fn stack_bytes() -> u32 {
        cortex::stack::high_water_bytes()
    }

    fn restart() {
        cortex::reset()
    }
}

impl DoorBoard for Board {
    type Platform = platform::Platform<Chip>;
    type Flash = Part<Quadspi>;

    const FRAME_BYTES: usize = FRAME_BYTES;

    /// # Panics
    /// When the chip was started before.
    fn platform() -> (Self::Platform, [[u8; 32]; 2]) {
        // Before the clocks: should the crystal not swing, the chip starts anew.
        watchdog::start();
        let chip = start().expect("a chip that was not started before");
        let mut random = Random(rng::Rng::new(chip.RNG, Interrupts));
        let flash = memories::FLASH.start(quadspi_pins!(chip));
        let keys = keys(&mut random);
        open_memories(flash);
        watchdog::feed();
        let link = usb::start(facts::USB, facts::NAME, chip.PA11, chip.PA12).unwrap_or(usb::line());
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
            hsync: chip.PA4.into(),
            vsync: chip.PB7.into(),
            clock: chip.PA6.into(),
        };
        let Ok(switches) = panel::switches(chip.PB12, chip.PE3);
        let platform = platform::Platform {
            link,
            controller: Some(controller),
            camera: eye::open(wires, port),
            output: switches,
            images: memories::IMAGES,
            button: panel::button(chip.PC13),
            random,
            // The backup RAM needs a battery that this board has not; its log begins anew with each start.
            retained: &mut [],
        };
        watchdog::feed();
        (platform, keys)
    }

    fn flash() -> (Part<Quadspi>, Layout) {
        (memories::store(HAS_KEYS.load(Ordering::Relaxed)), LAYOUT)
    }

    fn blank_flash() -> (Part<Quadspi>, Layout) {
        let (mut flash, layout) = Self::flash();
        // Whoever uses it sees whether it is blank.
        let _ = flash.erase(0, facts::STORE.1 as u32);
        (flash, layout)
    }

    fn slot(is_second: bool) -> &'static [u8] {
        memories::IMAGES.slot(is_second)
    }

    fn maker_key() -> Option<[u8; 32]> {
        MAKER_KEY
    }

    /// The chip's own number, in hexadecimal digits.
    fn serial() -> heapless::String<MAX_SERIAL> {
        uid::uid_hex().try_into().unwrap_or_default()
    }

    fn now_ms() -> u64 {
        now_ms()
    }

    fn output_off() {
        panel::relay_off();
    }
}
