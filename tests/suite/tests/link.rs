//! The link when errors occur: hosts that stop, noise, damage, resets, boards that stop. Each scenario runs over a
//! pipe in memory with the board's own code in a thread, and over the UART of an emulated board.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use app::Recogniser;
use app::port::{Port, PortError};
use app::serve::{About, Meter, serve};
use app::sight::Blind;
use format::header::Section;
use host::board::{Board, Memory};
use host::client::Client;
use host::simulator::{AlignedBytes, Simulator};
use host::transport::{Stream, Transport};
use link::message::{Decision, Objection};
use link::{Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Message, Reply, Request, frame};
use serialport::{SerialPort as _, TTYPort};
use suite::{answers, join, sections_of, tiny_sections, wide_network};

/// The tiny image's crop, of two rows.
const CROP: [u8; 4] = [200, 30, 90, 250];

/// The board's correct results for the crop.
struct Expected {
    embedding: Vec<i16>,
    decision: Decision,
}

fn expected() -> Expected {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.geode");
    std::fs::write(&path, join(&tiny_sections())).unwrap();
    let bytes = AlignedBytes::read(&path).unwrap();
    let image = bytes.image(&path).unwrap();
    let embedding = Simulator::new(&image.embedder).unwrap().embed(&CROP).unwrap();
    let mut arena = AlignedBytes::zeroed(image.arena_bytes());
    let recogniser = Recogniser::of_image(image, arena.bytes_mut()).unwrap();
    Expected { decision: recogniser.recognise(&embedding).unwrap(), embedding }
}

/// A board and the wire to it.
trait Bench {
    /// The host's end of the wire.
    fn wire(&self) -> Wire;
    /// Restarts the board.
    fn reset(&self) -> Box<dyn FnMut() + Send>;
    /// Stops the board.
    fn stop(&self) -> Box<dyn FnMut() + Send>;
}

/// A wire that several hosts use one after another. The test can change the bytes on it.
#[derive(Clone)]
struct Wire {
    stream: Arc<Mutex<dyn Stream + Send>>,
    tampering: Arc<Mutex<Tampering>>,
}

/// Changes to the bytes on the wire.
#[derive(Default)]
struct Tampering {
    /// The host reads these bytes first.
    injected: VecDeque<u8>,
    /// After this many writes of the host, a bit of its next write is changed.
    damaged_write: Option<usize>,
    /// After this many writes and then this many bytes that the host reads, a bit of the next byte is changed.
    damaged_read: Option<(usize, usize)>,
    /// After this many writes, the next write is lost, and this function is called instead.
    accident: Option<(usize, Box<dyn FnMut() + Send>)>,
}

impl Tampering {
    /// Counts a byte that the host reads. Returns whether the byte must be damaged.
    fn is_read_damaged(&mut self) -> bool {
        let Some((0, bytes)) = self.damaged_read else { return false };
        self.damaged_read = bytes.checked_sub(1).map(|bytes| (0, bytes));
        bytes == 0
    }

    /// Counts a write of the host. Returns whether the write must be damaged.
    fn is_write_damaged(&mut self) -> bool {
        if let Some((writes, _)) = &mut self.damaged_read {
            *writes = writes.saturating_sub(1);
        }
        let writes = self.damaged_write.take();
        self.damaged_write = writes.and_then(|writes| writes.checked_sub(1));
        writes == Some(0)
    }
}

impl Stream for Wire {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let mut byte = [0];
        let injected = self.tampering.lock().unwrap().injected.pop_front();
        let count = match injected {
            Some(injected) => {
                byte[0] = injected;
                1
            }
            None => self.stream.lock().unwrap().read(&mut byte, patience)?,
        };
        if count > 0 && self.tampering.lock().unwrap().is_read_damaged() {
            byte[0] ^= 0x10;
        }
        buffer[..count].copy_from_slice(&byte[..count]);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut tampering = self.tampering.lock().unwrap();
        match tampering.accident.take() {
            Some((0, mut accident)) => {
                accident();
                return Ok(());
            }
            Some((count, accident)) => tampering.accident = Some((count - 1, accident)),
            None => {}
        }
        let mut bytes = bytes.to_vec();
        if tampering.is_write_damaged() {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }
        self.stream.lock().unwrap().write(&bytes)
    }

    fn untaken(&mut self) -> usize {
        self.stream.lock().unwrap().untaken()
    }

    fn why_gone(&mut self, error: Option<&io::Error>) -> String {
        self.stream.lock().unwrap().why_gone(error)
    }

    fn complaints(&mut self) -> String {
        self.stream.lock().unwrap().complaints()
    }
}

