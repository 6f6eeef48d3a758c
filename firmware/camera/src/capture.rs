//! The account of frames that a receiver takes: whole or not, too fast, silent.
//!
//! No input or output: what DCMI, PIO or DMA report goes in, a verdict comes out, and time is an argument in milliseconds.
//!
//! A receiver reports in one of two ways: each row when it ends ([`Event::Row`]), or bytes as DMA counts them
//! ([`Event::Bytes`]). It may report the end of a frame, or only its start, which then ends the frame before.

/// What frames must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes of a row.
    pub row_bytes: u32,
    /// Rows of a frame.
    pub rows: u32,
}

impl Size {
    /// Bytes of a frame.
    pub const fn bytes(self) -> u32 {
        self.row_bytes.saturating_mul(self.rows)
    }
}

/// What a receiver reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame starts (VSYNC).
    Start,
    /// A row of so many bytes came to its end (HREF, HSYNC).
    Row(u32),
    /// So many bytes came since the last report.
    Bytes(u32),
    /// Bytes were lost, as nobody took them in time.
    Overrun,
    /// The frame ends.
    End,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is whole.
    Whole,
    /// It must not be used.
    Dropped(Fault),
}

/// What is wrong with a frame. The first fault that occurs counts; an overrun counts more than any other, as it may be
/// their cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes were lost.
    Overrun,
    /// It has so many bytes, too few.
    Short(u32),
    /// It has more bytes than it should.
    Long,
    /// A row has another length.
    Row {
        /// Number of the row, from 0.
        row: u32,
        /// Its bytes.
        bytes: u32,
    },
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Fault::Overrun => {
                f.write_str("bytes were lost: slow the camera down, or give its DMA more priority")
            }
            Fault::Short(bytes) => {
                write!(
                    f,
                    "the frame ended after {bytes} bytes: check VSYNC and HREF, and the sensor's format"
                )
            }
            Fault::Long => f.write_str("the frame does not end: check VSYNC, and the sensor's format"),
            Fault::Row { row, bytes } => {
                write!(f, "row {row} has {bytes} bytes: check PCLK and HREF, and the sensor's format")
            }
        }
    }
}

/// Frames since the start. Counters stop at their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Whole frames.
    pub whole: u32,
    /// Frames with an overrun.
    pub overruns: u32,
    /// Frames with any other fault.
    pub malformed: u32,
}

impl Counts {
    /// Frames that were dropped.
    pub const fn dropped(self) -> u32 {
        self.overruns.saturating_add(self.malformed)
    }
}

/// A frame that is being received.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    rows: u32,
    bytes: u32,
    fault: Option<Fault>,
}

/// The account of a receiver.
#[derive(Clone, Debug)]
pub struct Capture {
    size: Size,
    overrun_limit: u8,
    running: Option<Running>,
    counts: Counts,
    /// The last frames, the newest in the lowest bit: 1 if it had an overrun.
    recent: u16,
    is_too_fast: bool,
    heard_ms: u64,
}

impl Capture {
    /// The number of last frames in which overruns are counted.
    pub const RECENT_FRAMES: u32 = u16::BITS;

    /// The account of a receiver that starts now. The sensor is too fast when `overrun_limit` of the last
    /// [`Self::RECENT_FRAMES`] frames had an overrun; 0 counts as 1, and a limit above that number is never reached.
    pub const fn new(size: Size, overrun_limit: u8, now_ms: u64) -> Self {
        let overrun_limit = if overrun_limit == 0 { 1 } else { overrun_limit };
        Capture {
            size,
            overrun_limit,
            running: None,
            counts: Counts { whole: 0, overruns: 0, malformed: 0 },
            recent: 0,
            is_too_fast: false,
            heard_ms: now_ms,
        }
    }

    /// Takes a report. Returns the verdict on the frame that ended with it. Reports on a frame whose start was not
    /// reported are ignored.
    pub fn report(&mut self, event: Event, now_ms: u64) -> Option<Verdict> {
        self.heard_ms = now_ms;
        match event {
            Event::Start => {
                let ended = self.running.replace(Running::default());
                ended.map(|frame| self.judge(frame))
            }
            Event::End => {
                let ended = self.running.take();
                ended.map(|frame| self.judge(frame))
            }
            Event::Row(bytes) => {
                let size = self.size;
                if let Some(frame) = &mut self.running {
                    if bytes != size.row_bytes && frame.fault.is_none() {
                        frame.fault = Some(Fault::Row { row: frame.rows, bytes });
                    }
                    frame.rows = frame.rows.saturating_add(1);
                    frame.add(bytes, size);
                }
                None
            }
            Event::Bytes(bytes) => {
                let size = self.size;
                if let Some(frame) = &mut self.running {
                    frame.add(bytes, size);
                }
                None
            }
            Event::Overrun => {
                if let Some(frame) = &mut self.running {
                    frame.fault = Some(Fault::Overrun);
                }
                None
            }
        }
    }

