//! The independent watchdog: it runs from its own clock, nothing stops it, and it restarts the chip.
//! (ST RM0433, section 46; RM0486.)

#[cfg(feature = "n6")]
use embassy_stm32::pac::IWDG;
#[cfg(feature = "h7")]
use embassy_stm32::pac::IWDG1 as IWDG;
use embassy_stm32::pac::iwdg::vals::{Key, Pr};

/// Time that the chip may go without an achievement, in milliseconds. The longest step is a commit of the store, in which
/// each erased page is an achievement.
pub const LIMIT_MS: u32 = 8_000;

/// Of its clock, divided by 64, in a second; the clock is inexact by some percent.
const TICKS_A_SECOND: u32 = 32_000 / 64;

/// Starts it, for ever.
pub fn start() {
    IWDG.kr().write(|w| w.set_key(Key::START));
    IWDG.kr().write(|w| w.set_key(Key::ENABLE));
    IWDG.pr().write(|w| w.set_pr(Pr::DIVIDE_BY64));
    IWDG.rlr().write(|w| w.set_rl((LIMIT_MS / 1_000 * TICKS_A_SECOND - 1) as u16));
    // Both arrive some periods later. Feeding before that would be lost, and does no harm.
    for _ in 0..100_000 {
        let state = IWDG.sr().read();
        if !state.pvu() && !state.rvu() {
            break;
        }
    }
    feed();
}

/// Tells it that something was achieved. Without a start it does nothing.
pub fn feed() {
    IWDG.kr().write(|w| w.set_key(Key::RESET));
}
