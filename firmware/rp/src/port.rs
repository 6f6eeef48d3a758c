//! A camera's parallel port: two PIO programs that take its frames, and what became of a frame.
//! (RP2350 data sheet, chapter 11.)
//!
//! A state machine watches VSYNC and says when a frame starts and ends. Another one takes a byte at each rising edge of PCLK at
//! which HREF is high, and gives it to DMA through its FIFO. HREF is read together with the data, in the middle of a period: at
//! PCLK's falling edge, at which a sensor changes it, either level could be read.
//!
//! The pins are eleven in a row: D0 to D7, then PCLK, HREF and VSYNC. A sensor with other edges or levels needs inverted inputs.

use chips::eye::Progress;
use pio::{Program, RP2040_MAX_PROGRAM_SIZE, pio_asm};

/// Place of PCLK among the pins, from D0.
pub const CLOCK: usize = 8;
/// Place of HREF.
pub const ROW: usize = 9;
/// Place of VSYNC.
pub const FRAME: usize = 10;
/// Number of the pins.
pub const PINS: usize = 11;

/// PIO's flag that starts the bytes. The board clears it before it starts both state machines.
pub const GO: u8 = 4;
/// PIO's flag that says that the frame has ended. The board clears it as well.
pub const END: u8 = 5;

/// Bits after which a byte goes to the FIFO by itself. It lies in the lowest bits, so that DMA takes it as a byte.
pub const PUSH_BITS: u8 = 8;

/// Cycles of PIO in which PCLK must be low, and in which it must be high, at least.
pub const LEAST_HALF_CYCLES: u32 = 4;

/// A program.
pub type Code = Program<RP2040_MAX_PROGRAM_SIZE>;

/// Watches VSYNC. A frame that runs when it starts is passed over.
pub fn frames() -> Code {
    pio_asm!(
        "    wait 0 pin 10",
        "    wait 1 pin 10",
        "    irq set 4",
        "    wait 0 pin 10",
        "    irq set 5",
        "halt:",
        "    jmp halt",
    )
    .program
}

/// Takes bytes. HREF is the pin of its jumps.
pub fn bytes() -> Code {
    pio_asm!(
        "    wait 1 irq 4",
        ".wrap_target",
        "edge:",
        "    wait 0 pin 8",
        "    wait 1 pin 8",
        "    jmp pin take",
        "    jmp edge",
        "take:",
        "    in pins, 8",
        ".wrap",
    )
    .program
}

/// What the board's registers say about a frame. The flag is read first: whatever is read after it is then of the whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The flag [`END`].
    pub has_ended: bool,
    /// The state machine of the bytes has waited for room in its FIFO.
    pub has_stalled: bool,
    /// Bytes in that FIFO.
    pub waiting: u32,
    /// DMA has something to do.
    pub is_moving: bool,
    /// Bytes that DMA is still to take.
    pub left: u32,
}

