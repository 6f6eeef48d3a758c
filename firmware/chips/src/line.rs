//! A byte stream that an interrupt serves through two rings.

use embassy_time::Duration;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

use crate::ring::Ring;
use crate::wait::wait;

/// Bytes that may wait to be read.
pub const RECEIVED_BYTES: usize = 1024;
/// Bytes that may wait to be sent.
pub const SENT_BYTES: usize = 2048;

/// Longest wait for a byte.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// Longest wait for room for a byte that is to be sent.
const WRITE_LIMIT: Duration = Duration::from_millis(250);

/// Time in which a port sends what it has taken.
const PORT_LIMIT: Duration = Duration::from_millis(10);

/// The bytes of a line.
pub struct Rings {
    /// From the other side.
    pub received: Ring<RECEIVED_BYTES>,
    /// To the other side.
    pub sent: Ring<SENT_BYTES>,
}

impl Rings {
    /// Empty.
    pub const fn new() -> Self {
        Rings { received: Ring::new(), sent: Ring::new() }
    }
}

impl Default for Rings {
    fn default() -> Self {
        Self::new()
    }
}

/// The loop's end of a line. Nothing is waited for without a limit: an error of kind `TimedOut` says that it is over.
pub struct Line {
    rings: &'static Rings,
    /// Lets the interrupt look at the rings.
    serve: fn(),
    /// The other side takes nothing. Until it does, nothing waits for it.
    is_stalled: bool,
}

impl Line {
    /// A line whose bytes an interrupt moves, at the latest when `serve` is called.
    pub const fn new(rings: &'static Rings, serve: fn()) -> Self {
        Line { rings, serve, is_stalled: false }
    }

    /// Waits until all bytes are sent, or the other side takes none.
    pub fn drain(&mut self) {
        (self.serve)();
        let _ = wait(WRITE_LIMIT, || self.rings.sent.is_empty());
        // The last ones are still in the port.
        let _ = wait(PORT_LIMIT, || false);
    }
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let received = &self.rings.received;
        wait(READ_LIMIT, || !received.is_empty()).map_err(|_| ErrorKind::TimedOut)?;
        let mut count = 0;
        for (place, byte) in buffer.iter_mut().zip(core::iter::from_fn(|| received.pop())) {
            *place = byte;
            count += 1;
        }
        // Whoever sends may wait for room.
        (self.serve)();
        Ok(count)
    }
}

impl ReadReady for Line {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.rings.received.is_empty())
    }
}

impl Write for Line {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let sent = &self.rings.sent;
        if sent.room() == 0 {
            (self.serve)();
            if self.is_stalled || wait(WRITE_LIMIT, || sent.room() > 0).is_err() {
                self.is_stalled = true;
                return Err(ErrorKind::TimedOut);
            }
        }
        self.is_stalled = false;
        let count = buffer.iter().take_while(|&&byte| sent.push(byte)).count();
        (self.serve)();
        Ok(count)
    }

    /// Leaves the rest to the interrupt.
    fn flush(&mut self) -> Result<(), ErrorKind> {
        (self.serve)();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::vec;

    use embassy_time::Instant;

    use super::*;

    /// A line on rings of its own, and the rings.
    fn line(serve: fn()) -> (Line, &'static Rings) {
        let rings = Box::leak(Box::new(Rings::new()));
        (Line::new(rings, serve), rings)
    }

    #[test]
    fn bytes_come_in_order() {
        let (mut line, rings) = line(|| {});
        assert!(!line.read_ready().unwrap());
        b"door".iter().for_each(|&byte| assert!(rings.received.push(byte)));
        assert!(line.read_ready().unwrap());
        let mut bytes = [0xa5; 3];
        assert_eq!((line.read(&mut []), line.read(&mut bytes)), (Ok(0), Ok(3)));
        assert_eq!(&bytes, b"doo");
        assert_eq!((line.read(&mut bytes), bytes[0]), (Ok(1), b'r'));
    }

    #[test]
    fn other_side_that_says_nothing_is_a_time_out() {
        let (mut line, _) = line(|| {});
        let start = Instant::now();
        assert_eq!(line.read(&mut [0]), Err(ErrorKind::TimedOut));
        assert!(start.elapsed() >= READ_LIMIT);
    }

    #[test]
    fn other_side_that_takes_nothing_is_waited_for_once() {
        let (mut line, rings) = line(|| {});
        assert_eq!(line.write(&vec![7; SENT_BYTES + 1]), Ok(SENT_BYTES));
        let start = Instant::now();
        assert_eq!(line.write(&[8]), Err(ErrorKind::TimedOut));
        let first = start.elapsed();
        assert_eq!(line.write(&[8]), Err(ErrorKind::TimedOut));
        assert!(first >= WRITE_LIMIT && start.elapsed() < first + PORT_LIMIT);
        rings.sent.skip(1);
        assert_eq!(line.write(&[8, 9]), Ok(1));
        // Now it is waited for again.
        let start = Instant::now();
        assert_eq!(line.write(&[9]), Err(ErrorKind::TimedOut));
        assert!(start.elapsed() >= WRITE_LIMIT);
    }

    #[test]
    fn interrupt_is_called_for_each_move_and_before_a_wait() {
        static RINGS: Rings = Rings::new();
        // An interrupt that answers what it sends.
        let mut line = Line::new(&RINGS, || {
            while let Some(byte) = RINGS.sent.pop() {
                RINGS.received.push(byte + 1);
            }
        });
        assert_eq!(line.write(&[1, 2, 3]), Ok(3));
        line.flush().unwrap();
        let mut bytes = [0; 8];
        assert_eq!((line.read(&mut bytes), &bytes[..3]), (Ok(3), &[2, 3, 4][..]));
        line.drain();
        assert!(RINGS.sent.is_empty());
    }
}
