//! The board's wiring. Button B2 (PC13), the green light (PG0), and the relay's pin (D2, PD0).

use chips::flash::{Mapped as _, Part, Region};
use chips::line::Line;
use chips::trouble::Troubles;
use embassy_stm32::{Peri, pac, peripherals};
use programs::app::output::Active;
use stm32::Stm32;
use stm32::n6::random::Rng;
use stm32::n6::xspi::Xspi;
use stm32::n6::{clocks, core_memory};
use stm32::panel::{self, Switches};
use stm32::uart::{usart1, usart3};
#[cfg(feature = "usb")]
use stm32::usb;
use wiring::frame::FrameMemory;
use wiring::{Begun, Opened, Wiring};

use crate::drivers::frame;
use crate::{Board, facts};

type Controller =
    (Peri<'static, peripherals::USART3>, Peri<'static, peripherals::PD9>, Peri<'static, peripherals::PD8>);
type Uart =
    (Peri<'static, peripherals::USART1>, Peri<'static, peripherals::PE6>, Peri<'static, peripherals::PE5>);

/// The relay's pin in its port.
const RELAY_PIN: usize = 0;

/// What is left of the chip when clocks and flash are started.
pub struct Rest {
    uart: Uart,
    controller: Controller,
    relay: Peri<'static, peripherals::PD0>,
    light: Peri<'static, peripherals::PG0>,
    button: Peri<'static, peripherals::PC13>,
}

/// USB, if it is wanted and starts, or else the UART.
fn link((uart, receive, send): Uart) -> Line {
    #[cfg(feature = "usb")]
    if let Some(link) = usb::start(facts::USB, facts::NAME, usb::Pins) {
        return link;
    }
    // It never fails with these clocks.
    usart1::start(uart, receive, send).unwrap_or(usart1::line())
}

/// The place for an image that no update touches; nothing if the flash is not mapped.
fn internal() -> &'static [u8] {
    let (address, bytes): Region = facts::IMAGES[0];
    match Board::FLASH.is_mapped() {
        true => Board::FLASH.memory((address - facts::FLASH.0) as u32, bytes as u32),
        false => &[],
    }
}

impl Wiring for Board {
    type Processor = Stm32;
    type Flash = Xspi;
    type Keys = Part<Xspi>;
    type Generator = Rng;
    type Camera = FrameMemory;
    type Output = Switches;
    type Rest = Rest;

    const FLASH: Xspi = Xspi::new(facts::FLASH);
    const CORE_MHZ: u64 = clocks::CORE_MHZ;

    fn begin() -> Begun<Self> {
        let chip = embassy_stm32::init(clocks::config());
        core_memory::start(facts::FLASH);
        let pins = [chip.PN1.into(), chip.PN6.into(), chip.PN2.into(), chip.PN3.into()];
        // Mapped at once, as the keys are read there.
        let flash = Self::FLASH.start(pins).and_then(|()| Self::FLASH.map());
        Begun {
            generator: Rng::new(),
            troubles: Troubles { flash: flash.err(), ..Troubles::NONE },
            rest: Rest {
                uart: (chip.USART1, chip.PE6, chip.PE5),
                controller: (chip.USART3, chip.PD9, chip.PD8),
                relay: chip.PD0,
                light: chip.PG0,
                button: chip.PC13,
            },
        }
    }

    fn keys() -> Part<Xspi> {
        Part::store(Self::FLASH, facts::FLASH, facts::KEYS, true)
    }

    fn open_memories(_troubles: &mut Troubles) {}

    fn open_link(rest: Rest) -> Line {
        link(rest.uart)
    }

    fn link() -> Line {
        #[cfg(feature = "usb")]
        if usb::is_open() {
            return usb::line();
        }
        usart1::line()
    }

    fn open(rest: Rest) -> Opened<Self> {
        let Rest { uart, controller: (controller, receive, send), relay, light, button } = rest;
        let output = panel::switches(relay, light, Active::Low);
        Opened {
            link: link(uart),
            controller: usart3::start(controller, receive, send).ok(),
            camera: frame(),
            output,
            button: panel::button(button, Active::High),
        }
    }

    fn retained() -> &'static mut [u8] {
        // What lies in cached RAM is lost at a restart: the log of decisions begins anew.
        &mut []
    }

    fn relay_off() {
        pac::RCC.ahb4enr().modify(|w| w.set_gpioden(true));
        // Reading it back lets the clock arrive.
        let _ = pac::RCC.ahb4enr().read();
        panel::relay_off(pac::GPIOD, RELAY_PIN);
    }

    #[cfg(feature = "usb")]
    fn tell_more(text: &mut programs::link::message::Text) {
        if !usb::is_open() {
            programs::link::message::append(text, &usb::FAILED);
        }
    }
}

wiring::board!(
    crate::Board, crate::facts, frames: FrameMemory = frame(), frame_bytes: facts::FRAME.1, internal: internal()
);