impl Seen {
    /// What has become of a frame of so many bytes.
    pub const fn progress(self, bytes: u32) -> Progress {
        match self {
            // With the memory full, what did not find room is too much.
            Seen { has_stalled: true, left: 0, .. } => Progress::Long,
            Seen { has_stalled: true, .. } => Progress::Overrun,
            Seen { has_ended: false, .. } => Progress::Waiting,
            Seen { left: 0, is_moving: true, .. } => Progress::Waiting,
            Seen { left: 0, waiting: 0, .. } => Progress::Complete,
            Seen { left: 0, .. } => Progress::Long,
            // DMA takes them at once.
            Seen { waiting: 1.., .. } => Progress::Waiting,
            Seen { left, .. } => Progress::Short(bytes.saturating_sub(left) as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::machine::{Machine, Shared};

    /// A sensor's wires over time.
    #[derive(Clone, Debug)]
    struct Sensor {
        /// Frames of rows of bytes.
        frames: Vec<Vec<Vec<u8>>>,
        /// Cycles of PIO in which PCLK is low, and in which it is high: hundredths.
        half: u64,
        /// Hundredths of a cycle that have gone at the start.
        phase: u64,
        /// Cycles after PCLK's falling edge at which the other wires change.
        lag: u64,
        /// The level at which PCLK stays between rows, if it stops there. That of a sensor whose PCLK is inverted is high.
        rest: Option<bool>,
        /// Periods between rows.
        gap: usize,
    }

    /// The other wires in a period of PCLK.
    #[derive(Clone, Copy, Default)]
    struct Period {
        data: u8,
        is_row: bool,
        is_frame: bool,
    }

    impl Sensor {
        fn periods(&self) -> Vec<Period> {
            let pause = vec![Period::default(); 9];
            let gap = vec![Period { data: 0x3c, is_row: false, is_frame: true }; self.gap];
            let mut periods = pause.clone();
            for frame in &self.frames {
                periods.extend(&gap);
                for row in frame {
                    periods.extend(row.iter().map(|&data| Period { data, is_row: true, is_frame: true }));
                    periods.extend(&gap);
                }
                periods.extend(&pause);
            }
            periods
        }

        /// Levels of the pins in each cycle.
        fn wires(&self) -> Vec<u32> {
            let periods = self.periods();
            let length = 2 * self.half;
            let at = |time: u64| periods.get((time / length) as usize).copied().unwrap_or_default();
            let cycles = periods.len() as u64 * length / 100;
            let level = |cycle: u64| {
                let time = 100 * cycle + self.phase;
                let Period { data, is_row, is_frame } = at(time.saturating_sub(100 * self.lag));
                let is_high = match self.rest {
                    Some(rest) if !at(time).is_row => rest,
                    _ => time % length >= self.half,
                };
                u32::from(data)
                    | u32::from(is_high) << CLOCK
                    | u32::from(is_row) << ROW
                    | u32::from(is_frame) << FRAME
            };
            (0..cycles).map(level).collect()
        }
    }

    /// Receives from the cycle `start` on as the board does; DMA takes a byte every `slowness` cycles.
    fn receive(sensor: &Sensor, start: usize, slowness: usize, bytes: u32) -> (Progress, Vec<u8>) {
        let mut watcher = Machine::new(&frames(), ROW);
        let mut taker = Machine::new(&super::bytes(), ROW);
        let (mut shared, mut memory) = (Shared::default(), vec![]);
        let wires = sensor.wires();
        for (cycle, &pins) in wires.iter().enumerate().skip(start) {
            watcher.step(pins, &mut shared);
            taker.step(pins, &mut shared);
            if cycle % slowness == 0 && memory.len() < bytes as usize {
                memory.extend(shared.fifo.pop_front());
            }
            let left = bytes - memory.len() as u32;
            let seen = Seen {
                has_ended: shared.flags & 1 << END != 0,
                has_stalled: shared.has_stalled,
                waiting: shared.fifo.len() as u32,
                is_moving: left > 0,
                left,
            };
            let progress = seen.progress(bytes);
            if progress != Progress::Waiting {
                return (progress, memory);
            }
        }
        (Progress::Waiting, memory)
    }

    /// Frames of rows that count up.
    fn counting(rows: usize, row_bytes: usize) -> Vec<Vec<u8>> {
        (0..rows).map(|row| (0..row_bytes).map(|place| (17 * row + 3 * place + 1) as u8).collect()).collect()
    }

    fn sensor(frames: Vec<Vec<Vec<u8>>>) -> Sensor {
        Sensor { frames, half: 625, phase: 0, lag: 0, rest: None, gap: 5 }
    }

    #[test]
    fn programs_are_pinned() {
        assert_eq!(frames().code.as_slice(), [0x202a, 0x20aa, 0xc004, 0x202a, 0xc005, 0x0005]);
        assert_eq!(super::bytes().code.as_slice(), [0x20c4, 0x2028, 0x20a8, 0x00c5, 0x0001, 0x4008]);
        let wrap = super::bytes().wrap;
        assert_eq!((wrap.target, wrap.source), (1, 5));
        assert!(frames().code.len() + super::bytes().code.len() <= RP2040_MAX_PROGRAM_SIZE);
    }

    #[test]
    fn frame_that_runs_already_is_passed_over() {
        let sensor = sensor(vec![counting(3, 4), vec![vec![0xa1; 4]; 3]]);
        let cycles = sensor.wires().len();
        let first: Vec<u8> = counting(3, 4).concat();
        let mut passed = 0;
        for start in 0..cycles / 2 {
            let (progress, memory) = receive(&sensor, start, 1, 12);
            assert_eq!(progress, Progress::Complete, "from cycle {start}");
            assert!(memory == first || memory == [0xa1; 12], "from cycle {start}: {memory:?}");
            passed += usize::from(memory != first);
        }
        assert!(passed > 100, "{passed}");
    }

    #[test]
    fn other_lengths_are_told() {
        for (rows, row_bytes, wanted) in [
            (3, 3, Progress::Short(9)),
            (2, 4, Progress::Short(8)),
            (0, 4, Progress::Short(0)),
            // The memory is full, and up to eight bytes more wait in the FIFO.
            (13, 1, Progress::Long),
            (5, 4, Progress::Long),
            (6, 4, Progress::Long),
        ] {
            let found = receive(&sensor(vec![counting(rows, row_bytes)]), 0, 1, 12);
            assert_eq!(found.0, wanted, "{rows} rows of {row_bytes}");
            let sent = counting(rows, row_bytes).concat();
            assert_eq!(found.1, sent[..sent.len().min(12)]);
        }
    }

    #[test]
    fn slow_memory_is_an_overrun() {
        let sent = sensor(vec![counting(8, 40)]);
        // A byte comes every 12.5 cycles, and the gaps let DMA catch up a little.
        assert_eq!(receive(&sent, 0, 13, 320).0, Progress::Complete);
        assert_eq!(receive(&sent, 0, 40, 320).0, Progress::Overrun);
    }

    #[test]
    fn silent_wires_are_waited_for() {
        for frames in [vec![], vec![vec![]]] {
            let mut silent = sensor(frames);
            silent.gap = 0;
            assert_eq!(receive(&silent, 0, 1, 12), (Progress::Waiting, vec![]));
        }
    }

    #[test]
    fn last_byte_is_waited_for() {
        let seen = Seen { has_ended: true, has_stalled: false, waiting: 0, is_moving: true, left: 0 };
        assert_eq!(seen.progress(12), Progress::Waiting);
        assert_eq!(Seen { is_moving: false, ..seen }.progress(12), Progress::Complete);
        assert_eq!(Seen { waiting: 2, left: 3, ..seen }.progress(12), Progress::Waiting);
    }

    proptest! {
        #[test]
        fn whole_frames_arrive_byte_for_byte(
            rows in 1usize..6,
            row_bytes in 1usize..9,
            half in 100 * u64::from(LEAST_HALF_CYCLES)..3_000,
            phase in 0u64..6_000,
            rest: Option<bool>,
            gap in 2usize..9,
            seed: u8,
        ) {
            let frame: Vec<Vec<u8>> = counting(rows, row_bytes)
                .into_iter()
                .map(|row| row.into_iter().map(|byte| byte ^ seed).collect())
                .collect();
            let bytes = (rows * row_bytes) as u32;
            let sent = frame.concat();
            // The other wires are late by at most half of the time in which PCLK is low.
            for lag in [0, half / 200] {
                let sensor = Sensor { frames: vec![frame.clone()], half, phase, lag, rest, gap };
                prop_assert_eq!(receive(&sensor, 0, 1, bytes), (Progress::Complete, sent.clone()));
            }
        }
    }
}
