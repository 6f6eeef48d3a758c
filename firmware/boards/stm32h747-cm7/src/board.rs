//! The board's wiring. The button (D3, PG7), the green light (PK6), and the relay's pin (D2, PJ11).

use core::mem::MaybeUninit;

use chips::line::Line;
use chips::trouble::Troubles;
use embassy_stm32::pac::gpio::vals::Moder;
use embassy_stm32::rcc::{HseMode, SMPSSupplyVoltage, SupplyConfig};
use embassy_stm32::{Peri, SharedData, pac, peripherals};
use programs::app::output::Active;
use programs::link::message::{Text, append};
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

use crate::drivers::eye::{self, Eye, Wires};
use crate::drivers::{frame, internal, retained, sector};
use crate::{Board, facts};

/// The pin of port H that turns the board's oscillator on.
const OSCILLATOR_PIN: usize = 1;

type Uart =
    (Peri<'static, peripherals::USART1>, Peri<'static, peripherals::PA10>, Peri<'static, peripherals::PA9>);

/// The relay's pin in its port.
const RELAY_PIN: usize = 11;

/// What is left of the chip when clocks and flash are started.
pub struct Rest {
    usb: usb::Pins,
    uart: Uart,
    wires: Wires,
    port: receiver::Pins,
    relay: Peri<'static, peripherals::PJ11>,
    light: Peri<'static, peripherals::PK6>,
    button: Peri<'static, peripherals::PG7>,
}

/// The UART, which never fails with these clocks.
fn serial((uart, receive, send): Uart) -> Option<Line> {
    usart1::start(uart, receive, send).ok()
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
    const CORE_MHZ: u64 = 400;

    fn begin() -> Begun<Self> {
        // For the other core, which nobody starts.
        static SHARED: MaybeUninit<SharedData> = MaybeUninit::uninit();
        // The oscillator's pin, before HAL and clocks are there.
        pac::RCC.ahb4enr().modify(|w| w.set_gpiohen(true));
        let _ = pac::RCC.ahb4enr().read();
        pac::GPIOH.bsrr().write(|w| w.set_bs(OSCILLATOR_PIN, true));
        pac::GPIOH.moder().modify(|w| w.set_moder(OSCILLATOR_PIN, Moder::OUTPUT));
        let (mut config, crystal) = clocks::config(Core::Mhz400, HseMode::Bypass);
        // It can be set once after power comes, to what the board is made for. Arduino's boot loader has done so.
        config.rcc.supply_config = SupplyConfig::SMPSLDO(SMPSSupplyVoltage::V1_8);
        let chip = embassy_stm32::init_primary(config, &SHARED);
        let flash = Self::FLASH.start(quadspi::Pins {
            clock: chip.PF10.into(),
            select: chip.PG6.into(),
            select_function: 10,
            data: [chip.PD11.into(), chip.PD12.into(), chip.PF7.into(), chip.PD13.into()],
        });
        Begun {
            generator: Rng::new(chip.RNG),
            troubles: Troubles { crystal, flash: flash.err(), ..Troubles::NONE },
            rest: Rest {
                usb: usb::Pins {
                    reset: chip.PJ4.into(),
                    clock: chip.PA5.into(),
                    direction: chip.PI11.into(),
                    next: chip.PH4.into(),
                    stop: chip.PC0.into(),
                    data: [
                        chip.PA3.into(),
                        chip.PB0.into(),
                        chip.PB1.into(),
                        chip.PB10.into(),
                        chip.PB11.into(),
                        chip.PB12.into(),
                        chip.PB13.into(),
                        chip.PB5.into(),
                    ],
                },
                uart: (chip.USART1, chip.PA10, chip.PA9),
                wires: Wires {
                    bus: chip.I2C3,
                    scl: chip.PH7,
                    sda: chip.PH8,
                    timer: chip.TIM1,
                    mclk: chip.PK1,
                    power: chip.PC13,
                },
                port: receiver::Pins {
                    data: [
                        chip.PH9.into(),
                        chip.PH10.into(),
                        chip.PH11.into(),
                        chip.PH12.into(),
                        chip.PH14.into(),
                        chip.PI4.into(),
                        chip.PI6.into(),
                        chip.PI7.into(),
                    ],
                    hsync: chip.PA4.into(),
                    vsync: chip.PI5.into(),
                    clock: chip.PA6.into(),
                },
                relay: chip.PJ11,
                light: chip.PK6,
                button: chip.PG7,
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
        usb::start(facts::USB, facts::NAME, rest.usb).or_else(|| serial(rest.uart)).unwrap_or(Self::link())
    }

    fn link() -> Line {
        if usb::is_open() { usb::line() } else { usart1::line() }
    }

    fn open(rest: Rest) -> Opened<Self> {
        let Rest { usb, uart, wires, port, relay, light, button } = rest;
        let output = panel::switches(relay, light, Active::Low);
        let (usb, serial) = (usb::start(facts::USB, facts::NAME, usb), serial(uart));
        // Without USB the UART is the link, so that one can talk to the board at all.
        let (link, controller) = match usb {
            Some(usb) => (usb, serial),
            None => (serial.unwrap_or(usart1::line()), None),
        };
        Opened {
            link,
            controller,
            camera: eye::open(wires, port),
            output,
            button: panel::button(button, Active::Low),
        }
    }

    fn retained() -> &'static mut [u8] {
        retained()
    }

    fn relay_off() {
        pac::RCC.ahb4enr().modify(|w| w.set_gpiojen(true));
        // Reading it back lets the clock arrive.
        let _ = pac::RCC.ahb4enr().read();
        panel::relay_off(pac::GPIOJ, RELAY_PIN);
    }

    fn tell_more(text: &mut Text) {
        if !usb::is_open() {
            append(text, &usb::FAILED);
        }
    }
}

wiring::board!(
    crate::Board, crate::facts, frames: FrameMemory = frame(), frame_bytes: facts::FRAME.1, internal: internal()
);
