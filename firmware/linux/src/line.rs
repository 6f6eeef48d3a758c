//! Bytes of the link or of a controller: a Unix socket that one program at a time is connected to, or a serial port.
//!
//! Whoever does not take bytes for [`PATIENCE`] loses them, so that nobody can stop the device. A socket is closed then. A serial
//! port that is gone is opened again when it is back.

use std::fs;
use std::io::{self, ErrorKind as Kind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use serialport::SerialPort;

use crate::say;

/// Longest time for which the device waits for somebody who takes no bytes.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two attempts to open a serial port.
const AGAIN: Duration = Duration::from_secs(2);

/// Where the bytes come from.
enum Source {
    Socket {
        listener: UnixListener,
        path: PathBuf,
        peer: Option<UnixStream>,
        /// Who came while the peer was still there when it was looked at: it may have left meanwhile.
        next: Option<UnixStream>,
    },
    Port {
        path: String,
        baud: u32,
        port: Option<Box<dyn SerialPort>>,
        tried: Instant,
    },
}

/// A line.
pub struct Line {
    source: Source,
    /// Bytes that came, and how many of them were read.
    received: Vec<u8>,
    read: usize,
}

impl Line {
    /// Opens a serial port, or makes a socket at this path.
    ///
    /// # Errors
    /// When the port cannot be opened, or something else than a socket that nobody uses is at the path.
    pub fn open(path: &Path, baud: u32) -> Result<Self> {
        let shown = path.display();
        let source = match fs::metadata(path) {
            Ok(there) if there.file_type().is_char_device() => {
                let path = path.to_str().with_context(|| format!("{shown}: its name is not UTF-8"))?;
                let port = open_port(path, baud).with_context(|| {
                    format!("cannot open {path}; may this user open it, and does no other program use it?")
                })?;
                Source::Port { path: path.to_string(), baud, port: Some(port), tried: Instant::now() }
            }
            found => {
                if let Ok(there) = found {
                    ensure!(
                        there.file_type().is_socket(),
                        "{shown} is there, and is neither a serial port nor a socket; give another path"
                    );
                    if UnixStream::connect(path).is_ok() {
                        bail!("another program has the socket {shown}; end it, or give another path");
                    }
                    // Left by a program that was killed.
                    fs::remove_file(path).with_context(|| format!("cannot remove the old socket {shown}"))?;
                }
                let listener = UnixListener::bind(path).with_context(|| {
                    format!("cannot make the socket {shown}; its folder must be there, and its path short")
                })?;
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(path, mode)
                    .with_context(|| format!("cannot protect the socket {shown}"))?;
                listener.set_nonblocking(true).with_context(|| format!("cannot use the socket {shown}"))?;
                Source::Socket { listener, path: path.to_path_buf(), peer: None, next: None }
            }
        };
        Ok(Line { source, received: Vec::new(), read: 0 })
    }

    /// Whether no bytes wait and none came when they were last asked for.
    pub fn is_quiet(&self) -> bool {
        self.received.is_empty()
    }

    /// Fetches bytes that have come.
    fn receive(&mut self) {
        self.received.clear();
        self.read = 0;
        let mut buffer = [0; 4096];
        let taken = match &mut self.source {
            Source::Socket { listener, peer, next, .. } => {
                // Whoever was here first is heard to the end before the next one is let in.
                let came = match peer.as_mut().map(|stream| stream.read(&mut buffer)) {
                    Some(Ok(count @ 1..)) => Some(count),
                    Some(Err(error)) if is_later(&error) => {
                        // A second one is closed, and sees that, if the first one is still there after it came.
                        *next = match next.take() {
                            Some(_) => None,
                            None => listener.accept().ok().map(|(stream, _)| stream),
                        };
                        None
                    }
                    Some(Err(_) | Ok(0)) | None => {
                        let came = next.take().or_else(|| listener.accept().ok().map(|(stream, _)| stream));
                        *peer = came.filter(|stream| stream.set_nonblocking(true).is_ok());
                        None
                    }
                };
                let Some(count) = came else { return };
                count
            }
            Source::Port { path, baud, port, tried } => {
                let Some(open) = port else {
                    if tried.elapsed() >= AGAIN {
                        *tried = Instant::now();
                        *port = open_port(path, *baud).ok();
                        if port.is_some() {
                            say(format_args!("{path} is back"));
                        }
                    }
                    return;
                };
                let came = open.bytes_to_read().map_err(io::Error::from);
                match came.and_then(|count| if count > 0 { open.read(&mut buffer) } else { Ok(0) }) {
                    Ok(count) => count,
                    Err(error) if is_later(&error) => return,
                    Err(error) => {
                        say(format_args!("{path} is gone ({error}); it is opened again when it is back"));
                        *port = None;
                        return;
                    }
                }
            }
        };
        self.received.extend_from_slice(&buffer[..taken]);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Source::Socket { path, .. } = &self.source {
            // The next start removes it, too.
            let _ = fs::remove_file(path);
        }
    }
}

fn open_port(path: &str, baud: u32) -> serialport::Result<Box<dyn SerialPort>> {
    serialport::new(path, baud).timeout(PATIENCE).open()
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), Kind::WouldBlock | Kind::Interrupted | Kind::TimedOut)
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl ReadReady for Line {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        if self.read == self.received.len() {
            self.receive();
        }
        Ok(self.read < self.received.len())
    }
}

