//! Lines on standard output and standard error. Whoever reads there may live and not read: the line is given up then, so that the
//! device goes on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Longest time for which the device waits for a reader.
const PATIENCE: Duration = Duration::from_millis(250);
/// Bytes that whatever takes any takes at once: the least PIPE_BUF of POSIX.
const PIECE_BYTES: usize = 512;

/// The threads take turns: one could fill a pipe when another one has just found room there.
static TURN: Mutex<()> = Mutex::new(());

/// Writes a text. Nothing of it stays behind to be written later: up to 512 bytes are written whole or not at all.
///
/// # Errors
/// When nobody is there to read, or nobody has read for a quarter of a second.
pub fn put(output: impl AsFd, text: &str) -> io::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let deadline = Instant::now() + PATIENCE;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        wait(output.as_fd(), deadline)?;
        match rustix::io::write(&output, &rest[..rest.len().min(PIECE_BYTES)]) {
            Ok(count) => rest = &rest[count..],
            // Another program was faster.
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until writing does not wait.
fn wait(output: BorrowedFd<'_>, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::from_borrowed_fd(output, PollFlags::OUT)], Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            // Also where writing fails, which tells why.
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, pipe};

    use super::*;

    /// A pipe that takes nothing more.
    fn full() -> (io::PipeReader, io::PipeWriter, usize) {
        let (reader, writer) = pipe().unwrap();
        let mut bytes = 0;
        while put(&writer, "x").is_ok() {
            bytes += 1;
        }
        (reader, writer, bytes)
    }

    #[test]
    fn reader_that_does_not_read_is_not_waited_for_and_hears_nothing_later() {
        let (mut reader, writer, bytes) = full();
        let start = Instant::now();
        assert_eq!(put(&writer, "lost\n").unwrap_err().kind(), ErrorKind::TimedOut);
        assert!((PATIENCE..PATIENCE * 20).contains(&start.elapsed()));
        reader.read_exact(&mut vec![0; bytes]).unwrap();
        put(&writer, "heard\n").unwrap();
        drop(writer);
        let mut heard = String::new();
        reader.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "heard\n");
    }

    #[test]
    fn longer_texts_go_in_pieces_and_a_reader_that_is_gone_is_told() {
        let (mut reader, writer) = pipe().unwrap();
        let text = "0123456789".repeat(300);
        put(&writer, &text).unwrap();
        let mut heard = vec![0xa5; text.len()];
        reader.read_exact(&mut heard).unwrap();
        assert_eq!(heard, text.as_bytes());
        drop(reader);
        assert_eq!(put(&writer, "lost\n").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
