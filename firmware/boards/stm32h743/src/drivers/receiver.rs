//! Frames from the camera's port: DCMI takes the bytes, DMA writes them to memory. (ST RM0433, sections 34, 16 and 18.)
//!
//! One frame at a time: DCMI waits for its start, takes it, and stops. An overrun or a frame of another length is dropped and
//! counted.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use core::{ptr, slice};

use embassy_stm32::gpio::{AfType, AnyPin, Flex, Pull};
use embassy_stm32::pac::dcmi::regs::Icr;
use embassy_stm32::pac::dma::regs::Ixr;
use embassy_stm32::pac::dma::vals::{Burst, Dir, Dmdis, Fth, Pl, Size};
use embassy_stm32::pac::{DCMI, DMA1, DMAMUX1};
use embassy_stm32::{Peri, pac, peripherals, rcc};
use embassy_time::{Duration, Instant};
use programs::FrameSource;

use super::clocks::wait;
use super::core_memory::{self, LINE_BYTES};
use crate::facts;

/// Bytes of a frame: 320×240 pixels of two bytes.
pub const FRAME_BYTES: usize = 320 * 240 * 2;
/// The stream of DMA1, and of its multiplexer.
const STREAM: usize = 0;
/// DCMI's request at the multiplexer.
const REQUEST: u8 = 75;
/// DCMI's function of its pins.
const PIN_AF: u8 = 13;
/// Time in which DMA stops.
const STOP_LIMIT: Duration = Duration::from_millis(5);
/// Time in which a frame must come, also at the sensor's slowest.
const FRAME_LIMIT: Duration = Duration::from_millis(2_000);

// DMA counts words in 16 bits.
const _: () = assert!(FRAME_BYTES.is_multiple_of(16) && FRAME_BYTES / 4 < 1 << 16);
// The cache is told of whole lines, in which nothing else lies.
const _: () = assert!(facts::FRAME.0.is_multiple_of(LINE_BYTES) && facts::FRAME.1.is_multiple_of(LINE_BYTES));
const _: () = assert!(facts::FRAME.1 >= FRAME_BYTES, "room for a frame");

/// The port's pins, as the board has them.
pub struct Pins {
    /// The eight data lines, the lowest first.
    pub data: [Peri<'static, AnyPin>; 8],
    /// A row is being sent.
    pub hsync: Peri<'static, peripherals::PA4>,
    /// A frame is being sent.
    pub vsync: Peri<'static, peripherals::PB7>,
    /// The pixels' clock.
    pub clock: Peri<'static, peripherals::PA6>,
}

/// What has become of the frame that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is not complete.
    Waiting,
    /// It lies in the memory.
    Complete,
    /// Bytes were lost, as memory was too slow.
    Overrun,
    /// It ended after so many bytes.
    Short(usize),
    /// It does not end where it should.
    Long,
    /// No frame came.
    Silent,
}

/// The memory for frames.
pub struct FrameMemory {
    is_first: bool,
}

impl FrameMemory {
    /// The memory; whoever comes second has none.
    pub fn take() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        FrameMemory { is_first: !TAKEN.swap(true, Ordering::Relaxed) }
    }
}

impl FrameSource for FrameMemory {
    fn memory(&mut self) -> &mut [u8] {
        if !self.is_first {
            return &mut [];
        }
        let (address, bytes) = facts::FRAME;
        // SAFETY: RAM that no other fact names, which is taken once and is borrowed here. DMA writes to it only while a
        // receiver, which has it then, lends it to nobody. Any content is a slice of bytes.
        unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), bytes) }
    }
}

/// The receiver.
pub struct Receiver {
    frame: FrameMemory,
    /// When the frame was begun that is being received.
    begun: Option<Instant>,
}

impl Receiver {
    /// Turns the port on. Frames go to this memory.
    pub fn new(pins: Pins, frame: FrameMemory) -> Self {
        let Pins { data, hsync, vsync, clock } = pins;
        let pins = data.into_iter().chain([hsync.into(), vsync.into(), clock.into()]);
        for pin in pins {
            let mut pin = Flex::new(pin);
            pin.set_as_af_unchecked(PIN_AF, AfType::input(Pull::None));
            core::mem::forget(pin);
        }
        rcc::enable_and_reset::<peripherals::DCMI>();
        critical_section::with(|_| pac::RCC.ahb1enr().modify(|w| w.set_dma1en(true)));
        let _ = pac::RCC.ahb1enr().read();
        DMAMUX1.ccr(STREAM).write(|w| w.set_dmareq_id(REQUEST));
        DCMI.cr().write(|w| {
            // One frame at a time.
            w.set_cm(true);
            // As an OV2640 sends: bytes are stable when the clock rises, HREF is high in a row, VSYNC is high in a frame.
            w.set_pckpol(true);
            w.set_hspol(false);
            w.set_vspol(false);
        });
        Receiver { frame, begun: None }
    }