impl Read for Line {
    /// Waits for the first byte.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        while !self.read_ready()? {
            std::thread::sleep(Duration::from_millis(1));
        }
        let rest = &self.received[self.read..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        match &mut self.source {
            // What nobody listens to is lost, as on a cable that leads nowhere.
            Source::Socket { peer, .. } => {
                if let Some(stream) = peer
                    && send(stream, bytes).is_err()
                {
                    *peer = None;
                }
            }
            Source::Port { port, .. } => {
                if let Some(open) = port
                    && let Err(error) = open.write_all(bytes)
                    && !is_later(&error)
                {
                    // Reading tells why.
                    return Err(ErrorKind::Other);
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Sends all of the bytes, or fails when they are not taken in time.
fn send(stream: &mut UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(Kind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_later(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn line(folder: &Path) -> Line {
        Line::open(&folder.join("link"), 115_200).unwrap()
    }

    fn hears(line: &mut Line) -> Vec<u8> {
        let start = Instant::now();
        while !line.read_ready().unwrap() {
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        let mut buffer = [0; 16];
        let count = line.read(&mut buffer).unwrap();
        buffer[..count].to_vec()
    }

    #[test]
    fn one_program_is_heard_and_the_next_one_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = line(folder.path());
        assert!(!line.read_ready().unwrap());
        // Nobody is there.
        line.write_all(b"lost").unwrap();
        let mut first = UnixStream::connect(folder.path().join("link")).unwrap();
        first.write_all(b"one").unwrap();
        assert_eq!(hears(&mut line), b"one");
        line.write_all(b"answer").unwrap();
        let mut buffer = [0; 6];
        first.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"answer");
        // While the first one is connected, a second one is sent away.
        let mut second = UnixStream::connect(folder.path().join("link")).unwrap();
        assert!(!line.read_ready().unwrap() && !line.read_ready().unwrap());
        assert_eq!(second.read(&mut buffer).unwrap(), 0);
        drop(first);
        assert!(!line.read_ready().unwrap());
        let mut third = UnixStream::connect(folder.path().join("link")).unwrap();
        third.write_all(b"three").unwrap();
        assert_eq!(hears(&mut line), b"three");
    }

    #[test]
    fn who_comes_just_after_the_first_one_left_is_not_sent_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = line(folder.path());
        let mut first = UnixStream::connect(folder.path().join("link")).unwrap();
        first.write_all(b"one").unwrap();
        assert_eq!(hears(&mut line), b"one");
        // The line has looked at the first one, which leaves with its last words before the line lets in who comes.
        let mut second = UnixStream::connect(folder.path().join("link")).unwrap();
        assert!(!line.read_ready().unwrap());
        first.write_all(b"bye").unwrap();
        drop(first);
        second.write_all(b"two").unwrap();
        assert_eq!(hears(&mut line), b"bye");
        assert_eq!(hears(&mut line), b"two");
    }

    #[test]
    fn who_takes_no_bytes_is_sent_away_and_does_not_stop_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = line(folder.path());
        let mut deaf = UnixStream::connect(folder.path().join("link")).unwrap();
        deaf.write_all(b"x").unwrap();
        assert_eq!(hears(&mut line), b"x");
        let start = Instant::now();
        while matches!(&line.source, Source::Socket { peer: Some(_), .. }) {
            line.write_all(&[0; 4096]).unwrap();
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        drop(deaf);
    }

    #[test]
    fn sockets_of_others_and_files_are_left_alone_and_old_sockets_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        let said = |path: &Path| format!("{:#}", Line::open(path, 9600).err().unwrap());
        fs::write(&path, "a letter").unwrap();
        assert!(said(&path).contains("neither a serial port nor a socket"), "{}", said(&path));
        fs::remove_file(&path).unwrap();
        // As after a kill: the socket is there, and nobody listens.
        drop(UnixListener::bind(&path).unwrap());
        let line = line(folder.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(said(&path).contains("another program has the socket"));
        drop(line);
        assert!(!path.exists());
        assert!(said(Path::new("/dev/null")).contains("cannot open /dev/null"));
    }

    #[test]
    fn serial_port_that_is_unplugged_does_not_stop_the_device() {
        let (mut computer, port) = serialport::TTYPort::pair().unwrap();
        let name = port.name().unwrap();
        drop(port);
        let mut line = Line::open(Path::new(&name), 115_200).unwrap();
        computer.write_all(b"hello").unwrap();
        assert_eq!(hears(&mut line), b"hello");
        line.write_all(b"answer").unwrap();
        let mut buffer = [0; 6];
        computer.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"answer");
        drop(computer);
        let start = Instant::now();
        while matches!(&line.source, Source::Port { port: Some(_), .. }) {
            assert!(!line.read_ready().unwrap());
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        line.write_all(b"lost").unwrap();
    }
}
