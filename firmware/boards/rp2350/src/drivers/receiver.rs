//! Frames from the camera's port: PIO takes the bytes ([`rp::port`]), DMA writes them to memory.
//! (RP2350 data sheet, chapter 11 and section 12.6.)
#![allow(unsafe_code)]

use core::array;

use chips::eye::{self, Progress};
use chips::wait::wait;
use embassy_rp::gpio::Pull;
use embassy_rp::pac::dma::regs::{ChTransCount, CtrlTrig};
use embassy_rp::pac::dma::vals::DataSize;
use embassy_rp::pac::io::vals::Inover;
use embassy_rp::pac::{DMA, IO_BANK0, PIO0};
use embassy_rp::peripherals::PIO0 as Block;
use embassy_rp::pio::{Config, FifoJoin, InterruptHandler, Pin, Pio, ShiftDirection, StateMachine};
use embassy_rp::{Peri, bind_interrupts, peripherals};
use embassy_time::{Duration, Instant};
use programs::FrameSource;
use rp::port::{self, Seen};
use wiring::frame::FrameMemory;

use super::clocks::CORE_MHZ;
use super::eye::{FRAME_BYTES, IS_CLOCK_INVERTED};
use crate::facts;

/// Highest pixel clock that is asked for: half of what PIO can follow.
pub const PIXEL_CLOCK_HZ: u32 = 12_000_000;
const _: () = assert!(CORE_MHZ as u32 * 1_000_000 / PIXEL_CLOCK_HZ >= 2 * port::LEAST_HALF_CYCLES);

/// The channel of DMA.
const CHANNEL: usize = 0;
/// The state machine of the bytes, and that of the frames.
const BYTES: usize = 0;
const FRAMES: usize = 1;
/// Time in which DMA stops.
const STOP_LIMIT: Duration = Duration::from_millis(5);
/// Time in which a frame must come, also at the sensor's slowest.
const FRAME_LIMIT: Duration = Duration::from_millis(2_000);

const _: () = assert!(facts::FRAME.1 >= FRAME_BYTES, "room for a frame");

bind_interrupts!(struct Interrupts {
    PIO0_IRQ_0 => InterruptHandler<Block>;
});

/// The port: D0 to D7, PCLK, HREF and VSYNC on pins in a row, and the devices that take what comes.
pub struct Port {
    /// PIO, which takes the bytes,
    pub pio: Peri<'static, Block>,
    /// and a channel of DMA, which writes them.
    pub dma: Peri<'static, peripherals::DMA_CH0>,
    /// D0.
    pub d0: Peri<'static, peripherals::PIN_6>,
    /// D1.
    pub d1: Peri<'static, peripherals::PIN_7>,
    /// D2.
    pub d2: Peri<'static, peripherals::PIN_8>,
    /// D3.
    pub d3: Peri<'static, peripherals::PIN_9>,
    /// D4.
    pub d4: Peri<'static, peripherals::PIN_10>,
    /// D5.
    pub d5: Peri<'static, peripherals::PIN_11>,
    /// D6.
    pub d6: Peri<'static, peripherals::PIN_12>,
    /// D7.
    pub d7: Peri<'static, peripherals::PIN_13>,
    /// The pixels' clock, PCLK.
    pub clock: Peri<'static, peripherals::PIN_14>,
    /// A row is being sent, HREF.
    pub row: Peri<'static, peripherals::PIN_15>,
    /// A frame is being sent, VSYNC.
    pub frame: Peri<'static, peripherals::PIN_16>,
}

/// The memory for frames; whoever comes second has none.
pub fn frame() -> FrameMemory {
    // SAFETY: RAM that no other fact names. DMA writes to it only for a receiver, which has this memory then.
    unsafe { FrameMemory::take(facts::FRAME) }
}

/// The receiver.
pub struct Receiver {
    frame: FrameMemory,
    bytes: StateMachine<'static, Block, BYTES>,
    frames: StateMachine<'static, Block, FRAMES>,
    _channel: Peri<'static, peripherals::DMA_CH0>,
    /// Where the programs start: a jump to each.
    starts: [u16; 2],
    /// When the frame was begun that is being received.
    begun: Option<Instant>,
}

