//! The host's end of a board's link.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use link::message::{Cost, Group, Hello, Objection, RECOGNISE_VERSION, Recognised, Seen, View};
use link::{MAX_ROW_BYTES, Reply, Request, SILENCE_MS};

use crate::sight::NO_EYES;
use crate::transport::Stream;
use crate::wire::{Heard, Wire, following};

/// Time in which a board must answer the first greeting, including its start.
const GREETING: Duration = Duration::from_secs(20);
/// Time for which a board with a task may be silent before it is asked whether it still has the task.
const SILENCE: Duration = Duration::from_millis(SILENCE_MS);
/// Time in which it must then answer.
const LAST_CHANCE: Duration = Duration::from_secs(1);
/// Interval at which a silent board is checked for taking bytes.
const LOOK: Duration = Duration::from_millis(200);
/// How often a request that a board did not get is sent again.
const REPEATS: usize = 3;

/// A request and the rows that belong to it.
#[derive(Clone, Copy)]
struct Task<'a> {
    request: Request<'a>,
    /// Its rows, one after another.
    pixels: &'a [u8],
    /// Bytes of a row.
    row_bytes: usize,
    /// What it is about, for messages.
    what: &'static str,
}

impl<'a> Task<'a> {
    fn height(&self) -> usize {
        self.pixels.len() / self.row_bytes.max(1)
    }

    fn row(&self, number: u16) -> Option<&'a [u8]> {
        self.pixels.chunks_exact(self.row_bytes.max(1)).nth(number.into())
    }
}

/// A board that answered.
pub struct Client {
    wire: Wire,
    hello: Hello,
    /// Of the task.
    turn: u32,
    /// Rows that the board asked for in this task.
    rows: usize,
}

impl Client {
    /// Greets the board. Messages for earlier hosts, and text of its start, are skipped.
    ///
    /// # Errors
    /// When nobody answers, the firmware is of another version, or the board has no usable image.
    pub fn connect(stream: impl Stream + 'static) -> Result<Self> {
        Self::greet(stream, GREETING)
    }

    /// Greets it for as long as `patience`.
    fn greet(stream: impl Stream + 'static, patience: Duration) -> Result<Self> {
        let mut wire = Wire::new(stream);
        let turn = following(RandomState::new().hash_one(Instant::now()) as u32);
        let hello = wire.greet(turn, patience)?;
        ensure!(hello.trouble.is_empty(), "the board answers but cannot work: {}", hello.trouble);
        match hello.version_of(Group::Recognise) {
            Some(RECOGNISE_VERSION) => Ok(Client { wire, hello, turn, rows: 0 }),
            _ => bail!(
                "the board {} does not recognise over the link as this program asks it to; flash matching firmware",
                hello.board
            ),
        }
    }

    /// Greets the board once more, which lets it forget the face that it followed.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn greet_again(&mut self) -> Result<()> {
        self.turn = following(self.turn);
        self.wire.greet(self.turn, GREETING).map(drop)
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Recognises an aligned crop, `[h][w][c]` bytes in the image's colour order.
    ///
    /// # Errors
    /// When the crop has the wrong size or the link fails.
    pub fn recognise(&mut self, crop: &[u8]) -> Result<Recognised> {
        let task = self.of_crop(Request::Recognise, crop)?;
        match self.begin(task)? {
            Reply::Recognised(recognised) => Ok(recognised),
            reply => Err(out_of_turn(&reply)),
        }
    }

    /// Embedding of an aligned crop, and its cost.
    ///
    /// # Errors
    /// As [`Self::recognise`].
    pub fn embed(&mut self, crop: &[u8]) -> Result<(Vec<i16>, Cost)> {
        let mut embedding = Vec::new();
        let task = self.of_crop(Request::Embed, crop)?;
        let mut reply = self.begin(task)?;
        loop {
            match reply {
                Reply::Embedding(part) => {
                    embedding.extend_from_slice(&part);
                    let dimension = self.hello.dimension;
                    ensure!(
                        embedding.len() <= dimension as usize,
                        "the board sends more than {dimension} elements of an embedding; flash matching firmware"
                    );
                }
                Reply::Embedded(cost) => {
                    ensure!(
                        embedding.len() == self.hello.dimension as usize,
                        "{} of {} elements of the embedding arrived; send the photo again",
                        embedding.len(),
                        self.hello.dimension
                    );
                    return Ok((embedding, cost));
                }
                reply => return Err(out_of_turn(&reply)),
            }
            reply = self.answer(task)?;
        }
    }

