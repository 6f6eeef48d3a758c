//! Byte streams to a board: a QEMU machine's UART, a serial port, or the socket of a device that is a program.

mod line;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use serialport::{SerialPortInfo, SerialPortType, UsbPortInfo};

use self::line::Serial;
#[cfg(unix)]
use self::line::Socket;
use crate::board::{BOARDS, Board, Memory};
use crate::interrupt::Running;
use crate::shared::SharedRam;
use crate::usage::wrong_use;

/// Longest time that a port may take to accept bytes.
const WRITING: Duration = Duration::from_secs(3);

/// A byte stream to a board.
pub trait Stream {
    /// Reads the bytes that have arrived. Waits up to `patience` for the first. Returns the number of bytes, or 0 if
    /// the other side has ended the stream.
    ///
    /// # Errors
    /// `TimedOut` when nothing arrives. Another error when the stream fails.
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize>;

    /// Writes all of these bytes.
    ///
    /// # Errors
    /// `TimedOut` when the other side does not take the bytes. Another error when the stream fails.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Whether a stream that has ended can be opened again, as that of a board which restarts.
    fn may_return(&self) -> bool {
        false
    }

    /// Opens the stream to the same board again if it has ended. Returns whether it had.
    ///
    /// # Errors
    /// When the board is not there, or not yet.
    fn reopen(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// The time by which waiting is measured. It passes at least while [`Self::read`] waits.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Number of written bytes that the other side has not taken yet, as far as the system knows. As long as the
    /// number falls, the other side works.
    fn untaken(&mut self) -> usize;

    /// The reason why the stream ended or failed, and a remedy.
    fn why_gone(&mut self, error: Option<&io::Error>) -> String;

    /// Other places where the board may be connected, for an error message when it does not answer.
    fn elsewhere(&mut self) -> String {
        String::new()
    }

    /// Text that the other side printed besides messages, such as an emulator's error messages.
    fn complaints(&mut self) -> String {
        String::new()
    }
}

/// A connection to a board.
pub enum Transport {
    /// An emulated machine.
    Qemu(Qemu),
    /// A serial port.
    Serial(Serial),
    /// A Unix socket.
    #[cfg(unix)]
    Socket(Socket),
}

impl Transport {
    /// Starts a board's firmware in QEMU with an image.
    ///
    /// # Errors
    /// When the board is not emulated, or QEMU is not installed or cannot start.
    pub fn qemu(board: &Board, elf: &Path, image: &Path, memory: Memory) -> Result<Self> {
        Self::emulator(board.emulator(elf, Some((image, memory)))?, None)
    }

    /// [`Self::qemu`] with RAM in which this program puts frames.
    ///
    /// # Errors
    /// As [`Self::qemu`].
    pub fn qemu_with_ram(
        board: &Board,
        elf: &Path,
        image: &Path,
        memory: Memory,
        ram: &SharedRam,
    ) -> Result<Self> {
        Self::emulator(board.emulator_with_ram(elf, Some((image, memory)), Some(ram.path()))?, None)
    }

    /// Starts QEMU with a command that makes standard input and output the link, and this file of its process, if any.
    ///
    /// # Errors
    /// As [`Self::qemu`].
    pub fn emulator(qemu: Command, process_file: Option<PathBuf>) -> Result<Self> {
        Qemu::start(qemu, process_file).map(Transport::Qemu)
    }

    /// The emulator's number among the system's processes.
    pub fn process(&mut self) -> Option<u32> {
        match self {
            Transport::Qemu(qemu) => Some(qemu.running.child().id()),
            _ => None,
        }
    }

    /// Opens a serial port, or connects to the socket at this path.
    ///
    /// # Errors
    /// When there is no such port (the error lists the ports), the user has no rights to it, another program uses it, or
    /// nobody listens at the socket.
    pub fn port(path: &str, baud: u32) -> Result<Self> {
        #[cfg(unix)]
        if is_socket(Path::new(path)) {
            return Socket::connect(Path::new(path)).map(Transport::Socket);
        }
        Serial::open(path, baud).map(Transport::Serial).map_err(|error| cannot_open(path, &error, &ports()))
    }

