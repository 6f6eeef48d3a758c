//! A byte stream that an interrupt serves through two rings.

use embassy_time::Duration;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

use super::clocks::wait;
use super::ring::Ring;

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