impl Wire {
    fn tamper(&self, change: impl FnOnce(&mut Tampering)) {
        change(&mut self.tampering.lock().unwrap());
    }

    /// Makes the host read these bytes before all others.
    fn inject(&self, bytes: &[u8]) {
        self.tamper(|tampering| tampering.injected.extend(bytes));
    }

    /// The wire, with an accident to the board instead of the `count`th write from now.
    fn accident(&self, count: usize, accident: Box<dyn FnMut() + Send>) {
        self.tamper(|tampering| tampering.accident = Some((count, accident)));
    }
}

/// A host that sends one message after another, and may stop at any moment.
struct RawHost {
    wire: Wire,
    decoder: Decoder,
}

impl RawHost {
    fn new(wire: Wire) -> Self {
        RawHost { wire, decoder: Decoder::new() }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.wire.write(bytes).unwrap();
    }

    fn message(&mut self, message: &[u8]) {
        self.bytes(link::encode(message, &mut [0; MAX_FRAME_BYTES]).unwrap());
    }

    fn say(&mut self, turn: u32, request: Request<'_>) {
        self.message(request.emit(turn, &mut [0; MAX_MESSAGE_BYTES]).unwrap());
    }

    /// The next reply and its turn.
    fn hear(&mut self) -> (u32, Reply) {
        loop {
            let mut byte = [0];
            assert_eq!(self.wire.read(&mut byte, Duration::from_secs(20)).unwrap(), 1);
            if self.decoder.push(byte[0]) == Ok(true) {
                let message = Message::parse(self.decoder.message()).unwrap();
                return (message.turn, message.reply().unwrap());
            }
        }
    }

    /// Begins to recognise, up to the request for the first row.
    fn begin(&mut self, turn: u32) {
        self.say(turn, Request::Recognise);
        assert_eq!(self.hear(), (turn, Reply::Row(0)));
    }

    /// Sends both rows, and receives the decision.
    fn finish(&mut self, turn: u32) {
        self.say(turn, Request::Pixels(0, &CROP[..2]));
        assert_eq!(self.hear(), (turn, Reply::Row(1)));
        self.say(turn, Request::Pixels(1, &CROP[2..]));
        assert_eq!(self.decision(turn), expected().decision);
    }

    fn decision(&mut self, turn: u32) -> Decision {
        match self.hear() {
            (to, Reply::Recognised(recognised)) if to == turn => recognised.decision,
            other => panic!("no decision: {other:?}"),
        }
    }
}

/// A new host gets all correct results.
fn works(wire: Wire) -> Client {
    let mut client = Client::connect(wire).unwrap();
    assert_eq!((client.hello().crop, client.hello().people), ([2, 2, 1], 2));
    still_works(&mut client);
    client
}

fn still_works(client: &mut Client) {
    let Expected { embedding, decision } = expected();
    assert_eq!(client.recognise(&CROP).unwrap().decision, decision);
    assert_eq!(client.embed(&CROP).unwrap().0, embedding);
}

fn host_that_stops_in_mid_crop_leaves_the_next_one_a_board(bench: &dyn Bench) {
    let mut gone = RawHost::new(bench.wire());
    gone.begin(1);
    works(bench.wire());
    // The next host does not read the board's answer.
    gone.begin(2);
    gone.say(2, Request::Pixels(0, &CROP[..2]));
    works(bench.wire());
    gone.begin(3);
    gone.say(3, Request::Pixels(0, &CROP[..2]));
    gone.say(3, Request::Pixels(1, &CROP[2..]));
    works(bench.wire());
}