    /// A serial port that is open already, and its path.
    pub fn serial(port: Box<dyn serialport::SerialPort>, path: &str) -> Self {
        Transport::Serial(Serial::of(port, path))
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata().is_ok_and(|there| there.file_type().is_socket())
}

/// The serial ports of this computer.
fn ports() -> Vec<SerialPortInfo> {
    // If Linux lacks this folder, as in some containers, the search for ports panics.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    serialport::available_ports().unwrap_or_default()
}

/// Names of ports, with the description that the device on each port gives.
fn names<'a>(ports: impl IntoIterator<Item = &'a SerialPortInfo>) -> String {
    let name = |port: &SerialPortInfo| match &port.port_type {
        SerialPortType::UsbPort(usb) => {
            let words = [&usb.manufacturer, &usb.product].map(Option::as_deref);
            let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ").replace('_', " ");
            let words = if words.is_empty() { "USB".to_string() } else { words };
            let boards = boards_of(usb);
            let boards =
                if boards.is_empty() { String::new() } else { format!(", board {}", boards.join(" or ")) };
            format!("{} ({words}, {:04x}:{:04x}{boards})", port.port_name, usb.vid, usb.pid)
        }
        _ => port.port_name.clone(),
    };
    ports.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A serial port, and what it is on USB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortOfBoard {
    /// Path of the port.
    pub path: String,
    /// Vendor and product; none if it is not on USB.
    pub usb: Option<String>,
    /// The boards that call themselves so.
    pub boards: Vec<&'static str>,
}

/// What a port is on USB.
pub fn port_of_board(path: &str) -> PortOfBoard {
    described(path, &ports())
}

fn described(path: &str, ports: &[SerialPortInfo]) -> PortOfBoard {
    let usb = ports.iter().find(|port| is_one_place(&port.port_name, path)).and_then(usb_of);
    PortOfBoard {
        path: path.to_string(),
        usb: usb.map(|usb| format!("{:04x}:{:04x}", usb.vid, usb.pid)),
        boards: usb.map(boards_of).unwrap_or_default(),
    }
}

/// The only port that is a board by its identity on USB, and the board's name.
///
/// # Errors
/// When there is none or there are several: names the ports there are.
pub fn only_board() -> Result<(String, String)> {
    only_board_of(&ports())
}

fn only_board_of(ports: &[SerialPortInfo]) -> Result<(String, String)> {
    let there: Vec<PortOfBoard> = ports.iter().map(|port| described(&port.port_name, ports)).collect();
    let mut of_boards = there.iter().filter(|port| !port.boards.is_empty());
    match (of_boards.next(), of_boards.next()) {
        (Some(port), None) => Ok((port.path.clone(), port.boards.join(" or "))),
        (first, _) => {
            let why = if first.is_some() {
                "several ports are boards"
            } else {
                "no port is a board by its identity on USB"
            };
            let all = if ports.is_empty() { "none".to_string() } else { names(ports) };
            Err(wrong_use(format!(
                "{why}: give --port, or --state for an emulated device. Serial ports here: {all}"
            )))
        }
    }
}

/// Whether two paths lead to one port, as those in `/dev/serial/by-id` do to others.
fn is_one_place(one: &str, other: &str) -> bool {
    let behind = |path: &str| Path::new(path).canonicalize().ok();
    one == other || behind(one).is_some_and(|one| behind(other) == Some(one))
}

fn usb_of(port: &SerialPortInfo) -> Option<&UsbPortInfo> {
    match &port.port_type {
        SerialPortType::UsbPort(usb) => Some(usb),
        _ => None,
    }
}

/// The boards that call themselves so on USB. Boards may share an identity, and give their name as that of the product.
fn boards_of(usb: &UsbPortInfo) -> Vec<&'static str> {
    let id = facts::UsbId { vendor: usb.vid, product: usb.pid };
    let is_of = |board: &&Board| board.chip.as_ref().is_some_and(|chip| chip.usb == Some(id));
    let named: Vec<&str> = BOARDS.iter().filter(is_of).map(|board| &*board.name).collect();
    match named.iter().find(|name| usb.product.as_deref().is_some_and(|product| product.contains(*name))) {
        Some(name) => vec![*name],
        None => named,
    }
}

/// The only port that is a board, or else the only one on USB, where a board is likely; `None` if there is not exactly one.
fn only_candidate(ports: &[SerialPortInfo]) -> Option<&SerialPortInfo> {
    let mut of_boards =
        ports.iter().filter(|port| usb_of(port).is_some_and(|usb| !boards_of(usb).is_empty()));
    if let (Some(port), None) = (of_boards.next(), of_boards.next()) {
        return Some(port);
    }
    let mut on_usb = ports.iter().filter(|port| matches!(port.port_type, SerialPortType::UsbPort(_)));
    let first = on_usb.next()?;
    on_usb.next().is_none().then_some(first)
}

/// The option for the port that is likely to have the board, and the device on it, if there is only one such port.
pub fn likely_port() -> Option<String> {
    let ports = ports();
    let port = only_candidate(&ports)?;
    Some(format!("--port {}: {} is there", port.port_name, names([port])))
}

fn cannot_open(path: &str, error: &serialport::Error, ports: &[SerialPortInfo]) -> anyhow::Error {
    use serialport::ErrorKind;
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            let rights = match group_of(Path::new(path)) {
                Some(group) => format!(
                    "its group {group} may: `sudo usermod -aG {group} $USER`, log in again, and start again"
                ),
                None => "ask the system's administrator for them".to_string(),
            };
            anyhow!("cannot open {path}: you have no rights to it; {rights}")
        }
        // The system's error "busy" has this kind.
        ErrorKind::NoDevice if Path::new(path).exists() => anyhow!(
            "cannot open {path}: another program uses it, such as a serial monitor; close that and start again"
        ),
        _ => {
            let there = if ports.is_empty() { "none".to_string() } else { names(ports) };
            let likely = only_candidate(ports).map_or(String::new(), |port| {
                format!(". The board is likely on the one of USB: --port {}", port.port_name)
            });
            let question = match error.kind() {
                ErrorKind::Io(io::ErrorKind::NotFound) if cfg!(unix) && !path.starts_with("/dev/") => {
                    "does the device run that makes this socket?"
                }
                ErrorKind::Io(io::ErrorKind::NotFound) => "is the cable in?",
                _ => "is it a serial port?",
            };
            anyhow!("cannot open {path}: {error}; {question} Serial ports here: {there}{likely}")
        }
    }
}

