//! Frames from the camera's port: DCMI takes the bytes, DMA writes them to memory. (ST RM0433, sections 34, 16 and 18.)
//!
//! One frame at a time: DCMI waits for its start, takes it, and stops. An overrun or a frame of another length is dropped and
//! counted.
#![allow(unsafe_code)]

use chips::eye::{Progress, Receiver as _};
use chips::wait::wait;
use embassy_stm32::gpio::{AfType, AnyPin, Flex, Pull};
use embassy_stm32::pac::dcmi::regs::Icr;
use embassy_stm32::pac::dma::regs::Ixr;
use embassy_stm32::pac::dma::vals::{Burst, Dir, Dmdis, Fth, Pl, Size};
use embassy_stm32::pac::{DCMI, DMA1, DMAMUX1};
use embassy_stm32::{Peri, pac, peripherals, rcc};
use embassy_time::{Duration, Instant};
use programs::FrameSource;
use wiring::frame::FrameMemory;

use crate::cache;

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

/// The port's pins, as the board has them.
pub struct Pins {
    /// The eight data lines, the lowest first.
    pub data: [Peri<'static, AnyPin>; 8],
    /// A row is being sent.
    pub hsync: Peri<'static, AnyPin>,
    /// A frame is being sent.
    pub vsync: Peri<'static, AnyPin>,
    /// The pixels' clock.
    pub clock: Peri<'static, AnyPin>,
}

/// The edge of the pixels' clock at which bytes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It rises, as an OV2640 has it.
    Rising,
    /// It falls.
    Falling,
}

/// The receiver.
pub struct Receiver {
    frame: FrameMemory,
    frame_bytes: usize,
    /// When the frame was begun that is being received.
    begun: Option<Instant>,
}

impl Receiver {
    /// Turns the port on. Frames of so many bytes go to this memory, or none if it has no room for them.
    ///
    /// # Panics
    /// When DMA does not count so many bytes: they are a multiple of 16, and less than 262,144.
    pub fn new(pins: Pins, edge: Edge, frame: FrameMemory, frame_bytes: usize) -> Self {
        // It moves four words at once, and counts words in 16 bits.
        assert!(frame_bytes.is_multiple_of(16) && frame_bytes / 4 < 1 << 16, "a frame that DMA can count");
        let Pins { data, hsync, vsync, clock } = pins;
        let pins = data.into_iter().chain([hsync, vsync, clock]);
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
            w.set_pckpol(edge == Edge::Rising);
            // As the sensors send: HREF is high in a row, VSYNC is high in a frame.
            w.set_hspol(false);
            w.set_vspol(false);
        });
        Receiver { frame, frame_bytes, begun: None }
    }
}

impl chips::eye::Receiver for Receiver {
    fn begin(&mut self) {
        self.stop();
        let (address, bytes) = self.frame.region();
        if self.is_receiving() || bytes < self.frame_bytes {
            return;
        }
        // What the program wrote to the memory must not reach it later.
        cache::flush(address, bytes);
        let stream = DMA1.st(STREAM);
        stream.par().write_value(DCMI.dr().as_ptr() as u32);
        stream.m0ar().write_value(address as u32);
        stream.ndtr().write(|w| w.set_ndt((self.frame_bytes / 4) as u16));
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

    fn progress(&mut self) -> Progress {
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
                    Progress::Short(self.frame_bytes - 4 * left)
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

    fn is_receiving(&self) -> bool {
        self.begun.is_some()
    }

    fn stop(&mut self) {
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
            let (address, bytes) = self.frame.region();
            // SAFETY: the program has written nothing to these lines since `begin`; DMA has.
            unsafe { cache::forget(address, bytes) };
        }
    }
}

/// Nothing while a frame is awaited.
impl FrameSource for Receiver {
    fn memory(&mut self) -> &mut [u8] {
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