fn noise_before_and_between_does_no_harm(bench: &dyn Bench) {
    let mut noise = RawHost::new(bench.wire());
    noise.bytes(b"AT+GMM\r\n\xff\xff\xff");
    let mut client = works(bench.wire());
    for bytes in [&b"noise"[..], b"\0", b"\x05noise\0", b"\xff\0\xff", &[0x55; 300]] {
        noise.bytes(bytes);
        still_works(&mut client);
    }
}

fn noise_in_mid_crop_makes_the_board_ask_again(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    host.begin(1);
    host.bytes(b"\0noise\0");
    assert_eq!(host.hear(), (1, Reply::Row(0)));
    // A row that was sent twice counts only once.
    host.say(1, Request::Pixels(0, &CROP[..2]));
    assert_eq!(host.hear(), (1, Reply::Row(1)));
    host.say(1, Request::Pixels(0, &CROP[..2]));
    host.say(1, Request::Pixels(1, &CROP[2..]));
    assert_eq!(host.decision(1), expected().decision);
}

fn boot_text_before_the_first_answer_is_skipped(bench: &dyn Bench) {
    bench.wire().inject(b"\r\nBoot ROM v1.2\r\nclock 168 MHz, memory \x00\x01\x02 ok\r\n> ");
    works(bench.wire());
}

fn words_of_another_session_are_no_answers(bench: &dyn Bench) {
    let mut old = Vec::new();
    for (turn, reply) in [
        (77, Reply::Row(0)),
        (77, Reply::Failed("old".try_into().unwrap())),
        (77, Reply::Idle),
        (0, Reply::Idle),
    ] {
        let (mut message, mut frame) = ([0; MAX_MESSAGE_BYTES], [0; MAX_FRAME_BYTES]);
        old.extend_from_slice(link::encode(reply.emit(turn, &mut message).unwrap(), &mut frame).unwrap());
    }
    bench.wire().inject(&old);
    let mut client = works(bench.wire());
    bench.wire().inject(&old);
    still_works(&mut client);
}

fn hello_in_mid_crop_ends_the_task(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    host.begin(5);
    host.say(9, Request::Hello);
    let heard = host.hear();
    assert!(matches!(heard, (9, Reply::Hello(_))), "{heard:?}");
    host.say(5, Request::Pixels(0, &CROP[..2]));
    assert_eq!(host.hear(), (5, Reply::Refused(Objection::NoTask)));
    works(bench.wire());
}

fn other_requests_in_mid_crop_end_the_task_and_are_answered(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    host.begin(5);
    host.say(5, Request::Status);
    assert_eq!(host.hear(), (5, Reply::Row(0)));
    host.say(6, Request::Embed);
    assert_eq!(host.hear(), (6, Reply::Row(0)));
    // This row belongs to the task before.
    host.say(5, Request::Pixels(0, &CROP[..2]));
    host.say(7, Request::Abort);
    assert_eq!(host.hear(), (7, Reply::Idle));
    host.say(8, Request::Status);
    assert_eq!(host.hear(), (8, Reply::Idle));
    host.begin(9);
    host.say(9, Request::Pixels(0, &CROP[..1]));
    assert_eq!(host.hear(), (9, Reply::Refused(Objection::RowLength)));
    host.begin(10);
    host.finish(10);
}

fn over_long_frames_are_refused_once(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    let frame: Vec<u8> = [&[0x55; MAX_FRAME_BYTES + 100][..], &[frame::END]].concat();
    host.bytes(&frame);
    assert_eq!(host.hear(), (0, Reply::Refused(Objection::TooLong)));
    host.begin(1);
    host.bytes(&frame);
    assert_eq!(host.hear(), (1, Reply::Row(0)));
    host.finish(1);
}

