//! The chip's clocks.
//!
//! | clock | Hz | from |
//! |---|---|---|
//! | core | 480 M, needs silicon revision V | PLL1, crystal of 25 MHz |
//! | AXI and AHB, QUADSPI's input | 240 M | core / 2 |
//! | APB, UART, I²C | 120 M | AHB / 2 |
//! | USB | 48 M | PLL3, which is as exact as the crystal |
//! | random numbers, the camera's clock | 48 M | HSI48 |

use embassy_stm32::time::Hertz;
use embassy_stm32::{Config, Peripherals, rcc};
use embassy_time::Instant;

/// The core's clock, MHz.
pub const CORE_MHZ: u64 = 480;

/// Starts all clocks; called once. Hangs if the crystal does not swing: a watchdog that runs already ends that.
pub fn start() -> Peripherals {
    let mut config = Config::default();
    let pll = rcc::Pll {
        source: rcc::PllSource::HSE,
        prediv: rcc::PllPreDiv::DIV5,
        mul: rcc::PllMul::MUL192,
        fracn: None,
        divp: Some(rcc::PllDiv::DIV2),
        divq: None,
        divr: None,
    };
    let clocks = &mut config.rcc;
    clocks.hse = Some(rcc::Hse { freq: Hertz::mhz(25), mode: rcc::HseMode::Oscillator });
    clocks.pll1 = Some(pll);
    // With 5 MHz at its input a PLL must run in its wide range, which `embassy-stm32` chooses above 420 MHz.
    clocks.pll3 =
        Some(rcc::Pll { mul: rcc::PllMul::MUL96, divp: None, divq: Some(rcc::PllDiv::DIV10), ..pll });
    clocks.sys = rcc::Sysclk::PLL1_P;
    clocks.voltage_scale = rcc::VoltageScale::Scale0;
    clocks.ahb_pre = rcc::AHBPrescaler::DIV2;
    clocks.apb1_pre = rcc::APBPrescaler::DIV2;
    clocks.apb2_pre = rcc::APBPrescaler::DIV2;
    clocks.apb3_pre = rcc::APBPrescaler::DIV2;
    clocks.apb4_pre = rcc::APBPrescaler::DIV2;
    // The I/O compensation cell needs it.
    clocks.csi = true;
    clocks.mux.usbsel = rcc::mux::Usbsel::PLL3_Q;
    clocks.mux.rngsel = rcc::mux::Rngsel::HSI48;
    embassy_stm32::init(config)
}

/// Cycles of the core since the clocks were started, in steps of a microsecond.
pub fn cycles() -> u64 {
    Instant::now().as_micros() * CORE_MHZ
}