/// Name of the group that a file belongs to.
#[cfg(unix)]
fn group_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let id = std::fs::metadata(path).ok()?.gid().to_string();
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    // A line has a name, a password, a number and the members.
    let mut lines = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.get(2) == Some(&&*id)).map(|fields| fields[0].to_string())
}

#[cfg(not(unix))]
fn group_of(_path: &Path) -> Option<String> {
    None
}

impl Stream for Transport {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        match self {
            Transport::Qemu(qemu) => qemu.read(buffer, patience),
            Transport::Serial(port) => port.read(buffer, patience),
            #[cfg(unix)]
            Transport::Socket(socket) => socket.read(buffer, patience),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Transport::Qemu(qemu) => {
                qemu.input.write_all(bytes)?;
                qemu.input.flush()
            }
            Transport::Serial(port) => port.write(bytes),
            #[cfg(unix)]
            Transport::Socket(socket) => socket.write(bytes),
        }
    }

    fn may_return(&self) -> bool {
        !matches!(self, Transport::Qemu(_))
    }

    fn reopen(&mut self) -> Result<bool> {
        match self {
            Transport::Qemu(_) => Ok(false),
            Transport::Serial(port) => port.reopen(),
            #[cfg(unix)]
            Transport::Socket(socket) => socket.reopen(),
        }
    }

    fn untaken(&mut self) -> usize {
        match self {
            // QEMU reads a byte when the emulated UART has room for one.
            Transport::Qemu(qemu) => in_pipe(&qemu.input),
            Transport::Serial(port) => port.untaken(),
            // The device reads as it works.
            #[cfg(unix)]
            Transport::Socket(..) => 0,
        }
    }

    fn why_gone(&mut self, error: Option<&io::Error>) -> String {
        match self {
            Transport::Qemu(qemu) => match qemu.complaints() {
                complaints if complaints.is_empty() => {
                    "the emulated board ended: its program or somebody else stopped QEMU; start again"
                        .to_string()
                }
                complaints => complaints,
            },
            Transport::Serial(port) => {
                let name = port.path();
                let error = error.map_or(String::new(), |error| format!(" ({error})"));
                format!(
                    "the port {name} is gone{error}: the cable was unplugged, or the board switched off; plug it in, look \
                     which port it has now, and start again"
                )
            }
            #[cfg(unix)]
            Transport::Socket(socket) => format!(
                "the device at {} has closed the connection: it ended, or another program is connected to it; see that it \
                 runs, end the other program, and start again",
                socket.path().display()
            ),
        }
    }

    fn elsewhere(&mut self) -> String {
        let Transport::Serial(port) = self else { return String::new() };
        let (name, baud) = (port.path(), port.baud());
        let ports = ports();
        let others: Vec<_> = ports.iter().filter(|port| !is_one_place(&port.port_name, name)).collect();
        let others = if others.is_empty() { "none".to_string() } else { names(others) };
        format!("{name}, {baud} bits a second; other serial ports here: {others}")
    }

    fn complaints(&mut self) -> String {
        match self {
            Transport::Qemu(qemu) => qemu.complaints(),
            _ => String::new(),
        }
    }
}

