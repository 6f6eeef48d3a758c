//! The controller OTG_HS with a transceiver of its own on the board, on the twelve wires of ULPI. (UTMI+ Low Pin Interface, revision 1.1;
//! Microchip DS00001792, USB3320.)

use chips::wait::wait;
use embassy_stm32::gpio::{AnyPin, Flex, Level, Output, Pull, Speed};
use embassy_stm32::interrupt::Interrupt;
use embassy_stm32::pac::otg::Otg;
use embassy_stm32::{Peri, interrupt, pac, peripherals, rcc};
use embassy_time::{Duration, block_for};
use synopsys_usb_otg::PhyType;

/// The interrupt of the controller.
pub const INTERRUPT: Interrupt = Interrupt::OTG_HS;

/// Time for which the transceiver is reset. A restart of this chip alone does not reset it.
const RESET: Duration = Duration::from_millis(2);
/// Time in which the transceiver wakes, and then its clock swings both ways. Without that clock the controller never ends its reset.
const WAKE_LIMIT: Duration = Duration::from_millis(100);

/// The controller's registers.
pub const REGISTERS: Otg = pac::USB_OTG_HS;
/// What the transceiver is.
pub const TYPE: PhyType = PhyType::ExternalHighSpeed;

/// Turns the controller on.
pub fn enable() {
    rcc::enable_and_reset::<peripherals::USB_OTG_HS>();
    critical_section::with(|_| {
        pac::RCC.ahb1enr().modify(|w| w.set_usb_otg_hs_ulpien(true));
        pac::RCC.ahb1lpenr().modify(|w| w.set_usb_otg_hs_ulpilpen(true));
    });
}

/// The wires to the transceiver.
pub struct Pins {
    /// RESETB: low resets it.
    pub reset: Peri<'static, AnyPin>,
    /// CLK: 60 MHz from the transceiver.
    pub clock: Peri<'static, AnyPin>,
    /// DIR: high while the transceiver has the data wires, or sleeps.
    pub direction: Peri<'static, AnyPin>,
    /// NXT.
    pub next: Peri<'static, AnyPin>,
    /// STP, which also wakes the transceiver.
    pub stop: Peri<'static, AnyPin>,
    /// D0 to D7.
    pub data: [Peri<'static, AnyPin>; 8],
}

impl Pins {
    /// Resets the transceiver, wakes it, and gives the wires to the controller. `None` if it does not wake.
    pub fn open(self) -> Option<()> {
        let Pins { reset, mut clock, mut direction, next, mut stop, data } = self;
        let mut reset = Output::new(reset, Level::Low, Speed::Low);
        block_for(RESET);
        reset.set_high();
        core::mem::forget(reset);
        {
            let _stop = Output::new(stop.reborrow(), Level::High, Speed::VeryHigh);
            let mut direction = Flex::new(direction.reborrow());
            direction.set_as_input(Pull::None);
            wait(WAKE_LIMIT, || direction.is_low()).ok()?;
            let mut clock = Flex::new(clock.reborrow());
            clock.set_as_input(Pull::None);
            // Both levels are seen within some looks, because the core's clock and the transceiver's are independent.
            wait(WAKE_LIMIT, || clock.is_high()).ok()?;
            wait(WAKE_LIMIT, || clock.is_low()).ok()?;
        }
        [clock, direction, next, stop].into_iter().chain(data).for_each(super::give);
        Some(())
    }
}

/// Shows the device to the computer.
pub fn connect() {
    super::show_at_full_speed();
}

#[interrupt]
fn OTG_HS() {
    super::serve();
}
