//! The board as the programs see it.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_stm32::{Peripherals, bind_interrupts, peripherals, rng, uid};
use programs::app::device::{MAX_SERIAL, Platform};
use programs::app::sight::Observer;
use programs::store::{Layout, keys};
use programs::{Counter, DoorBoard, cortex};

use crate::drivers::eye::Eye;
use crate::drivers::flash::Part;
use crate::drivers::line::Line;
use crate::drivers::panel::{self, Button, Switches};
use crate::drivers::sector::Sector;
use crate::drivers::{clocks, core_memory, quadspi, uart, usb, watchdog};
use crate::{Board, facts};

/// Pages of the store: of its counters, and of each half for people.
const LOG_PAGES: u32 = 2;
const HALF_PAGES: u32 = (facts::STORE.1 as u32 / quadspi::PAGE_BYTES - LOG_PAGES) / 2;

bind_interrupts!(struct Interrupts {
    HASH_RNG => rng::InterruptHandler<peripherals::RNG>;
});
