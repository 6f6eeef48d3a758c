//! The controller with a full-speed transceiver of its own, which ST calls OTG2_HS as well as OTG_FS.

use embassy_stm32::interrupt::Interrupt;
use embassy_stm32::pac::otg::Otg;
use embassy_stm32::{Peri, interrupt, pac, peripherals, rcc};
use synopsys_usb_otg::PhyType;

/// The interrupt of the controller.
pub const INTERRUPT: Interrupt = Interrupt::OTG_FS;

/// The controller's registers.
pub const REGISTERS: Otg = pac::USB_OTG_FS;
/// What the transceiver is.
pub const TYPE: PhyType = PhyType::InternalFullSpeed;

/// Turns the controller on.
pub fn enable() {
    rcc::enable_and_reset::<peripherals::USB_OTG_FS>();
    critical_section::with(|_| {
        // The transceiver's supply is detected; the board feeds it.
        pac::PWR.cr3().modify(|w| w.set_usb33den(true));
        // There is no external transceiver, whose clock a sleeping core would wait for.
        pac::RCC.ahb1lpenr().modify(|w| w.set_usb_otg_fs_ulpilpen(false));
    });
}

/// The connector's pins.
pub struct Pins {
    /// D−.
    pub minus: Peri<'static, peripherals::PA11>,
    /// D+.
    pub plus: Peri<'static, peripherals::PA12>,
}

impl Pins {
    /// Gives the pins to the controller.
    pub fn open(self) -> Option<()> {
        super::give(self.minus.into());
        super::give(self.plus.into());
        Some(())
    }
}

/// Shows the device to the computer, which the controller has done already.
pub fn connect() {}

#[interrupt]
fn OTG_FS() {
    super::serve();
}
