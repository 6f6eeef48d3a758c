//! The chip's clocks.
//!
//! | clock | Hz | from |
//! |---|---|---|
//! | core, buses, UART, I²C, PIO | 150 M | the system's PLL, crystal of 12 MHz |
//! | USB | 48 M | USB's PLL, crystal |
//! | the camera | 24 M | USB's PLL / 2 |
//! | flash | as the boot ROM found that it works | core |

use embassy_rp::Peripherals;
use embassy_rp::config::Config;

/// The core's clock, MHz.
pub const CORE_MHZ: u64 = 150;

/// Starts all clocks; called once. Hangs if the crystal does not swing: a watchdog that runs already ends that.
pub fn start() -> Peripherals {
    embassy_rp::init(Config::default())
}
