//! The board's wiring. Button K1 (PC13), light E3 (PE3), and the relay's pin (PB12).

use chips::line::Line;
use chips::trouble::Troubles;
use embassy_stm32::rcc::HseMode;
use embassy_stm32::{Peri, pac, peripherals};
use programs::app::output::Active;
use stm32::Stm32;
use stm32::h7::clocks::{self, Core};
use stm32::h7::quadspi::{self, Quadspi};
use stm32::h7::random::Rng;
use stm32::h7::sector::Sector;
use stm32::h7::{self, receiver};
use stm32::panel::{self, Switches};
use stm32::uart::usart1;
use stm32::usb;
use wiring::frame::FrameMemory;
use wiring::{Begun, Opened, Wiring};

use crate::drivers::eye::{self, Eye, FRAME_BYTES, Wires};
use crate::drivers::{frame, internal, retained, sector};
use crate::{Board, facts};

/// The relay's pin in its port.
const RELAY_PIN: usize = 12;

/// What is left of the chip when clocks and flash are started.
pub struct Rest {
    usb: usb::Pins,
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
    type Processor = Stm32;
    type Flash = Quadspi;
    type Keys = Sector;
    type Generator = Rng;
    type Camera = Eye;
    type Output = Switches;
    type Rest = Rest;

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
                usb: usb::Pins { minus: chip.PA11, plus: chip.PA12 },
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
        h7::open_memories(Self::FLASH, troubles);
    }

    fn open_link(rest: Rest) -> Line {
        // It is there already only if the chip was started before.
        usb::start(facts::USB, facts::NAME, rest.usb).unwrap_or(usb::line())
    }

    fn link() -> Line {
        usb::line()
    }

    fn open(rest: Rest) -> Opened<Self> {
        let Rest { usb, uart: (uart, receive, send), wires, port, relay, light, button } = rest;
        let output = panel::switches(relay, light, Active::High);
        Opened {
            link: usb::start(facts::USB, facts::NAME, usb).unwrap_or(usb::line()),
            controller: usart1::start(uart, receive, send).ok(),
            camera: eye::open(wires, port),
            output,
            button: panel::button(button, Active::High),
        }
    }

    fn retained() -> &'static mut [u8] {
        retained()
    }

    fn relay_off() {
        pac::RCC.ahb4enr().modify(|w| w.set_gpioben(true));
        // Reading it back lets the clock arrive.
        let _ = pac::RCC.ahb4enr().read();
        panel::relay_off(pac::GPIOB, RELAY_PIN);
    }
}

wiring::board!(crate::Board, crate::facts, frames: FrameMemory = frame(), frame_bytes: FRAME_BYTES, internal: internal());