/// An emulated machine whose first UART is its standard input and output. Ends when dropped.
pub struct Qemu {
    running: Running,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    /// Bytes that came and were not read yet.
    pending: Vec<u8>,
}

impl Qemu {
    fn start(mut command: Command, process_file: Option<PathBuf>) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command)
            .context("cannot start qemu-system-arm; run ./setup.sh, or install QEMU for ARM")?;
        if let Some(file) = process_file {
            running = running.leaving(file);
        }
        let child = running.child();
        let (Some(input), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("qemu-system-arm has no standard streams");
        };
        let (output, errors) = (forward(stdout), forward(stderr));
        Ok(Qemu { running, input, output, errors, pending: Vec::new() })
    }

    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        if self.pending.is_empty() {
            match self.output.recv_timeout(patience) {
                Ok(bytes) => self.pending = bytes,
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.pending.len());
        buffer[..count].copy_from_slice(&self.pending[..count]);
        self.pending.drain(..count);
        Ok(count)
    }

    fn complaints(&mut self) -> String {
        // If QEMU is ending, its message arrives soon.
        let first = self.errors.recv_timeout(Duration::from_millis(200)).unwrap_or_default();
        let bytes: Vec<u8> = first.into_iter().chain(self.errors.try_iter().flatten()).collect();
        match String::from_utf8_lossy(&bytes).trim() {
            "" => String::new(),
            words => format!("QEMU: {words}"),
        }
    }
}

/// Number of bytes that were written into a pipe and not yet read from it.
#[cfg(unix)]
fn in_pipe(pipe: &ChildStdin) -> usize {
    rustix::io::ioctl_fionread(pipe).map_or(0, |bytes| bytes as usize)
}

#[cfg(not(unix))]
fn in_pipe(_pipe: &ChildStdin) -> usize {
    0
}