    /// Begins to wait for a frame. The memory belongs to DMA until [`Self::progress`] says otherwise or [`Self::stop`] is
    /// called.
    pub fn begin(&mut self) {
        self.stop();
        if self.is_receiving() || self.frame.memory().is_empty() {
            return;
        }
        // What the program wrote to the memory must not reach it later.
        core_memory::flush(facts::FRAME.0, facts::FRAME.1);
        let stream = DMA1.st(STREAM);
        stream.par().write_value(DCMI.dr().as_ptr() as u32);
        stream.m0ar().write_value(facts::FRAME.0 as u32);
        stream.ndtr().write(|w| w.set_ndt((FRAME_BYTES / 4) as u16));
        stream.fcr().write(|w| {
            w.set_dmdis(Dmdis::DISABLED);
            w.set_fth(Fth::FULL);
        });
        stream.cr().write(|w| {
            w.set_dir(Dir::PERIPHERAL_TO_MEMORY);
            w.set_minc(true);
            w.set_psize(Size::BITS32);
            w.set_msize(Size::BITS32);
            w.set_mburst(Burst::INCR4);
            w.set_pl(Pl::VERY_HIGH);
            w.set_en(true);
        });
        DCMI.cr().modify(|w| w.set_enable(true));
        DCMI.cr().modify(|w| w.set_capture(true));
        self.begun = Some(Instant::now());
    }

    /// What has become of the frame. After [`Progress::Waiting`] it is still awaited, after all others not.
    pub fn progress(&mut self) -> Progress {
        let Some(begun) = self.begun else { return Progress::Silent };
        let is_full = || DMA1.isr(STREAM / 4).read().tcif(STREAM % 4);
        let port = DCMI.ris().read();
        let progress = if port.ovr_ris() || DMA1.isr(STREAM / 4).read().teif(STREAM % 4) {
            // With the memory full, what is lost is too much.
            if is_full() { Progress::Long } else { Progress::Overrun }
        } else if port.frame_ris() {
            // The last words may still be on their way.
            match wait(STOP_LIMIT, is_full) {
                Ok(()) => Progress::Complete,
                Err(_) => {
                    let left = usize::from(DMA1.st(STREAM).ndtr().read().ndt());
                    Progress::Short(FRAME_BYTES - 4 * left)
                }
            }
        } else if begun.elapsed() < FRAME_LIMIT {
            return Progress::Waiting;
        } else {
            Progress::Silent
        };
        self.stop();
        progress
    }

    /// Whether a frame is awaited.
    pub fn is_receiving(&self) -> bool {
        self.begun.is_some()
    }

    /// Receives nothing any more.
    pub fn stop(&mut self) {
        DCMI.cr().modify(|w| {
            w.set_capture(false);
            w.set_enable(false);
        });
        let stream = DMA1.st(STREAM);
        stream.cr().modify(|w| w.set_en(false));
        // DMA ends what it has begun. Should it not, the memory stays closed below.
        let is_stopped = wait(STOP_LIMIT, || !stream.cr().read().en()).is_ok();
        DMA1.ifcr(STREAM / 4).write_value(stream_flags());
        let mut flags = Icr(0);
        flags.set_frame_isc(true);
        flags.set_ovr_isc(true);
        flags.set_err_isc(true);
        DCMI.icr().write_value(flags);
        if self.begun.is_some() && is_stopped {
            self.begun = None;
            // SAFETY: the program has written nothing to these lines since `begin`; DMA has.
            unsafe { core_memory::forget(facts::FRAME.0, facts::FRAME.1) };
        }
    }

    /// The memory; nothing while a frame is awaited.
    pub fn memory(&mut self) -> &mut [u8] {
        if self.is_receiving() { &mut [] } else { self.frame.memory() }
    }
}

fn stream_flags() -> Ixr {
    let mut flags = Ixr(0);
    let stream = STREAM % 4;
    flags.set_tcif(stream, true);
    flags.set_htif(stream, true);
    flags.set_teif(stream, true);
    flags.set_dmeif(stream, true);
    flags.set_feif(stream, true);
    flags
}