fn damaged_frames_are_sent_again(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    host.bytes(b"\0\x03damaged\0");
    assert_eq!(host.hear(), (0, Reply::Refused(Objection::Damaged)));
    let mut client = works(bench.wire());
    let decision = expected().decision;
    // The writes are the request and both rows.
    for write in 0..3 {
        bench.wire().tamper(|tampering| tampering.damaged_write = Some(write));
        assert_eq!(client.recognise(&CROP).unwrap().decision, decision, "write {write}");
        assert_eq!(bench.wire().tampering.lock().unwrap().damaged_write, None);
    }
    // The requests for both rows are frames of 14 bytes.
    for (writes, byte) in (1..=2).flat_map(|writes| (0..14).map(move |byte| (writes, byte))) {
        bench.wire().tamper(|tampering| tampering.damaged_read = Some((writes, byte)));
        assert_eq!(client.recognise(&CROP).unwrap().decision, decision, "byte {byte} after {writes} writes");
    }
    // The decision cannot be requested again. It is lost, and the next photo works.
    bench.wire().tamper(|tampering| tampering.damaged_read = Some((3, 10)));
    let error = client.recognise(&CROP).unwrap_err().to_string();
    assert!(error.contains("send the photo again"), "{error}");
    still_works(&mut client);
}

fn reserved_groups_are_refused_and_end_the_task(bench: &dyn Bench) {
    let mut host = RawHost::new(bench.wire());
    let reserved = |group: u8, host: &mut RawHost| {
        for number in [0, 1, 0x7f] {
            host.message(&[group, number, 4, 0, 0, 0, b'?']);
            assert_eq!(host.hear(), (4, Reply::Refused(Objection::UnknownGroup)));
        }
    };
    for group in 2..6 {
        reserved(group, &mut host);
        host.begin(3);
        reserved(group, &mut host);
        host.say(3, Request::Status);
        assert_eq!(host.hear(), (3, Reply::Idle));
    }
    // A number that the group lacks, a message too short for a number, and an echoed reply.
    host.message(&[1, 0x7f, 4, 0, 0, 0]);
    assert_eq!(host.hear(), (4, Reply::Refused(Objection::UnknownNumber)));
    host.message(b"short");
    host.message(&[1, 0x80, 4, 0, 0, 0, 0]);
    host.begin(5);
    host.finish(5);
}

fn board_that_was_reset_in_mid_crop_is_told_from_a_dead_one(bench: &dyn Bench) {
    let mut client = works(bench.wire());
    // The reset takes the place of the first row, after the request.
    bench.wire().accident(1, bench.reset());
    let error = client.recognise(&CROP).unwrap_err().to_string();
    assert!(error.contains("forgot the photo after row 1 of 2"), "{error}");
    still_works(&mut client);
    works(bench.wire());
}