/// Reads a stream to its end in a separate thread, so that reading can time out.
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

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;

    use serialport::{SerialPort as _, TTYPort};

    use super::*;

    #[test]
    fn port_without_rights_names_the_group_that_has_them() {
        let error =
            serialport::Error::new(serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied), "denied");
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let group = group_of(file.path()).expect("every group has a name");
        let said = cannot_open(&path, &error, &[]).to_string();
        assert!(said.contains(&path) && said.contains(&format!("usermod -aG {group} ")), "{said}");
    }

    #[test]
    fn port_in_use_is_told_from_one_that_is_not_there() {
        let (_board, mut port) = TTYPort::pair().unwrap();
        port.set_exclusive(true).unwrap();
        let name = port.name().unwrap();
        let said = Transport::port(&name, 115_200).err().expect("busy").to_string();
        assert!(said.contains(&name) && said.contains("another program"), "{said}");
        let said = Transport::port("/dev/no-such-port", 115_200).err().expect("absent").to_string();
        assert!(said.contains("is the cable in?"), "{said}");
        let said = Transport::port("/dev/null", 115_200).err().expect("no port").to_string();
        assert!(said.contains("is it a serial port?"), "{said}");
    }

    #[test]
    fn ports_that_are_there_are_listed_with_what_is_on_them_and_the_likely_one_is_said() {
        let usb = |name: &str, product: Option<&str>| SerialPortInfo {
            port_name: name.to_string(),
            port_type: SerialPortType::UsbPort(serialport::UsbPortInfo {
                vid: 0x483,
                pid: 0x374b,
                serial_number: None,
                manufacturer: None,
                product: product.map(str::to_string),
                interface: None,
            }),
        };
        let built_in =
            SerialPortInfo { port_name: "/dev/ttyS0".to_string(), port_type: SerialPortType::Unknown };
        let error =
            serialport::Error::new(serialport::ErrorKind::Io(io::ErrorKind::NotFound), "no such file");
        let said = |ports: &[SerialPortInfo]| cannot_open("/dev/ttyACM9", &error, ports).to_string();
        assert!(said(&[]).ends_with("Serial ports here: none"), "{}", said(&[]));
        let one = said(&[built_in.clone(), usb("/dev/ttyACM0", Some("STM32_STLink"))]);
        assert!(one.contains("/dev/ttyS0, /dev/ttyACM0 (STM32 STLink, 0483:374b)"), "{one}");
        assert!(one.ends_with("--port /dev/ttyACM0"), "{one}");
        let two = said(&[usb("/dev/ttyACM0", None), usb("/dev/ttyACM1", None)]);
        assert!(two.contains("/dev/ttyACM1 (USB, 0483:374b)") && !two.contains("--port"), "{two}");
    }

    #[test]
    fn socket_of_a_device_that_runs_is_used_and_one_that_does_not_is_told() {
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link").display().to_string();
        let device = UnixListener::bind(&path).unwrap();
        let mut transport = Transport::port(&path, 9600).unwrap();
        let (mut peer, _) = device.accept().unwrap();
        let nothing = transport.read(&mut [0; 8], Duration::ZERO).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::TimedOut);
        transport.write(b"hello").unwrap();
        let mut heard = [0; 5];
        peer.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        drop(peer);
        assert_eq!(transport.read(&mut heard, Duration::from_secs(5)).unwrap(), 0);
        assert!(transport.why_gone(None).contains("closed the connection"));
        drop(device);
        let said = || format!("{:#}", Transport::port(&path, 9600).err().expect("nobody listens"));
        assert!(said().contains(&path) && said().contains("does the device run"), "{}", said());
        std::fs::remove_file(&path).unwrap();
        assert!(said().contains(&path) && said().contains("does the device run"), "{}", said());
    }

    #[test]
    fn boards_are_recognised_by_their_identity_on_usb() {
        let usb = |name: &str, (vid, pid): (u16, u16), product: Option<&str>| SerialPortInfo {
            port_name: name.to_string(),
            port_type: SerialPortType::UsbPort(UsbPortInfo {
                vid,
                pid,
                serial_number: None,
                manufacturer: Some("Geode".to_string()),
                product: product.map(str::to_string),
                interface: None,
            }),
        };
        let probe = usb("/dev/ttyACM0", (0x483, 0x374b), Some("STM32_STLink"));
        let board = usb("/dev/ttyACM1", (0x1209, 1), Some("stm32h743"));
        let there = [probe.clone(), board.clone()];
        let found = described("/dev/ttyACM1", &there);
        assert_eq!((found.usb.as_deref(), &*found.boards), (Some("1209:0001"), &["stm32h743"][..]));
        assert_eq!(described("/dev/ttyACM0", &there).boards, [""; 0]);
        assert_eq!(described("/dev/ttyS0", &there).usb, None);
        // Another path to the port, as udev makes one by the serial number.
        let folder = tempfile::tempdir().unwrap();
        let (port, by_id) = (folder.path().join("ttyACM1"), folder.path().join("usb-Geode_stm32h743-if00"));
        std::fs::write(&port, "").unwrap();
        std::os::unix::fs::symlink(&port, &by_id).unwrap();
        let linked = described(by_id.to_str().unwrap(), &[usb(port.to_str().unwrap(), (0x1209, 1), None)]);
        assert_eq!(linked.usb.as_deref(), Some("1209:0001"));
        // Without a product's name all boards of this identity are possible.
        let unnamed = usb("/dev/ttyACM1", (0x1209, 1), None);
        assert!(described("/dev/ttyACM1", &[unnamed]).boards.contains(&"stm32h743"));
        // Of two ports on USB the board is the likely one.
        assert_eq!(only_candidate(&there).map(|port| &*port.port_name), Some("/dev/ttyACM1"));
        assert_eq!(only_board_of(&there).unwrap(), ("/dev/ttyACM1".to_string(), "stm32h743".to_string()));
        let said = only_board_of(&[probe]).unwrap_err().to_string();
        assert!(
            said.contains("no port is a board") && said.contains("/dev/ttyACM0 (Geode STM32 STLink"),
            "{said}"
        );
        let said = only_board_of(&[board.clone(), board]).unwrap_err().to_string();
        assert!(said.contains("several ports") && said.contains("1209:0001, board stm32h743)"), "{said}");
    }

    #[test]
    fn unplugged_cable_has_words_of_its_own() {
        let (board, port) = TTYPort::pair().unwrap();
        let name = port.name().unwrap();
        let mut transport = Transport::serial(Box::new(port), &name);
        let nothing = transport.read(&mut [0; 8], Duration::from_millis(20)).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::TimedOut);
        let unplugging = std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            drop(board);
        });
        let ended = transport.read(&mut [0; 8], Duration::from_secs(10));
        unplugging.join().unwrap();
        assert!(!matches!(&ended, Ok(1..)), "{ended:?}");
        let error = ended.err();
        assert!(error.as_ref().is_none_or(|error| error.kind() != io::ErrorKind::TimedOut), "{error:?}");
        let said = transport.why_gone(error.as_ref());
        assert!(said.contains(&name) && said.contains("unplugged"), "{said}");
    }
}