impl Receiver {
    /// Turns the port on. Frames go to this memory.
    pub fn new(port: Port, frame: FrameMemory) -> Self {
        let Port { pio, dma, d0, d1, d2, d3, d4, d5, d6, d7, clock, row, frame: start } = port;
        let Pio { mut common, sm0: mut bytes, sm1: mut frames, .. } = Pio::new(pio, Interrupts);
        let mut pins: [Pin<'static, Block>; port::PINS] = [
            common.make_pio_pin(d0),
            common.make_pio_pin(d1),
            common.make_pio_pin(d2),
            common.make_pio_pin(d3),
            common.make_pio_pin(d4),
            common.make_pio_pin(d5),
            common.make_pio_pin(d6),
            common.make_pio_pin(d7),
            common.make_pio_pin(clock),
            common.make_pio_pin(row),
            common.make_pio_pin(start),
        ];
        // Wires that lead nowhere rest, and do not look like frames. (A pull-down may not: erratum RP2350-E9.)
        pins.iter_mut().for_each(|pin| pin.set_pull(Pull::Up));
        // The program takes bytes at the rising edge of what it sees.
        let edge = if IS_CLOCK_INVERTED { Inover::INVERT } else { Inover::NORMAL };
        IO_BANK0.gpio(pins[port::CLOCK].pin().into()).ctrl().modify(|w| w.set_inover(edge));
        let in_a_row: [&Pin<'static, Block>; port::PINS] = array::from_fn(|place| &pins[place]);
        let programs = [common.load_program(&port::bytes()), common.load_program(&port::frames())];
        let starts = [programs[BYTES].origin.into(), programs[FRAMES].origin.into()];
        let mut config = Config::default();
        config.set_in_pins(&in_a_row);
        config.use_program(&programs[FRAMES], &[]);
        frames.set_config(&config);
        config.use_program(&programs[BYTES], &[]);
        config.set_jmp_pin(&pins[port::ROW]);
        config.fifo_join = FifoJoin::RxOnly;
        config.shift_in.auto_fill = true;
        config.shift_in.threshold = port::PUSH_BITS;
        config.shift_in.direction = ShiftDirection::Left;
        bytes.set_config(&config);
        // The block stays as it is for ever.
        core::mem::forget(common);
        Receiver { frame, bytes, frames, _channel: dma, starts, begun: None }
    }
}

impl FrameSource for Receiver {
    fn memory(&mut self) -> &mut [u8] {
        if self.begun.is_some() { &mut [] } else { self.frame.memory() }
    }
}

impl eye::Receiver for Receiver {
    fn begin(&mut self) {
        self.stop();
        if self.is_receiving() || self.frame.memory().is_empty() {
            return;
        }
        self.bytes.restart();
        self.frames.restart();
        self.bytes.clear_fifos();
        // Both flags, and what the FIFO has to say of the last frame.
        PIO0.irq().write(|w| w.set_irq(1 << port::GO | 1 << port::END));
        let _ = self.bytes.rx().stalled();
        let [bytes, frames] = self.starts;
        // SAFETY: an address is a jump to it: each stopped state machine goes to the start of its program.
        unsafe {
            self.bytes.exec_instr(bytes);
            self.frames.exec_instr(frames);
        }
        let channel = DMA.ch(CHANNEL);
        channel.read_addr().write_value(self.bytes.rx_fifo_ptr() as u32);
        channel.write_addr().write_value(facts::FRAME.0 as u32);
        channel.trans_count().write_value(count(FRAME_BYTES as u32));
        let mut control = CtrlTrig(0);
        control.set_en(true);
        control.set_high_priority(true);
        control.set_data_size(DataSize::SIZE_BYTE);
        control.set_incr_write(true);
        control.set_treq_sel(self.bytes.rx_treq());
        // A channel that is chained to itself is chained to none.
        control.set_chain_to(CHANNEL as u8);
        channel.ctrl_trig().write_value(control);
        self.bytes.set_enable(true);
        self.frames.set_enable(true);
        self.begun = Some(Instant::now());
    }

    fn progress(&mut self) -> Progress {
        let Some(begun) = self.begun else { return Progress::Silent };
        // Looked at before the flag, so that a frame that ends in time is one.
        let is_late = begun.elapsed() >= FRAME_LIMIT;
        let has_ended = PIO0.irq().read().irq() & 1 << port::END != 0;
        let channel = DMA.ch(CHANNEL);
        let seen = Seen {
            has_ended,
            has_stalled: PIO0.fdebug().read().rxstall() & 1 << BYTES != 0,
            waiting: self.bytes.rx().level().into(),
            is_moving: channel.ctrl_trig().read().busy(),
            left: channel.trans_count().read().count(),
        };
        match seen.progress(FRAME_BYTES as u32) {
            Progress::Waiting if !is_late => Progress::Waiting,
            Progress::Waiting => {
                self.stop();
                Progress::Silent
            }
            over => {
                self.stop();
                over
            }
        }
    }

    fn is_receiving(&self) -> bool {
        self.begun.is_some()
    }

    fn stop(&mut self) {
        self.frames.set_enable(false);
        self.bytes.set_enable(false);
        let channel = DMA.ch(CHANNEL);
        // Not enabled any more before it is aborted: erratum RP2350-E5.
        channel.al1_ctrl().write_value(0);
        DMA.chan_abort().write(|w| w.set_chan_abort(1 << CHANNEL));
        // DMA ends what it has begun. Should it not, the memory stays closed.
        let is_idle =
            || DMA.chan_abort().read().chan_abort() & 1 << CHANNEL == 0 && !channel.ctrl_trig().read().busy();
        if wait(STOP_LIMIT, is_idle).is_ok() {
            self.begun = None;
        }
    }
}

/// A count of transfers, once.
fn count(transfers: u32) -> ChTransCount {
    let mut count = ChTransCount(0);
    count.set_count(transfers);
    count
}
