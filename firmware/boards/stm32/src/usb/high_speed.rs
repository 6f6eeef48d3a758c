//! The first of an STM32N6's two controllers, with a high-speed transceiver of the chip, at full speed. (ST RM0486, chapters USBPHYC, RCC
//! and PWR, and ST's examples for the order of resets.)
//!
//! The transceiver wants a crystal's clock of 24 MHz: half of that of a crystal of 48 MHz.
#![allow(unsafe_code)]

use core::ptr;

use chips::wait::wait;
use embassy_stm32::interrupt::Interrupt;
use embassy_stm32::pac::otg::Otg;
use embassy_stm32::pac::pwr::vals::{Usb33rdy, Usb33sv};
use embassy_stm32::pac::rcc::regs::{Ahb5rstcr, Ahb5rstsr};
use embassy_stm32::pac::rcc::vals::{Hsedivbyp, Otgphysel};
use embassy_stm32::{interrupt, pac};
use embassy_time::{Duration, block_for};
use synopsys_usb_otg::PhyType;

/// The interrupt of the controller.
pub const INTERRUPT: Interrupt = Interrupt::USB1_OTG_HS;
/// The controller's registers.
pub const REGISTERS: Otg = pac::USB1_OTG_HS;
/// What the transceiver is.
pub const TYPE: PhyType = PhyType::InternalHighSpeed;

/// Time in which the crystal swings, and then the supply is there.
const START_LIMIT: Duration = Duration::from_millis(100);
/// Time between the steps of a reset.
const STEP: Duration = Duration::from_millis(1);
/// The reset of the transceiver's registers, which `stm32-metapac` does not name.
const TRANSCEIVER_REGISTERS: u32 = 1 << 23;
/// The transceiver's control register. It answers only while the controller has its clock.
const CONTROL: usize = 0x4803_fc00;
/// The frequency of the clock, and 24 MHz.
const FREQUENCY: u32 = 0b111 << 4;
const MHZ_24: u32 = 0b010 << 4;
/// The transceiver stays on in suspend, without OTG's comparator.
const ALWAYS: u32 = 1 << 16 | 1 << 2 | 1;

/// The connector's pins, which have no other use.
pub struct Pins;

impl Pins {
    /// Starts crystal and supply. `None` if one of them does not come.
    pub fn open(self) -> Option<()> {
        let (rcc, pwr) = (pac::RCC, pac::PWR);
        rcc.csr().write(|w| w.set_hseons(true));
        wait(START_LIMIT, || rcc.sr().read().hserdy()).ok()?;
        pwr.svmcr3().modify(|w| w.set_usb33vmen(true));
        wait(START_LIMIT, || pwr.svmcr3().read().usb33rdy() == Usb33rdy::B_0X1).ok()?;
        pwr.svmcr3().modify(|w| w.set_usb33sv(Usb33sv::B_0X1));
        rcc.ccipr6().modify(|w| {
            w.set_otgphy1sel(Otgphysel::HSE_DIV2_OSC);
            w.set_otgphy1ckrefsel(true);
        });
        Some(())
    }
}

/// Turns controller and transceiver on.
pub fn enable() {
    let rcc = pac::RCC;
    rcc.ahb5rstsr().write_value(Ahb5rstsr(TRANSCEIVER_REGISTERS));
    rcc.ahb5rstsr().write(|w| {
        w.set_otg1rsts(true);
        w.set_otgphy1rsts(true);
    });
    rcc.hsecfgr().modify(|w| w.set_hsediv2byp(Hsedivbyp::DIV2));
    rcc.ahb5rstcr().write_value(Ahb5rstcr(TRANSCEIVER_REGISTERS));
    rcc.ahb5ensr().write(|w| w.set_otg1ens(true));
    block_for(STEP);
    let control = ptr::with_exposed_provenance_mut::<u32>(CONTROL);
    // SAFETY: the register is at this address, nothing else uses it, and the controller has its clock.
    unsafe { control.write_volatile(control.read_volatile() & !FREQUENCY | MHZ_24 | ALWAYS) };
    rcc.ahb5rstcr().write(|w| w.set_otgphy1rstc(true));
    block_for(STEP);
    rcc.ahb5rstcr().write(|w| w.set_otg1rstc(true));
    rcc.ahb5ensr().write(|w| w.set_otgphy1ens(true));
    block_for(STEP);
}

/// Shows the device to the computer. The connector's voltage is not measured.
pub fn connect() {
    REGISTERS.gccfg_v3().modify(|w| {
        w.set_vbvaloven(true);
        w.set_vbvaloval(true);
    });
    super::show_at_full_speed();
}

#[interrupt]
fn USB1_OTG_HS() {
    super::serve();
}
