//! Connections that end when a device restarts, and are made again: a serial port, and a socket.
//!
//! A board's own USB goes with its restart. The system then takes the port away, for programs that have it open for ever, and makes
//! another one, perhaps with another name.

use std::io;
#[cfg(unix)]
use std::io::{Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serialport::{SerialPort, SerialPortInfo, UsbPortInfo};

use super::{WRITING, cannot_open, is_one_place, ports, usb_of};

/// Reads or writes. Lets a connection go that has ended: it would be in the way of the next one.
fn over<T>(open: &mut Option<T>, act: impl FnOnce(&mut T) -> io::Result<usize>) -> io::Result<usize> {
    let Some(connection) = open else { return Err(io::ErrorKind::NotConnected.into()) };
    let done = act(connection);
    match &done {
        Ok(1..) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
        _ => *open = None,
    }
    done
}

/// A serial port.
pub struct Serial {
    open: Option<Box<dyn SerialPort>>,
    path: String,
    baud: u32,
    /// What the device on it calls itself; none if it is not on USB.
    usb: Option<UsbPortInfo>,
}

impl Serial {
    /// Opens a port.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn open(path: &str, baud: u32) -> serialport::Result<Self> {
        let open = Some(open(path, baud)?);
        let ports = ports();
        let usb = ports.iter().find(|port| is_one_place(&port.port_name, path)).and_then(usb_of).cloned();
        Ok(Serial { open, path: path.to_string(), baud, usb })
    }

    /// A port that is open already.
    pub(super) fn of(port: Box<dyn SerialPort>, path: &str) -> Self {
        let baud = port.baud_rate().unwrap_or_default();
        Serial { open: Some(port), path: path.to_string(), baud, usb: None }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn baud(&self) -> u32 {
        self.baud
    }

    pub(super) fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        over(&mut self.open, |port| {
            port.set_timeout(patience)?;
            port.read(buffer)
        })
    }

    /// Writes all bytes. The port is not flushed: that would wait for ever for a board that takes nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = over(&mut self.open, |port| {
            port.set_timeout(WRITING)?;
            port.write_all(bytes)?;
            Ok(bytes.len().max(1))
        });
        written.map(drop)
    }

    /// Number of bytes that the system holds. The bytes on the wire arrive in any case.
    pub(super) fn untaken(&self) -> usize {
        self.open.as_ref().and_then(|port| port.bytes_to_write().ok()).map_or(0, |bytes| bytes as usize)
    }

    /// Opens the port of the same device if this one has ended. Returns whether it had.
    pub(super) fn reopen(&mut self) -> Result<bool> {
        if self.open.is_some() {
            return Ok(false);
        }
        let ports = ports();
        let path = returned(&self.path, self.usb.as_ref(), &ports)
            .with_context(|| format!("the port {} has not come back", self.path))?
            .to_string();
        self.open = Some(open(&path, self.baud).map_err(|error| cannot_open(&path, &error, &ports))?);
        self.path = path;
        Ok(true)
    }
}

fn open(path: &str, baud: u32) -> serialport::Result<Box<dyn SerialPort>> {
    serialport::new(path, baud).timeout(WRITING).open()
}

/// The port of a device that has restarted: the one with its identity on USB, whatever its name is now. Of several it is the one at
/// the same path, and one that is not on USB has only its path.
fn returned<'p>(path: &'p str, usb: Option<&UsbPortInfo>, ports: &'p [SerialPortInfo]) -> Option<&'p str> {
    let Some(usb) = usb else { return Some(path) };
    let identity = |usb: &UsbPortInfo| (usb.vid, usb.pid, usb.serial_number.clone());
    let same = ports.iter().filter(|port| usb_of(port).is_some_and(|found| identity(found) == identity(usb)));
    let names: Vec<&str> = same.map(|port| &*port.port_name).collect();
    match *names {
        _ if names.iter().any(|name| is_one_place(name, path)) => Some(path),
        [only] => Some(only),
        _ => None,
    }
}

/// A socket.
#[cfg(unix)]
pub struct Socket {
    open: Option<UnixStream>,
    path: PathBuf,
}