    /// What the board sees in a frame: in one whose rows are `pixels` and go over the link if `view` says so, otherwise in
    /// the one that lies in its memory.
    ///
    /// # Errors
    /// When the image has no eyes, the frame is too large for the board, or the link fails.
    pub fn see(&mut self, view: View, pixels: &[u8]) -> Result<Seen> {
        let row_bytes = usize::from(view.width) * view.format.pixel_bytes();
        let (needed, room) = (row_bytes * usize::from(view.height), self.hello.frame_bytes as usize);
        ensure!(self.hello.has_eyes, "the board's image {NO_EYES}");
        ensure!(room > 0, "the board {} has no memory for frames; send it aligned photos", self.hello.board);
        ensure!(
            needed <= room,
            "a frame of {}×{} pixels has {needed} bytes, the board {} has room for {room}; send smaller frames",
            view.width,
            view.height,
            self.hello.board
        );
        ensure!(
            !view.is_sent || row_bytes <= MAX_ROW_BYTES,
            "a row of the frame has {row_bytes} bytes, the link carries {MAX_ROW_BYTES}; send narrower frames"
        );
        let pixels = if view.is_sent { pixels } else { &[] };
        ensure!(
            !view.is_sent || pixels.len() == needed,
            "a frame of {} bytes, {}×{} pixels have {needed}",
            pixels.len(),
            view.width,
            view.height
        );
        match self.begin(Task { request: Request::See(view), pixels, row_bytes, what: "frame" })? {
            Reply::Seen(seen) => Ok(seen),
            // Outside a session it says no more.
            Reply::Verdict(_) => bail!(
                "the board is a device with a door, which tells strangers nothing but yes or no: ask it with `host device \
                 recognise`, or flash the program without a door"
            ),
            reply => Err(out_of_turn(&reply)),
        }
    }

    /// A task on a crop.
    fn of_crop<'a>(&self, request: Request<'a>, crop: &'a [u8]) -> Result<Task<'a>> {
        let [height, width, channels] = self.hello.crop.map(usize::from);
        ensure!(
            crop.len() == height * width * channels,
            "crop of {} bytes, the board takes {height} × {width} × {channels}",
            crop.len()
        );
        Ok(Task { request, pixels: crop, row_bytes: width * channels, what: "photo" })
    }

    /// Sends a request and the rows that the board asks for; returns the first reply that does not ask for a row.
    fn begin(&mut self, task: Task<'_>) -> Result<Reply> {
        self.turn = following(self.turn);
        self.rows = 0;
        self.wire.send(self.turn, &task.request)?;
        self.answer(task)
    }

    /// Waits for the next reply in the task's turn that is not for a row, and sends rows.
    fn answer(&mut self, task: Task<'_>) -> Result<Reply> {
        let Task { request, what, .. } = task;
        let height = task.height();
        let mut deadline = self.wire.stream.now() + SILENCE;
        let (mut is_asked, mut repeats, mut untaken) = (false, 0, self.wire.stream.untaken());
        loop {
            let heard = self.wire.listen(deadline.min(self.wire.stream.now() + LOOK))?;
            // Noise and messages for others are no answer, however many of them there are.
            let is_answer = match &heard {
                Heard::Reply(turn, reply) => *turn == self.turn || matches!(reply, Reply::Failed(_)),
                _ => false,
            };
            let heard = if is_answer || self.wire.stream.now() < deadline { heard } else { Heard::Nothing };
            let reply = match heard {
                Heard::Reply(turn, reply) if turn == self.turn => reply,
                Heard::Reply(0, Reply::Failed(why)) => {
                    return Err(self.wire.explain(format!("the board stopped: {why}; reset it")));
                }
                // The lost message may have been a row, or the request for one.
                Heard::Damaged | Heard::Reply(0, Reply::Refused(_)) => {
                    self.wire.send(self.turn, &Request::Status)?;
                    continue;
                }
                // For somebody who is gone.
                Heard::Reply(..) | Heard::Unknown => continue,
                // A slow wire, or an emulator on a busy machine: the board cannot answer what has not reached it.
                Heard::Nothing if self.wire.stream.untaken() < untaken => {
                    untaken = self.wire.stream.untaken();
                    deadline = self.wire.stream.now() + if is_asked { LAST_CHANCE } else { SILENCE };
                    continue;
                }
                Heard::Nothing if self.wire.stream.now() < deadline => continue,
                Heard::Nothing if !is_asked => {
                    is_asked = true;
                    self.wire.send(self.turn, &Request::Status)?;
                    untaken = self.wire.stream.untaken();
                    deadline = self.wire.stream.now() + LAST_CHANCE;
                    continue;
                }
                Heard::Nothing => {
                    let words = format!(
                        "the board stopped answering in the middle of a {what} (after row {} of {height}); reset it \
                         or switch it off and on, look at its cable, and start again",
                        self.rows
                    );
                    return Err(self.wire.explain(words));
                }
            };
            match reply {
                Reply::Row(row) => {
                    let Some(pixels) = task.row(row) else {
                        bail!("the board asks for row {row} of {height}; flash matching firmware");
                    };
                    self.rows = row as usize + 1;
                    self.wire.send(self.turn, &Request::Pixels(row, pixels))?;
                }
                Reply::Working => {}
                // The request did not arrive.
                Reply::Idle if self.rows == 0 && repeats < REPEATS => {
                    repeats += 1;
                    self.wire.send(self.turn, &request)?;
                }
                Reply::Idle | Reply::Refused(Objection::NoTask) => bail!(
                    "the board forgot the {what} after row {} of {height}: it was reset, or another program spoke to it; \
                     send the {what} again",
                    self.rows
                ),
                Reply::Refused(objection) => bail!("the board refuses: {objection}"),
                Reply::Failed(why) => bail!("the board: {why}"),
                reply => return Ok(reply),
            }
            untaken = self.wire.stream.untaken();
            (deadline, is_asked) = (self.wire.stream.now() + SILENCE, false);
        }
    }
}

