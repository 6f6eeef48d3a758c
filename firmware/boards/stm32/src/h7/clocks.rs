//! The clocks of an STM32H7.
//!
//! | clock | from |
//! |---|---|
//! | core | PLL1 |
//! | AXI and AHB, QUADSPI's input | core / 2 |
//! | APB, UART, I²C | AHB / 2 |
//! | USB | PLL3, 48 MHz, which is as exact as the crystal; without it HSI48, which follows the computer |
//! | random numbers, a camera's clock on MCO1 | HSI48 |
//!
//! The crystal, or another source of 25 MHz, is looked for first, with a limit. Without it the chip's own 64 MHz take its place, which
//! are exact within some percent. All other waits of `embassy-stm32` are for parts of the chip itself: if one of these does not
//! start, the watchdog starts the chip anew.

use chips::trouble::NoCrystal;
use embassy_stm32::rcc::mux::{Rngsel, Usbsel};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, HSIPrescaler, Hse, HseMode, Hsi48Config, Pll, PllDiv, PllMul, PllPreDiv,
    PllSource, Sysclk, VoltageScale,
};
use embassy_stm32::time::Hertz;
use embassy_stm32::{Config, pac};

/// Looks at the crystal before it counts as missing: some 100 ms, as the core runs at 64 MHz then. It takes a few.
const LOOKS: u32 = 1_000_000;

/// How fast the core runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// 480 MHz. Needs silicon revision V and the LDO as supply.
    Mhz480,
    /// 400 MHz.
    Mhz400,
}

/// The settings of `embassy-stm32` for a crystal of 25 MHz, or another source in this mode; also whether there is none.
pub fn config(core: Core, mode: HseMode) -> (Config, Option<NoCrystal>) {
    let has_crystal = has_crystal(mode);
    // At its input a PLL has 5 or 4 MHz, for which it must run in its wide range, which `embassy-stm32` chooses above 420 MHz.
    let (source, prediv) =
        if has_crystal { (PllSource::HSE, PllPreDiv::DIV5) } else { (PllSource::HSI, PllPreDiv::DIV16) };
    let mul = match (core, has_crystal) {
        (Core::Mhz480, true) => PllMul::MUL192,
        (Core::Mhz480, false) => PllMul::MUL240,
        (Core::Mhz400, true) => PllMul::MUL160,
        (Core::Mhz400, false) => PllMul::MUL200,
    };
    let pll = Pll {
        source,
        prediv,
        mul,
        #[cfg(feature = "h743")]
        fracn: None,
        divp: Some(PllDiv::DIV2),
        divq: None,
        divr: None,
    };
    let mut config = Config::default();
    let clocks = &mut config.rcc;
    if has_crystal {
        clocks.hse = Some(Hse { freq: Hertz::mhz(25), mode });
        clocks.pll3 = Some(Pll { mul: PllMul::MUL96, divp: None, divq: Some(PllDiv::DIV10), ..pll });
        clocks.mux.usbsel = Usbsel::PLL3_Q;
    } else {
        clocks.hsi = Some(HSIPrescaler::DIV1);
        clocks.hsi48 = Some(Hsi48Config { sync_from_usb: true });
        clocks.mux.usbsel = Usbsel::HSI48;
    }
    clocks.pll1 = Some(pll);
    clocks.sys = Sysclk::PLL1_P;
    clocks.voltage_scale = match core {
        Core::Mhz480 => VoltageScale::Scale0,
        Core::Mhz400 => VoltageScale::Scale1,
    };
    clocks.ahb_pre = AHBPrescaler::DIV2;
    clocks.apb1_pre = APBPrescaler::DIV2;
    clocks.apb2_pre = APBPrescaler::DIV2;
    clocks.apb3_pre = APBPrescaler::DIV2;
    clocks.apb4_pre = APBPrescaler::DIV2;
    // The I/O compensation cell needs it.
    clocks.csi = true;
    clocks.mux.rngsel = Rngsel::HSI48;
    (config, (!has_crystal).then_some(NoCrystal))
}

/// Turns the source on, and looks whether it comes.
fn has_crystal(mode: HseMode) -> bool {
    pac::RCC.cr().modify(|w| w.set_hsebyp(mode != HseMode::Oscillator));
    pac::RCC.cr().modify(|w| w.set_hseon(true));
    let is_there = (0..LOOKS).any(|_| pac::RCC.cr().read().hserdy());
    if !is_there {
        pac::RCC.cr().modify(|w| w.set_hseon(false));
    }
    is_there
}
