//! The watchdog: it counts microseconds, nothing stops it, and it restarts the chip but for its oscillators.
//! (RP2350 data sheet, sections 7.5, 7.6 and 8.5.)

use embassy_rp::pac::psm::regs::Wdsel;
use embassy_rp::pac::watchdog::regs::Load;
use embassy_rp::pac::{PSM, TICKS, WATCHDOG};

/// Time that the chip may go without an achievement, in milliseconds. The longest step is a commit of the store, in which
/// each erased page is an achievement.
pub const LIMIT_MS: u32 = 8_000;

/// Periods of its clock in about a microsecond while the ring oscillator drives it.
const RING_CYCLES: u32 = 12;

const _: () = assert!(LIMIT_MS * 1_000 < 1 << 24, "it counts in 24 bits");

/// Starts it, for ever. Before the clocks are started it counts the ring oscillator, which is inexact: it may wait a third of its
/// time, or three times as long.
pub fn start() {
    WATCHDOG.ctrl().modify(|w| w.set_enable(false));
    restart_all();
    if !TICKS.watchdog_ctrl().read().enable() {
        TICKS.watchdog_cycles().write(|w| w.0 = RING_CYCLES);
        TICKS.watchdog_ctrl().write(|w| w.set_enable(true));
    }
    feed();
    WATCHDOG.ctrl().write(|w| w.set_enable(true));
}

/// Tells it that something was achieved. Without a start it does nothing.
pub fn feed() {
    WATCHDOG.load().write_value(Load(LIMIT_MS * 1_000));
}

/// Chooses what is restarted: everything but ring and crystal oscillator.
fn restart_all() {
    let mut parts = Wdsel(0x01ff_ffff);
    parts.set_rosc(false);
    parts.set_xosc(false);
    PSM.wdsel().write_value(parts);
}

/// Restarts the chip now.
pub fn restart() -> ! {
    restart_all();
    WATCHDOG.ctrl().modify(|w| w.set_trigger(true));
    loop {
        cortex_m::asm::nop();
    }
}
