//! Byte streams to a board: a QEMU machine's UART, or a serial port.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use embedded_io::{ErrorKind, ErrorType};

use crate::board::{Board, Memory};

/// How long a board may say nothing while it computes.
pub const SILENCE: Duration = Duration::from_secs(180);
/// How long a board may take to say that it is there.
pub const GREETING: Duration = Duration::from_secs(20);

/// What went wrong with a stream, as the link sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamError(ErrorKind);

impl std::fmt::Display for StreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for StreamError {}

impl embedded_io::Error for StreamError {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// A way to a board.
pub enum Transport {
    /// An emulated machine.
    Qemu(Qemu),
    /// A serial port.
    Serial(Box<dyn serialport::SerialPort>),
}

impl Transport {
    /// Starts a board's firmware in QEMU with an image.
    ///
    /// # Errors
    /// When QEMU is not installed or cannot start.
    pub fn qemu(board: &Board, elf: &Path, image: &Path, memory: Memory) -> Result<Self> {
        Qemu::start(board, elf, image, memory).map(Transport::Qemu)
    }

    /// Opens a serial port.
    ///
    /// # Errors
    /// Says what ports there are.
    pub fn serial(path: &str, baud: u32) -> Result<Self> {
        let port = serialport::new(path, baud).timeout(GREETING).open().with_context(|| {
            let ports = serialport::available_ports().unwrap_or_default();
            let names: Vec<String> = ports.into_iter().map(|port| port.port_name).collect();
            let names = if names.is_empty() { "none".to_string() } else { names.join(", ") };
            format!("cannot open {path}; is the cable in? Serial ports here: {names}")
        })?;
        Ok(Transport::Serial(port))
    }

    /// Sets how long to wait for the next byte.
    ///
    /// # Errors
    /// When the port does not take it.
    pub fn set_timeout(&mut self, timeout: Duration) -> Result<()> {
        match self {
            Transport::Qemu(qemu) => qemu.timeout = timeout,
            Transport::Serial(port) => port.set_timeout(timeout).context("cannot set the port's timeout")?,
        }
        Ok(())
    }

    /// What the other side printed besides messages: QEMU's own complaints.
    pub fn complaints(&mut self) -> String {
        match self {
            Transport::Qemu(qemu) => qemu.complaints(),
            Transport::Serial(_) => String::new(),
        }
    }
}

impl ErrorType for Transport {
    type Error = StreamError;
}

impl embedded_io::Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        match self {
            Transport::Qemu(qemu) => qemu.read(buffer),
            Transport::Serial(port) => port.read(buffer).map_err(|error| StreamError(error.kind().into())),
        }
    }
}

impl embedded_io::Write for Transport {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, StreamError> {
        let written = match self {
            Transport::Qemu(qemu) => qemu.input.write(buffer),
            Transport::Serial(port) => port.write(buffer),
        };
        written.map_err(|error| StreamError(error.kind().into()))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        let flushed = match self {
            Transport::Qemu(qemu) => qemu.input.flush(),
            Transport::Serial(port) => port.flush(),
        };
        flushed.map_err(|error| StreamError(error.kind().into()))
    }
}

/// An emulated machine whose first UART is its standard input and output. Ends when dropped.
pub struct Qemu {
    child: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    pending: VecDeque<u8>,
    timeout: Duration,
}

impl Qemu {
    fn start(board: &Board, elf: &Path, image: &Path, memory: Memory) -> Result<Self> {
        let mut child = board
            .emulator(elf, Some((image, memory)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start qemu-system-arm; run ./setup.sh, or install QEMU for ARM")?;
        let (Some(input), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            anyhow::bail!("qemu-system-arm has no standard streams");
        };
        let (output, errors) = (forward(stdout), forward(stderr));
        Ok(Qemu { child, input, output, errors, pending: VecDeque::new(), timeout: GREETING })
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        if self.pending.is_empty() {
            match self.output.recv_timeout(self.timeout) {
                Ok(bytes) => self.pending.extend(bytes),
                Err(RecvTimeoutError::Timeout) => return Err(StreamError(ErrorKind::TimedOut)),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.pending.len());
        for (place, byte) in buffer.iter_mut().zip(self.pending.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn complaints(&mut self) -> String {
        // If it is ending, what it has to say is about to come.
        let first = self.errors.recv_timeout(Duration::from_millis(200)).unwrap_or_default();
        let bytes: Vec<u8> = first.into_iter().chain(self.errors.try_iter().flatten()).collect();
        String::from_utf8_lossy(&bytes).trim().to_string()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end in a thread of its own, so that reading can time out.
fn forward(mut stream: impl std::io::Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