fn out_of_turn(reply: &Reply) -> anyhow::Error {
    anyhow!("the board answers something else than was asked ({reply:?}); reset it")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use format::PixelFormat;
    use link::message::VERSION;
    use link::message::{Attention, GroupVersion};
    use link::{Decoder, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES, Message};

    use super::*;

    /// A board that answers every request with these replies.
    struct Parrot {
        replies: Vec<Reply>,
        decoder: Decoder,
        said: VecDeque<u8>,
    }

    impl Stream for Parrot {
        fn read(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            let byte = self.said.pop_front().ok_or(io::ErrorKind::BrokenPipe)?;
            buffer[0] = byte;
            Ok(1)
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            for &byte in bytes {
                if self.decoder.push(byte) == Ok(true) {
                    let turn = Message::parse(self.decoder.message()).unwrap().turn;
                    for reply in &self.replies {
                        let (mut message, mut frame) = ([0; MAX_REPLY_BYTES], [0; MAX_REPLY_FRAME_BYTES]);
                        let message = reply.emit(turn, &mut message).unwrap();
                        self.said.extend(link::encode(message, &mut frame).unwrap());
                    }
                }
            }
            Ok(())
        }

        fn untaken(&mut self) -> usize {
            0
        }

        fn why_gone(&mut self, error: Option<&io::Error>) -> String {
            format!("gone: {error:?}")
        }
    }

    #[cfg(unix)]
    #[test]
    fn silent_port_and_one_of_another_speed_are_told_apart() {
        use std::io::Write as _;

        use serialport::{SerialPort as _, TTYPort};

        use crate::transport::Transport;

        let said = |noise: &[u8]| {
            let (mut other, port) = TTYPort::pair().unwrap();
            other.write_all(noise).unwrap();
            let name = port.name().unwrap();
            let transport = Transport::serial(Box::new(port), &name);
            let said =
                Client::greet(transport, Duration::from_millis(300)).err().expect("nobody").to_string();
            assert!(
                said.contains(&format!("(it is {name}, ")) && said.contains("other serial ports"),
                "{said}"
            );
            said
        };
        let silent = said(b"");
        assert!(silent.contains("on this port") && !silent.contains("--baud"), "{silent}");
        // As a board sounds that speaks faster or slower.
        let noise = said(&[0x80, 0xfe, 0x00, 0xf8, 0x1c, 0x00, 0xe6, 0x00]);
        assert!(noise.contains("it sends something") && noise.contains("--baud"), "{noise}");
    }

    fn greeted(replies: &[Reply]) -> Result<Client> {
        Client::connect(Parrot { replies: replies.to_vec(), decoder: Decoder::new(), said: VecDeque::new() })
    }

    fn hello(groups: &[GroupVersion]) -> Reply {
        Reply::Hello(Hello {
            version: VERSION,
            groups: groups.iter().copied().collect(),
            board: "parrot".try_into().unwrap(),
            network: "n".try_into().unwrap(),
            image: [0; 32],
            crop: [1, 1, 1],
            dimension: 2,
            people: 0,
            has_eyes: true,
            frame_bytes: 8,
            start_instructions: 0,
            trouble: Default::default(),
        })
    }

    const RECOGNISE: GroupVersion =
        GroupVersion { group: Group::Recognise as u8, version: RECOGNISE_VERSION };

    #[test]
    fn board_of_another_version_is_told() {
        let other = GroupVersion { version: RECOGNISE_VERSION + 1, ..RECOGNISE };
        for (replies, expected) in [
            (vec![Reply::OtherVersion(7)], "version 7 of the link, this program 6"),
            (vec![hello(&[])], "parrot does not recognise"),
            (vec![hello(&[other])], "parrot does not recognise"),
            (vec![Reply::Failed("no image".try_into().unwrap())], "cannot work: no image"),
            (vec![], "gone: Some(Kind(BrokenPipe))"),
        ] {
            let said = greeted(&replies).err().expect("refused").to_string();
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(greeted(&[hello(&[RECOGNISE])]).unwrap().hello().people, 0);
    }

    #[test]
    fn refusals_and_answers_to_something_else_end_a_task() {
        let failed = |reply: Reply| {
            let mut client = greeted(&[hello(&[RECOGNISE])]).unwrap();
            client.wire.stream =
                Box::new(Parrot { replies: vec![reply], decoder: Decoder::new(), said: VecDeque::new() });
            client.recognise(&[0]).unwrap_err().to_string()
        };
        for (reply, expected) in [
            (Reply::Refused(Objection::RowLength), "the board refuses: a row of pixels of another length"),
            (Reply::Failed("too hot".try_into().unwrap()), "the board: too hot"),
            (Reply::Row(1), "asks for row 1 of 1"),
            (Reply::Embedded(Cost::default()), "something else than was asked"),
            // The request is sent again some times.
            (Reply::Idle, "forgot the photo after row 0 of 1"),
        ] {
            let said = failed(reply);
            assert!(said.contains(expected), "{said}");
        }
        let mut client = greeted(&[hello(&[RECOGNISE])]).unwrap();
        assert!(client.recognise(&[0, 0]).unwrap_err().to_string().contains("crop of 2 bytes"));
    }

    #[test]
    fn frames_that_a_board_cannot_take_are_refused_before_they_are_sent() {
        let mut client = greeted(&[hello(&[RECOGNISE])]).unwrap();
        let view = View {
            width: 4,
            height: 2,
            format: PixelFormat::Grey,
            is_sent: true,
            attention: Attention::Photo,
        };
        let mut said = |view: View, pixels: &[u8]| client.see(view, pixels).unwrap_err().to_string();
        assert!(
            said(View { height: 3, ..view }, &[0; 12])
                .contains("has 12 bytes, the board parrot has room for 8")
        );
        assert!(said(view, &[0; 7]).contains("a frame of 7 bytes, 4×2 pixels have 8"));
        client.hello.has_eyes = false;
        assert!(client.see(view, &[0; 8]).unwrap_err().to_string().contains("has no eyes"));
        (client.hello.has_eyes, client.hello.frame_bytes) = (true, 0);
        assert!(client.see(view, &[0; 8]).unwrap_err().to_string().contains("no memory for frames"));
    }

    /// A line with noise that never ends.
    struct Noisy;

    impl Stream for Noisy {
        fn read(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            // Slower than a real line, so that the test does not only decode.
            std::thread::sleep(Duration::from_millis(1));
            buffer[..3].copy_from_slice(&[1, 2, 0]);
            Ok(3)
        }

        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn untaken(&mut self) -> usize {
            0
        }

        fn why_gone(&mut self, error: Option<&io::Error>) -> String {
            format!("gone: {error:?}")
        }
    }

    #[test]
    fn noise_without_end_is_no_answer() {
        let mut client = greeted(&[hello(&[RECOGNISE])]).unwrap();
        client.wire.stream = Box::new(Noisy);
        let said = client.recognise(&[0]).unwrap_err().to_string();
        assert!(said.contains("stopped answering"), "{said}");
    }

    #[test]
    fn more_of_an_embedding_than_there_is_ends_the_task() {
        let mut client = greeted(&[hello(&[RECOGNISE])]).unwrap();
        let part = Reply::Embedding([1, 2, 3].into_iter().collect());
        client.wire.stream =
            Box::new(Parrot { replies: vec![part], decoder: Decoder::new(), said: VecDeque::new() });
        let said = client.embed(&[0]).unwrap_err().to_string();
        assert!(said.contains("more than 2 elements"), "{said}");
    }
}