fn dead_board_is_noticed_within_five_seconds(bench: &dyn Bench) {
    let mut client = works(bench.wire());
    bench.wire().accident(1, bench.stop());
    let start = Instant::now();
    let error = client.recognise(&CROP).unwrap_err().to_string();
    assert!(error.contains("stopped answering") && error.contains("after row 1 of 2"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// The board's code in a thread, at the other end of a pipe.
struct Fake {
    wire: Wire,
    is_reset: Arc<AtomicBool>,
    is_stopped: Arc<AtomicBool>,
}

/// The host's end of the pipe.
struct HostEnd {
    sender: Sender<u8>,
    receiver: Receiver<u8>,
}

impl Stream for HostEnd {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        match self.receiver.recv_timeout(patience) {
            Ok(byte) => {
                buffer[0] = byte;
                Ok(1)
            }
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Ok(0),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes
            .iter()
            .try_for_each(|&byte| self.sender.send(byte))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn untaken(&mut self) -> usize {
        0
    }

    fn why_gone(&mut self, _: Option<&io::Error>) -> String {
        "the pipe ended".to_string()
    }
}

/// The board's end of the pipe.
struct BoardEnd {
    sender: Sender<u8>,
    receiver: Receiver<u8>,
    is_reset: Arc<AtomicBool>,
    is_stopped: Arc<AtomicBool>,
}

impl embedded_io::ErrorType for BoardEnd {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for BoardEnd {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        loop {
            match self.receiver.recv_timeout(Duration::from_millis(5)) {
                Ok(_) if self.is_stopped.load(Ordering::Relaxed) => {}
                Ok(byte) => {
                    buffer[0] = byte;
                    return Ok(1);
                }
                Err(RecvTimeoutError::Timeout) if self.is_reset.swap(false, Ordering::Relaxed) => {
                    return Err(embedded_io::ErrorKind::ConnectionReset);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

impl embedded_io::Write for BoardEnd {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        // Several hosts use the board one after another.
        for &byte in bytes {
            let _ = self.sender.send(byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The meter of a slow board. Each reading adds this many instructions and takes this long.
struct Slowness {
    instructions: u64,
    pause: Duration,
    now: u64,
}

impl Meter for Slowness {
    fn instructions(&mut self) -> u64 {
        std::thread::sleep(self.pause);
        self.now += self.instructions;
        self.now
    }

    fn stack_bytes(&mut self) -> u32 {
        1
    }
}

/// A board's program. It serves the tiny image. When its stream fails it starts anew, until the stream ends.
fn run_board(
    stream: impl embedded_io::Read + embedded_io::Write,
    meter: &mut Slowness,
    restarting: impl Fn(),
) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.geode");
    std::fs::write(&path, join(&tiny_sections())).unwrap();
    let bytes = AlignedBytes::read(&path).unwrap();
    let mut arena = nn::Arena::<4096>::new();
    let image = bytes.image(&path).unwrap();
    let recogniser: Result<_, Infallible> = Ok(Recogniser::of_image(image, &mut arena.0).unwrap());
    let mut port = Port::new(stream);
    let about = About { board: "fake", start_instructions: 7 };
    while serve(&about, &recogniser, &mut arena.0, &mut port, meter, &mut Blind) != PortError::Closed {
        restarting();
    }
}

impl Fake {
    fn new() -> Self {
        Self::slow(Slowness { instructions: 1000, pause: Duration::ZERO, now: 0 })
    }

    fn slow(mut meter: Slowness) -> Self {
        let (to_board, from_host) = channel();
        let (to_host, from_board) = channel();
        let flags = || Arc::new(AtomicBool::new(false));
        let (is_reset, is_stopped) = (flags(), flags());
        let end = BoardEnd {
            sender: to_host.clone(),
            receiver: from_host,
            is_reset: is_reset.clone(),
            is_stopped: is_stopped.clone(),
        };
        std::thread::spawn(move || {
            run_board(end, &mut meter, || {
                for &byte in b"booting\r\n" {
                    let _ = to_host.send(byte);
                }
            });
        });
        let stream = HostEnd { sender: to_board, receiver: from_board };
        let wire = Wire { stream: Arc::new(Mutex::new(stream)), tampering: Arc::default() };
        Fake { wire, is_reset, is_stopped }
    }
}

impl Bench for Fake {
    fn wire(&self) -> Wire {
        self.wire.clone()
    }

    fn reset(&self) -> Box<dyn FnMut() + Send> {
        let flag = self.is_reset.clone();
        Box::new(move || flag.store(true, Ordering::Relaxed))
    }

    fn stop(&self) -> Box<dyn FnMut() + Send> {
        let flag = self.is_stopped.clone();
        Box::new(move || flag.store(true, Ordering::Relaxed))
    }
}

/// A machine in QEMU. The test controls it over a socket beside the link.
struct Emulated {
    wire: Wire,
    socket: PathBuf,
    // Fields are dropped in order, so the folder is removed last.
    _folder: tempfile::TempDir,
}

impl Emulated {
    fn start(board: &Board) -> Self {
        Self::start_with(board, &tiny_sections())
    }

    fn start_with(board: &Board, sections: &[(Section, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("tiny.geode");
        std::fs::write(&image, join(sections)).unwrap();
        let socket = folder.path().join("qmp");
        let mut qemu = board.emulator(&board.build().unwrap(), Some((&image, Memory::External))).unwrap();
        qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", socket.display()));
        let stream = Transport::emulator(qemu, None).unwrap();
        let wire = Wire { stream: Arc::new(Mutex::new(stream)), tampering: Arc::default() };
        Emulated { wire, socket, _folder: folder }
    }

    /// A command to QEMU (QEMU Machine Protocol).
    fn command(&self, command: &'static str) -> Box<dyn FnMut() + Send> {
        let socket = self.socket.clone();
        Box::new(move || {
            let mut stream = UnixStream::connect(&socket).unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for command in ["qmp_capabilities", command] {
                writeln!(stream, "{{\"execute\": \"{command}\"}}").unwrap();
                while !lines.next().unwrap().unwrap().contains("\"return\"") {}
            }
        })
    }
}

impl Bench for Emulated {
    fn wire(&self) -> Wire {
        self.wire.clone()
    }

    fn reset(&self) -> Box<dyn FnMut() + Send> {
        self.command("system_reset")
    }

    fn stop(&self) -> Box<dyn FnMut() + Send> {
        self.command("stop")
    }
}

/// Makes each of these functions a test over a pipe, and one test that runs all of them over the UART of an emulated
/// board, in this order.
macro_rules! over_pipe_and_uart {
    ($($name:ident,)*) => {
        mod over_a_pipe {
            $(#[test]
            fn $name() {
                super::$name(&super::Fake::new());
            })*
        }

        #[test]
        #[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
        fn the_same_over_an_emulated_uart() {
            let board = Board::named("qemu-m7").unwrap();
            let bench = Emulated::start(board);
            $(
                let start = Instant::now();
                $name(&bench);
                println!("{}: {:.1?}", stringify!($name), start.elapsed());
            )*
            ended_emulator_is_told(&bench);
        }
    };
}

over_pipe_and_uart! {
    host_that_stops_in_mid_crop_leaves_the_next_one_a_board,
    noise_before_and_between_does_no_harm,
    noise_in_mid_crop_makes_the_board_ask_again,
    boot_text_before_the_first_answer_is_skipped,
    words_of_another_session_are_no_answers,
    hello_in_mid_crop_ends_the_task,
    other_requests_in_mid_crop_end_the_task_and_are_answered,
    over_long_frames_are_refused_once,
    damaged_frames_are_sent_again,
    reserved_groups_are_refused_and_end_the_task,
    board_that_was_reset_in_mid_crop_is_told_from_a_dead_one,
    dead_board_is_noticed_within_five_seconds,
}

fn ended_emulator_is_told(bench: &Emulated) {
    bench.command("quit")();
    let error = Client::connect(bench.wire()).err().expect("nobody is there").to_string();
    assert!(error.contains("the emulated board ended"), "{error}");
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn board_that_dies_while_a_long_row_is_under_way_is_noticed_within_five_seconds() {
    let bench = Emulated::start_with(Board::named("qemu-m7").unwrap(), &sections_of(&wide_network()));
    let crop: Vec<u8> = (0..512).map(|index| CROP[index / 256 * 2 + index % 2]).collect();
    let mut client = Client::connect(bench.wire()).unwrap();
    assert_eq!(client.recognise(&crop).unwrap().decision, expected().decision);
    bench.wire().accident(1, bench.stop());
    let start = Instant::now();
    let error = client.recognise(&crop).unwrap_err().to_string();
    assert!(error.contains("stopped answering"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// The board's end of a serial line. It is unplugged after this many more bytes from the host.
struct Line(TTYPort, usize);

impl embedded_io::ErrorType for Line {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        loop {
            // Reading fails while no host has the other end open.
            if let Ok(count @ 1..) = self.0.read(buffer) {
                self.1 = self.1.saturating_sub(count);
                return Ok(if self.1 == 0 { 0 } else { count });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl embedded_io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn serial_port_serves_one_host_after_another() {
    let (board, port) = TTYPort::pair().unwrap();
    let name = port.name().unwrap();
    // The port is in use until it is dropped.
    drop(port);
    std::thread::spawn(move || {
        let mut meter = Slowness { instructions: 1000, pause: Duration::ZERO, now: 0 };
        run_board(Line(board, usize::MAX), &mut meter, || {});
    });
    let open = || {
        let stream = Arc::new(Mutex::new(Transport::port(&name, 115_200).unwrap()));
        Wire { stream, tampering: Arc::default() }
    };
    for _ in 0..2 {
        works(open());
        let mut gone = RawHost::new(open());
        gone.say(1, Request::Recognise);
        while gone.hear() != (1, Reply::Row(0)) {}
    }
    works(open());
}

#[test]
fn board_that_computes_says_so_and_tells_its_costs() {
    let bench = Fake::slow(Slowness { instructions: 9_000_000, pause: Duration::ZERO, now: 0 });
    let mut host = RawHost::new(bench.wire());
    host.begin(1);
    host.say(1, Request::Pixels(0, &CROP[..2]));
    let (mut working, mut rows) = (0, 0);
    let cost = loop {
        match host.hear() {
            (1, Reply::Working) => working += 1,
            (1, Reply::Row(1)) => {
                rows += 1;
                host.say(1, Request::Pixels(1, &CROP[2..]));
            }
            (1, Reply::Recognised(recognised)) => break recognised.cost,
            other => panic!("{other:?}"),
        }
    };
    assert!(working > 0 && rows == 1);
    // The meter is read once before and once after.
    assert_eq!(cost.match_instructions, 9_000_000);
    assert!(cost.embed_instructions > 0 && cost.arena_bytes > 0 && cost.stack_bytes == 1);
    assert_eq!(Client::connect(bench.wire()).unwrap().hello().start_instructions, 7);
}

#[test]
fn slow_board_is_not_taken_for_a_dead_one() {
    let bench = Fake::slow(Slowness { instructions: 9_000_000, pause: Duration::from_millis(500), now: 0 });
    let mut client = Client::connect(bench.wire()).unwrap();
    let start = Instant::now();
    assert_eq!(client.recognise(&CROP).unwrap().decision, expected().decision);
    assert!(start.elapsed() > Duration::from_secs(5), "{:?} is not slow", start.elapsed());
}

#[test]
fn port_that_is_unplugged_in_mid_photo_is_named_at_once() {
    let (board, port) = TTYPort::pair().unwrap();
    let name = port.name().unwrap();
    // The greeting is within these bytes. The request for the photo and its first row are after them.
    let greeting = 24;
    std::thread::spawn(move || {
        let mut meter = Slowness { instructions: 1000, pause: Duration::ZERO, now: 0 };
        run_board(Line(board, greeting), &mut meter, || {});
    });
    let mut client = Client::connect(Transport::serial(Box::new(port), &name)).unwrap();
    let start = Instant::now();
    let mut photos = std::iter::repeat_with(|| client.recognise(&CROP));
    let said = photos.find_map(Result::err).unwrap().to_string();
    assert!(said.contains(&name) && said.contains("unplugged"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn host_comes_to_an_end_whatever_its_board_answers_and_waits_by_the_clock_of_its_stream() {
    let start = Instant::now();
    let typical = answers::typical();
    let whole = answers::converse(&typical[0]);
    assert!(whole.iter().all(Result::is_ok), "{whole:?}");
    assert_eq!(
        whole[1].as_ref().unwrap().as_str(),
        format!("{:?}", (vec![1, -1, 64], link::message::Cost::default()))
    );
    // Noise and other hosts' messages between the same answers change nothing.
    let disturbed = answers::converse(&typical[1]);
    assert!(disturbed.iter().all(Result::is_ok), "{disturbed:?}");
    let silent = answers::converse(&typical[2]);
    assert!(format!("{:?}", silent[1]).contains("stopped answering"), "{silent:?}");
    let never = answers::converse(&[answers::END; 100]);
    assert!(format!("{never:?}").contains("no answer from the board"), "{never:?}");
    // Any byte of any answer is another one.
    let mut outcomes = 0;
    for seed in &typical {
        for place in 0..seed.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff, seed[place] ^ 0x20] {
                let mut changed = seed.clone();
                changed[place] = byte;
                outcomes += answers::converse(&changed).len();
                outcomes += answers::converse(&changed[..place]).len();
            }
        }
    }
    assert!(outcomes > 10_000, "{outcomes}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
