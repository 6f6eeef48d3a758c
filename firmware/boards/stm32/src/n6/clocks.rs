//! The clocks of an STM32N657.
//!
//! | clock | MHz | from |
//! |---|---:|---|
//! | core | 600 | PLL1 |
//! | AXI | 300 | PLL1 / 2 |
//! | AHB, APB, UART | 150 | AXI / 2 |
//! | XSPI2's input | 64 | PLL2, which passes HSI on |
//!
//! All come from the chip's own 64 MHz, which are exact within a percent or so: a UART lives with that, and there is no
//! crystal to wait for. 600 MHz need no higher voltage than the chip has after a reset.

use embassy_stm32::Config;
use embassy_stm32::rcc::mux::Xspisel;
use embassy_stm32::rcc::{CpuClk, IcConfig, Icint, Icsel, Pll, Plldivm, Pllpdiv, Pllsel, SysClk};

/// The core's clock.
pub const CORE_MHZ: u64 = 600;

/// A clock of PLL1's 1,200 MHz, divided.
const fn of_pll1(divider: u8) -> Option<IcConfig> {
    Some(IcConfig { source: Icsel::PLL1, divider: Icint::from_bits(divider - 1) })
}

/// The settings of `embassy-stm32`.
pub fn config() -> Config {
    let mut config = Config::default();
    let clocks = &mut config.rcc;
    clocks.pll1 = Some(Pll::Oscillator {
        source: Pllsel::HSI,
        divm: Plldivm::from_bits(4),
        fractional: 0,
        divn: 75,
        divp1: Pllpdiv::from_bits(1),
        divp2: Pllpdiv::from_bits(1),
    });
    clocks.ic1 = of_pll1(2);
    clocks.ic2 = of_pll1(4);
    clocks.ic6 = of_pll1(4);
    clocks.ic11 = of_pll1(4);
    clocks.cpu = CpuClk::Ic1;
    clocks.sys = SysClk::Ic2;
    clocks.ic4 = Some(IcConfig { source: Icsel::PLL2, divider: Icint::from_bits(0) });
    clocks.mux.xspi2sel = Xspisel::IC4;
    // The flash chip's supply.
    clocks.vddio3_1v8 = true;
    config
}
