//! The board's wiring.

use chips::flash::{Mapped as _, Part};
use chips::line::Line;
use chips::trouble::Troubles;
use embassy_rp::gpio::Input;
use embassy_rp::{Peri, peripherals};
use heapless::String;
use programs::app::device::MAX_SERIAL;
use programs::link::message::{Text, append};
use wiring::frame::FrameMemory;
use wiring::{Begun, Opened, Processor, Wiring};

use crate::Board;
use crate::drivers::eye::{self, Eye};
use crate::drivers::flash::{self, Flash};
use crate::drivers::panel::{self, Switches};
use crate::drivers::random::Random;
use crate::drivers::receiver::{self, Port, Receiver};
use crate::drivers::{bus, clocks, identity, retained, uart, usb, watchdog};

/// The chip.
pub struct Rp2350;

impl Processor for Rp2350 {
    type Pin = Input<'static>;

    fn start_watchdog() {
        watchdog::start();
    }

    fn feed() {
        watchdog::feed();
    }

    fn restart() -> ! {
        watchdog::restart()
    }

    fn serial() -> String<MAX_SERIAL> {
        identity::serial().as_str().try_into().unwrap_or_default()
    }
}

/// What is left of the chip when clocks and random numbers are started.
pub struct Rest {
    usb: Peri<'static, peripherals::USB>,
    uart: (
        Peri<'static, peripherals::UART0>,
        Peri<'static, peripherals::PIN_0>,
        Peri<'static, peripherals::PIN_1>,
    ),
    sensor_clock: Peri<'static, peripherals::PIN_21>,
    bus: (
        Peri<'static, peripherals::I2C0>,
        Peri<'static, peripherals::PIN_5>,
        Peri<'static, peripherals::PIN_4>,
    ),
    port: Port,
    relay: Peri<'static, peripherals::PIN_17>,
    light: Peri<'static, peripherals::PIN_25>,
    button: Peri<'static, peripherals::PIN_18>,
}

impl Wiring for Board {
    type Processor = Rp2350;
    type Flash = Flash;
    type Keys = Part<Flash>;
    type Generator = Random;
    type Camera = Eye;
    type Output = Switches;
    type Rest = Rest;

    const FLASH: Flash = Flash;
    const CORE_MHZ: u64 = clocks::CORE_MHZ;

    fn begin() -> Begun<Self> {
        flash::open();
        let chip = clocks::start();
        Begun {
            generator: Random::new(chip.TRNG),
            troubles: Troubles::NONE,
            rest: Rest {
                usb: chip.USB,
                uart: (chip.UART0, chip.PIN_0, chip.PIN_1),
                sensor_clock: chip.PIN_21,
                bus: (chip.I2C0, chip.PIN_5, chip.PIN_4),
                port: Port {
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
                },
                relay: chip.PIN_17,
                light: chip.PIN_25,
                button: chip.PIN_18,
            },
        }
    }

    fn keys() -> Part<Flash> {
        flash::keys()
    }

    // The flash is read in place from the start.
    fn open_memories(_troubles: &mut Troubles) {}

    fn open_link(rest: Rest) -> Line {
        usb::start(rest.usb)
    }

    fn link() -> Line {
        usb::line()
    }

    fn open(rest: Rest) -> Opened<Self> {
        let Rest {
            usb,
            uart: (uart, send, receive),
            sensor_clock,
            bus: (bus, scl, sda),
            port,
            relay,
            light,
            button,
        } = rest;
        let link = usb::start(usb);
        let controller = uart::start(uart, send, receive);
        eye::start_clock(sensor_clock);
        let receiver = Receiver::new(port, receiver::frame());
        let Ok(output) = panel::switches(relay, light);
        Opened {
            link,
            controller: Some(controller),
            camera: eye::open(bus::open(bus, scl, sda), receiver),
            output,
            button: panel::button(button),
        }
    }

    fn retained() -> &'static mut [u8] {
        retained::take()
    }

    fn relay_off() {
        panel::relay_off();
    }

    fn tell_more(text: &mut Text) {
        if !Flash.is_mapped() {
            append(text, &"flash: smaller than this program's board; build it for the right one");
        }
    }
}

wiring::board!(
    crate::Board, crate::facts, frames: FrameMemory = receiver::frame(), frame_bytes: facts::FRAME.1, internal: &[]
);
