//! The board's wiring.

use chips::line::Line;
use chips::trouble::Troubles;
use embassy_stm32::rcc::HseMode;
use embassy_stm32::{Peri, peripherals};
use stm32::frame::FrameMemory;
use stm32::h7::clocks::{self, Core};
use stm32::h7::quadspi::{self, Quadspi};
use stm32::h7::random::Rng;
use stm32::h7::sector::Sector;
use stm32::h7::{core_memory, receiver, usb};
use stm32::uart;
use stm32::wiring::{Begun, Memories, Opened, Wiring};

use crate::drivers::eye::{self, Eye, FRAME_BYTES, Wires};
use crate::drivers::panel::{self, Switches};
use crate::drivers::{frame, internal, retained, sector};
use crate::{Board, facts};

/// What is left of the chip when clocks and flash are started.
pub struct Rest {
    usb: (Peri<'static, peripherals::PA11>, Peri<'static, peripherals::PA12>),
    uart: (
        Peri<'static, peripherals::USART1>,
        Peri<'static, peripherals::PA10>,
        Peri<'static, peripherals::PA9>,
    ),
    wires: Wires,
    port: receiver::Pins,
    relay: Peri<'static, peripherals::PB12>,
    light: Peri<'static, peripherals::PE3>,
    button: Peri<'static, peripherals::PC13>,
}

impl Wiring for Board {
    type Flash = Quadspi;
    type Keys = Sector;
    type Generator = Rng;
    type Camera = Eye;
    type Output = Switches;
    type Rest = Rest;

    const MEMORIES: Memories =
        Memories { flash: facts::FLASH, store: facts::STORE, slots: facts::SLOTS, images: facts::IMAGES };
    const FLASH: Quadspi = Quadspi::new(facts::FLASH);
    const CORE_MHZ: u64 = 480;

    fn begin() -> Begun<Self> {
        let (config, crystal) = clocks::config(Core::Mhz480, HseMode::Oscillator);
        let chip = embassy_stm32::init(config);
        let flash = Self::FLASH.start(quadspi::Pins {
            clock: chip.PB2.into(),
            select: chip.PB6.into(),
            select_function: 10,
            data: [chip.PD11.into(), chip.PD12.into(), chip.PE2.into(), chip.PD13.into()],
        });
        Begun {
            generator: Rng::new(chip.RNG),
            troubles: Troubles { crystal, flash: flash.err(), ..Troubles::NONE },
            rest: Rest {
                usb: (chip.PA11, chip.PA12),
                uart: (chip.USART1, chip.PA10, chip.PA9),
                wires: Wires {
                    bus: chip.I2C1,
                    scl: chip.PB8,
                    sda: chip.PB9,
                    mco: chip.MCO1,
                    xvclk: chip.PA8,
                },
                port: receiver::Pins {
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
                },
                relay: chip.PB12,
                light: chip.PE3,
                button: chip.PC13,
            },
        }
    }

    fn keys() -> Sector {
        sector()
    }

    fn open_memories(troubles: &mut Troubles) {
        core_memory::start();
        // A flash that fails is no flash: there is no image.
        if troubles.flash.is_none() {
            troubles.flash = Self::FLASH.map().err();
        }
    }

    fn open_link(rest: Rest) -> Line {
        // It is there already only if the chip was started before.
        usb::start(facts::USB, facts::NAME, rest.usb.0, rest.usb.1).unwrap_or(usb::line())
    }

    fn link() -> Line {
        usb::line()
    }

    fn open(rest: Rest) -> Opened<Self> {
        let Rest { usb: (minus, plus), uart: (uart, receive, send), wires, port, relay, light, button } =
            rest;
        let Ok(output) = panel::switches(relay, light);
        Opened {
            link: usb::start(facts::USB, facts::NAME, minus, plus).unwrap_or(usb::line()),
            controller: uart::start(uart, receive, send).ok(),
            camera: eye::open(wires, port),
            output,
            button: panel::button(button),
        }
    }

    fn retained() -> &'static mut [u8] {
        retained()
    }

    fn relay_off() {
        panel::relay_off();
    }
}

stm32::board!(crate::Board, crate::facts, frames: FrameMemory = frame(), frame_bytes: FRAME_BYTES, internal: internal());