#[cfg(unix)]
impl Socket {
    /// Connects to the program that listens.
    ///
    /// # Errors
    /// When none does.
    pub(super) fn connect(path: &Path) -> Result<Self> {
        Ok(Socket { open: Some(connect(path)?), path: path.to_path_buf() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        over(&mut self.open, |stream| {
            // Zero would mean for ever.
            stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
            in_time(stream.read(buffer))
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = over(&mut self.open, |stream| {
            stream.set_write_timeout(Some(WRITING))?;
            in_time(stream.write_all(bytes).map(|()| bytes.len().max(1)))
        });
        written.map(drop)
    }

    /// Connects again if the program has ended the connection. Returns whether it had.
    pub(super) fn reopen(&mut self) -> Result<bool> {
        let is_gone = self.open.is_none();
        if is_gone {
            self.open = Some(connect(&self.path)?);
        }
        Ok(is_gone)
    }
}

#[cfg(unix)]
fn connect(path: &Path) -> Result<UnixStream> {
    UnixStream::connect(path).with_context(|| {
        format!(
            "cannot connect to {}: does the device run, and may this user open its socket?",
            path.display()
        )
    })
}

/// What a socket calls "later" is a time that has run out.
#[cfg(unix)]
fn in_time<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use serialport::{SerialPortType, TTYPort};

    use super::super::{Stream as _, Transport};
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    /// A board, and the link to its port at this path.
    fn plugged(path: &Path) -> TTYPort {
        let (board, port) = TTYPort::pair().unwrap();
        let _ = std::fs::remove_file(path);
        symlink(port.name().unwrap(), path).unwrap();
        board
    }

    fn works(transport: &mut Transport, board: &mut impl io::Read) {
        transport.write(b"hello").unwrap();
        let mut heard = [0; 5];
        board.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[test]
    fn port_that_goes_with_a_restart_is_opened_again_when_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ttyACM0");
        let mut board = plugged(&path);
        let mut transport = Transport::port(path.to_str().unwrap(), 115_200).unwrap();
        assert!(transport.may_return() && !transport.reopen().unwrap());
        works(&mut transport, &mut board);
        drop(board);
        std::fs::remove_file(&path).unwrap();
        let error = transport.read(&mut [0; 8], SOON).err();
        assert!(error.is_none_or(|error| error.kind() != io::ErrorKind::TimedOut));
        // A second look does not wait for what cannot come.
        let error = transport.write(b"hello").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        let said = transport.reopen().unwrap_err().to_string();
        assert!(said.contains("ttyACM0"), "{said}");
        let mut board = plugged(&path);
        assert!(transport.reopen().unwrap());
        works(&mut transport, &mut board);
    }

    #[test]
    fn socket_of_a_device_that_is_started_again_is_connected_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        let device = UnixListener::bind(&path).unwrap();
        let mut transport = Transport::port(path.to_str().unwrap(), 9600).unwrap();
        works(&mut transport, &mut device.accept().unwrap().0);
        drop(device);
        std::fs::remove_file(&path).unwrap();
        assert!(transport.may_return());
        assert_eq!(transport.read(&mut [0; 8], SOON).unwrap(), 0);
        assert!(transport.reopen().is_err());
        let device = UnixListener::bind(&path).unwrap();
        assert!(transport.reopen().unwrap() && !transport.reopen().unwrap());
        works(&mut transport, &mut device.accept().unwrap().0);
    }

    #[test]
    fn board_is_found_again_by_its_identity_whatever_its_port_is_called_then() {
        let usb = |serial_number: Option<&str>| UsbPortInfo {
            vid: 0x1209,
            pid: 1,
            serial_number: serial_number.map(str::to_string),
            manufacturer: None,
            product: None,
            interface: None,
        };
        let port = |name: &str, serial_number| SerialPortInfo {
            port_name: name.to_string(),
            port_type: SerialPortType::UsbPort(usb(serial_number)),
        };
        let found = |serial_number, ports: &[SerialPortInfo]| {
            returned("/dev/acm0", Some(&usb(serial_number)), ports).map(str::to_string)
        };
        let (a, b) = (Some("a"), Some("b"));
        assert_eq!(found(a, &[port("/dev/acm0", a)]).as_deref(), Some("/dev/acm0"));
        // Another board has taken its name.
        assert_eq!(found(a, &[port("/dev/acm0", b), port("/dev/acm1", a)]).as_deref(), Some("/dev/acm1"));
        assert_eq!(found(a, &[port("/dev/acm0", b)]), None);
        assert_eq!(found(a, &[]), None);
        // Boards without serial numbers.
        assert_eq!(found(None, &[port("/dev/acm1", None)]).as_deref(), Some("/dev/acm1"));
        let several = [port("/dev/acm1", None), port("/dev/acm2", None)];
        assert_eq!(found(None, &several), None);
        let several = [port("/dev/acm1", None), port("/dev/acm0", None)];
        assert_eq!(found(None, &several).as_deref(), Some("/dev/acm0"));
        assert_eq!(returned("/dev/ttyS0", None, &[]), Some("/dev/ttyS0"));
    }
}
