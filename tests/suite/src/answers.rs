//! A conversation of the host's end of the link with a board that answers anything.

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;
use format::PixelFormat;
use host::client::Client;
use host::transport::Stream;
use link::message::{
    Attention, Cost, Decision, Group, GroupVersion, Hello, Objection, RECOGNISE_VERSION, Recognised, Ruling,
    Seen, VERSION, View,
};
use link::{Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_REPLY_BYTES, Message, Reply};

/// Ends a piece of the answers.
pub const END: u8 = 0xa5;
/// Begins a piece that is sent as it is, without a frame.
pub const NOISE: u8 = 0xff;
/// Begins a piece that is sent in a frame as it is. Other pieces get the turn of the host's last request after their second
/// byte.
pub const OTHER_TURN: u8 = 0xfe;

/// Most bytes of a crop that is sent.
const MOST_CROP_BYTES: usize = 1 << 14;

/// A board that sends one piece after another, whatever it is asked, and then is gone. An empty piece is silence for as
/// long as the host listens: no time passes, but the clock of the stream moves.
struct Board {
    /// In reverse.
    pieces: Vec<Vec<u8>>,
    /// Bytes of the last piece that are not read yet.
    sent: Vec<u8>,
    heard: Decoder,
    turn: u32,
    clock: Instant,
}

impl Stream for Board {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        if self.sent.is_empty() {
            let Some(piece) = self.pieces.pop() else { return Ok(0) };
            let message = match &piece[..] {
                [] => {
                    self.clock += patience;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                [NOISE, noise @ ..] => {
                    self.sent = [noise, &[0]].concat();
                    None
                }
                [OTHER_TURN, message @ ..] => Some(message.to_vec()),
                [group, number, body @ ..] => {
                    Some([&[*group, *number][..], &self.turn.to_le_bytes(), body].concat())
                }
                short => Some(short.to_vec()),
            };
            if let Some(mut message) = message {
                message.truncate(MAX_MESSAGE_BYTES);
                self.sent = link::encode(&message, &mut [0; MAX_FRAME_BYTES]).expect("room").to_vec();
            }
        }
        let count = buffer.len().min(self.sent.len());
        buffer[..count].copy_from_slice(&self.sent[..count]);
        self.sent.drain(..count);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for &byte in bytes {
            if self.heard.push(byte) == Ok(true)
                && let Some(message) = Message::parse(self.heard.message())
            {
                self.turn = message.turn;
            }
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.clock
    }

    fn untaken(&mut self) -> usize {
        0
    }

    fn why_gone(&mut self, _: Option<&io::Error>) -> String {
        "gone".to_string()
    }
}

/// The host greets a board with these answers, has an embedding computed, a face recognised and a frame seen, and greets it
/// again. Returns the result of each as far as it got; the first is the board's name.
pub fn converse(answers: &[u8]) -> Vec<Result<String>> {
    let mut pieces: Vec<Vec<u8>> = answers.split(|&byte| byte == END).map(<[u8]>::to_vec).collect();
    pieces.reverse();
    let board = Board { pieces, sent: Vec::new(), heard: Decoder::new(), turn: 0, clock: Instant::now() };
    let mut client = match Client::connect(board) {
        Ok(client) => client,
        Err(error) => return vec![Err(error)],
    };
    let name = client.hello().board.to_string();
    let [height, width, channels] = client.hello().crop.map(usize::from);
    let crop = vec![77; (height * width * channels).min(MOST_CROP_BYTES)];
    let view =
        View { width: 4, height: 2, format: PixelFormat::Rgb565, is_sent: true, attention: Attention::Photo };
    vec![
        Ok(name),
        client.embed(&crop).map(|embedding| format!("{embedding:?}")),
        client.recognise(&crop).map(|recognised| format!("{recognised:?}")),
        client.see(view, &[0x5a; 16]).map(|seen| format!("{seen:?}")),
        client.see(View { is_sent: false, ..view }, &[]).map(|seen| format!("{seen:?}")),
        client.greet_again().map(|()| String::new()),
    ]
}

/// The pieces of answers for [`converse`].
///
/// # Panics
/// When an answer has the byte that ends a piece.
fn pieces(replies: &[Reply]) -> Vec<Vec<u8>> {
    let piece = |reply: &Reply| {
        let mut buffer = [0; MAX_REPLY_BYTES];
        let message = reply.emit(0, &mut buffer).expect("room for every reply");
        let (group, body) = (&message[..2], &message[link::message::HEADER_BYTES..]);
        let piece = [group, body].concat();
        assert!(!piece.contains(&END), "{reply:?}");
        piece
    };
    replies.iter().map(piece).collect()
}

/// Answers that boards give: to every request as it should be, with silence and noise between, and refusals.
pub fn typical() -> Vec<Vec<u8>> {
    let group = |group: Group, version| GroupVersion { group: group as u8, version };
    let hello = Reply::Hello(Hello {
        version: VERSION,
        groups: [group(Group::Control, VERSION as u8), group(Group::Recognise, RECOGNISE_VERSION)]
            .into_iter()
            .collect(),
        board: "b".try_into().expect("short"),
        network: "n".try_into().expect("short"),
        image: [9; 32],
        crop: [2, 2, 1],
        dimension: 3,
        people: 1,
        has_eyes: true,
        frame_bytes: 1999,
        start_instructions: 7,
        trouble: Default::default(),
    });
    let decision =
        Decision { ruling: Ruling::Accepted, certified: true, confidence: 0.5, best: None, runner_up: None };
    let recognised = Reply::Recognised(Recognised { decision, cost: Cost::default() });
    let seen = Reply::Seen(Seen::default());
    let part = |elements: &[i16]| Reply::Embedding(elements.iter().copied().collect());
    let rows = [Reply::Row(0), Reply::Working, Reply::Row(1), Reply::Row(1)];
    let whole = [
        &[hello.clone()][..],
        &rows,
        &[part(&[1, -1]), part(&[64]), Reply::Embedded(Cost::default())],
        &rows,
        &[recognised],
        &rows,
        &[seen.clone(), seen, hello.clone()],
    ];
    let whole = pieces(&whole.concat());
    let noisy = [
        vec![],
        vec![NOISE, 1, 2, 3],
        vec![NOISE, b'b', b'o', b'o', b't'],
        vec![OTHER_TURN, 1, 0x80, 0, 0, 0, 0, 1],
    ];
    let disturbed = whole.iter().zip(noisy.iter().cycle()).flat_map(|(piece, noise)| [noise, piece]);
    let disturbed: Vec<Vec<u8>> = disturbed.cloned().collect();
    let failed = |why: &str| Reply::Failed(why.try_into().expect("short"));
    let refusals = [
        &[
            hello.clone(),
            Reply::Refused(Objection::RowLength),
            Reply::Refused(Objection::NoTask),
            failed("no"),
        ][..],
        &[hello.clone(), Reply::Idle, Reply::Idle, Reply::Row(0), Reply::Idle, Reply::Row(7), part(&[1; 4])],
        &[hello, Reply::Embedded(Cost::default()), Reply::Row(2), Reply::Working],
        &[Reply::OtherVersion(5)],
        &[failed("no image")],
    ];
    let silent = [&whole[..1], &[const { Vec::new() }; 60][..], &whole[1..]].concat();
    let all = [whole, disturbed, silent].into_iter().chain(refusals.map(pieces));
    all.map(|pieces| pieces.join(&END)).collect()
}