    /// Begins anew: the frame that was being received is forgotten and not counted. For a receiver that was stopped, and
    /// after a sensor's clock has changed.
    pub fn restart(&mut self, now_ms: u64) {
        self.running = None;
        self.recent = 0;
        self.is_too_fast = false;
        self.heard_ms = now_ms;
    }

    /// Whether too many frames had an overrun, so that the sensor should be slowed down. Asks once; then overruns are
    /// counted from 0 again.
    pub fn take_too_fast(&mut self) -> bool {
        core::mem::take(&mut self.is_too_fast)
    }

    /// Whether nothing was reported for so long. The sensor lost its power or its clock, or a wire is loose: `init` it
    /// again.
    pub const fn is_silent(&self, now_ms: u64, after_ms: u64) -> bool {
        now_ms.saturating_sub(self.heard_ms) >= after_ms
    }

    /// Frames since the start.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn judge(&mut self, frame: Running) -> Verdict {
        let fault = match frame.fault {
            None if frame.bytes < self.size.bytes() => Some(Fault::Short(frame.bytes)),
            fault => fault,
        };
        let counter = match fault {
            None => &mut self.counts.whole,
            Some(Fault::Overrun) => &mut self.counts.overruns,
            Some(_) => &mut self.counts.malformed,
        };
        *counter = counter.saturating_add(1);
        self.recent = self.recent << 1 | u16::from(fault == Some(Fault::Overrun));
        if self.recent.count_ones() >= self.overrun_limit.into() {
            self.recent = 0;
            self.is_too_fast = true;
        }
        fault.map_or(Verdict::Whole, Verdict::Dropped)
    }
}

impl Running {
    fn add(&mut self, bytes: u32, size: Size) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > size.bytes() && self.fault.is_none() {
            self.fault = Some(Fault::Long);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    const SIZE: Size = Size { row_bytes: 4, rows: 2 };

    /// The verdicts of events, by cutting them into frames first and looking at each as a whole.
    fn verdicts(events: &[Event]) -> Vec<Verdict> {
        let mut frames: Vec<Vec<Event>> = Vec::new();
        let mut open: Option<Vec<Event>> = None;
        for &event in events {
            match event {
                Event::Start => frames.extend(open.replace(Vec::new())),
                Event::End => frames.extend(open.take()),
                _ => {
                    if let Some(frame) = &mut open {
                        frame.push(event);
                    }
                }
            }
        }
        frames.iter().map(|frame| verdict(frame)).collect()
    }

    fn verdict(frame: &[Event]) -> Verdict {
        if frame.contains(&Event::Overrun) {
            return Verdict::Dropped(Fault::Overrun);
        }
        let bytes_of = |event: &Event| match *event {
            Event::Row(bytes) | Event::Bytes(bytes) => bytes,
            _ => 0,
        };
        for (place, event) in frame.iter().enumerate() {
            let row = frame[..place].iter().filter(|event| matches!(event, Event::Row(_))).count() as u32;
            match *event {
                Event::Row(bytes) if bytes != 4 => return Verdict::Dropped(Fault::Row { row, bytes }),
                _ if frame[..=place].iter().map(bytes_of).sum::<u32>() > 8 => {
                    return Verdict::Dropped(Fault::Long);
                }
                _ => {}
            }
        }
        match frame.iter().map(bytes_of).sum() {
            8 => Verdict::Whole,
            bytes => Verdict::Dropped(Fault::Short(bytes)),
        }
    }

    #[test]
    fn all_short_histories_are_judged_as_their_frames_are() {
        use Event::{Bytes, End, Overrun, Row, Start};
        let alphabet = [Start, End, Row(4), Row(3), Row(5), Bytes(1), Bytes(8), Overrun];
        let mut histories = 0;
        for length in 0..=6 {
            for number in 0..8_usize.pow(length) {
                let events: Vec<Event> =
                    (0..length).map(|place| alphabet[number >> (3 * place) & 7]).collect();
                let mut capture = Capture::new(SIZE, 3, 0);
                let found: Vec<Verdict> =
                    events.iter().filter_map(|&event| capture.report(event, 7)).collect();
                let expected = verdicts(&events);
                assert_eq!(found, expected, "{events:?}");
                let of = |kind: fn(&Verdict) -> bool| expected.iter().filter(|v| kind(v)).count() as u32;
                let whole = of(|v| *v == Verdict::Whole);
                let overruns = of(|v| *v == Verdict::Dropped(Fault::Overrun));
                let malformed = expected.len() as u32 - whole - overruns;
                assert_eq!(capture.counts(), Counts { whole, overruns, malformed });
                assert_eq!(capture.counts().dropped(), overruns + malformed);
                assert_eq!(capture.take_too_fast(), overruns >= 3, "{events:?}");
                assert!(!capture.take_too_fast());
                histories += 1;
            }
        }
        assert_eq!(histories, 299_593);
    }

    fn send(capture: &mut Capture, is_overrun: bool) -> bool {
        capture.report(Event::Start, 0);
        if is_overrun {
            capture.report(Event::Overrun, 0);
        }
        capture.report(Event::Bytes(8), 0);
        capture.report(Event::End, 0);
        capture.take_too_fast()
    }

    #[test]
    fn overruns_among_the_last_frames_ask_for_less_speed_once() {
        let mut capture = Capture::new(SIZE, 2, 0);
        // One now, and one 16 frames later: the first is forgotten.
        assert!(!send(&mut capture, true));
        assert!((0..15).all(|_| !send(&mut capture, false)));
        assert!(!send(&mut capture, true));
        // 15 frames later it is not.
        assert!((0..14).all(|_| !send(&mut capture, false)));
        assert!(send(&mut capture, true));
        // Counted from 0 again.
        assert!(!send(&mut capture, true));
        assert!(send(&mut capture, true));
        // A change of speed clears the account of speed, not the counters.
        assert!(!send(&mut capture, true));
        capture.restart(0);
        assert!(!send(&mut capture, true));
        assert_eq!(capture.counts(), Counts { whole: 29, overruns: 7, malformed: 0 });
    }

    #[test]
    fn limits_at_their_ends() {
        let mut always = Capture::new(SIZE, 0, 0);
        assert!(!send(&mut always, false));
        assert!(send(&mut always, true));
        let mut all = Capture::new(SIZE, 16, 0);
        assert!((0..15).all(|_| !send(&mut all, true)));
        assert!(send(&mut all, true));
        let mut never = Capture::new(SIZE, 17, 0);
        assert!((0..100).all(|_| !send(&mut never, true)));
    }

    #[test]
    fn silence_is_time_without_a_report() {
        use Event::{Bytes, End, Overrun, Row, Start};
        let mut capture = Capture::new(SIZE, 2, 1_000);
        assert!(!capture.is_silent(1_499, 500));
        assert!(capture.is_silent(1_500, 500));
        // Time that runs back is no silence.
        assert!(!capture.is_silent(0, 1));
        for (number, event) in [Row(4), Start, Row(4), Bytes(1), Overrun, End].into_iter().enumerate() {
            let now_ms = 2_000 + 1_000 * number as u64;
            capture.report(event, now_ms);
            assert!(!capture.is_silent(now_ms + 499, 500), "{event:?}");
            assert!(capture.is_silent(now_ms + 500, 500), "{event:?}");
        }
        capture.restart(9_000);
        assert!(!capture.is_silent(9_499, 500));
    }

    #[test]
    fn a_restart_forgets_the_frame() {
        let mut capture = Capture::new(SIZE, 2, 0);
        capture.report(Event::Start, 0);
        capture.report(Event::Bytes(8), 0);
        capture.restart(0);
        assert_eq!(capture.report(Event::End, 0), None);
        assert_eq!(capture.counts(), Counts::default());
    }

    #[test]
    fn counters_and_sums_stop_at_their_end() {
        let mut capture = Capture::new(SIZE, 2, 0);
        capture.counts = Counts { whole: u32::MAX, overruns: u32::MAX, malformed: u32::MAX };
        send(&mut capture, true);
        send(&mut capture, false);
        capture.report(Event::Start, 0);
        capture.report(Event::Bytes(u32::MAX), 0);
        capture.report(Event::Bytes(u32::MAX), 0);
        assert_eq!(capture.report(Event::End, 0), Some(Verdict::Dropped(Fault::Long)));
        assert_eq!(capture.counts().dropped(), u32::MAX);
        assert_eq!(capture.counts().whole, u32::MAX);
    }

    #[test]
    fn faults_say_what_to_do() {
        for fault in [Fault::Overrun, Fault::Short(5), Fault::Long, Fault::Row { row: 7, bytes: 639 }] {
            let text = fault.to_string();
            assert!(text.contains(": "), "{text}");
        }
        assert!(Fault::Row { row: 7, bytes: 639 }.to_string().starts_with("row 7 has 639 bytes"));
    }
}
