//! Writes what fuzzers start from: tiny networks that hold every operator between them, changes of an image, messages of a host.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fm22x::message::{Direction, Enrol};
use fm22x::{Command, FaceState, Note, Outcome, Reply as Answer, Status};
use format::PixelFormat;
use fuzz::steps::END;
use link::message::{Attention, PeopleRequest, Request, SessionRequest, Test, UpdateRequest, View};
use suite::answers;
use suite::onnx::{Attribute, Onnx};

/// Largest file of the larger test data that is a seed: fuzzers are slow with more.
const MOST_BYTES: u64 = 8 << 10;

/// A step: its number, the power of two that says how often, and what belongs to it.
type Step<'a> = (u8, u8, &'a [u8]);

fn write(folder: &Path, fuzzer: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = folder.join(fuzzer);
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
    }
    Ok(())
}

/// The head of most small networks: a convolution of the photo, normalised and bent.
fn stem(net: &mut Onnx) -> String {
    let x = net.conv("input", [3, 4], [3, 3], 2, 1, 1);
    let x = net.batch_norm(&x, 4);
    net.prelu(&x, 4)
}

/// Small networks that hold, together, every operator that is imported.
fn tiny() -> Vec<Vec<u8>> {
    use Attribute::{Float, Int, Ints, Text};
    let photo = [1, 3, 8, 8];
    let mut all = Vec::new();

    // A face's embedding, its length made one in steps.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let x = net.conv(&x, [4, 4], [3, 3], 1, 1, 4);
    let x = net.node("Flatten", &[&x], &[("axis", Int(1))]);
    let x = net.gemm(&x, 64, 8);
    let length = net.node("ReduceL2", &[&x], &[("axes", Ints(vec![1])), ("keepdims", Int(1))]);
    let length = net.node("Clip", &[&length], &[("min", Float(1e-12))]);
    let x = net.node("Div", &[&x, &length], &[]);
    all.push(net.finish(&x));

    // Squeeze and excitation, in a residual block.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let mean = net.node("GlobalAveragePool", &[&x], &[]);
    let gate = net.conv(&mean, [4, 2], [1, 1], 1, 0, 1);
    let gate = net.node("Relu", &[&gate], &[]);
    let gate = net.conv(&gate, [2, 4], [1, 1], 1, 0, 1);
    let gate = net.node("Sigmoid", &[&gate], &[]);
    let scaled = net.node("Mul", &[&x, &gate], &[]);
    let x = net.node("Add", &[&x, &scaled], &[]);
    let x = net.node("ReduceMean", &[&x], &[("axes", Ints(vec![2, 3])), ("keepdims", Int(0))]);
    all.push(net.finish(&x));

    // Maps that are joined, made smaller and enlarged.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let window = [("kernel_shape", Ints(vec![2; 2])), ("strides", Ints(vec![2; 2]))];
    let greatest = net.node("MaxPool", &[&x], &window);
    let mean = net.node("AveragePool", &[&x], &window);
    let joined = net.node("Concat", &[&greatest, &mean], &[("axis", Int(1))]);
    let scales = net.constant(&[4], vec![1.0, 1.0, 2.0, 2.0]);
    let attributes = [
        ("mode", Text("nearest")),
        ("coordinate_transformation_mode", Text("asymmetric")),
        ("nearest_mode", Text("floor")),
    ];
    let large = net.node("Resize", &[&joined, "", &scales], &attributes);
    let far = net.dilated(&large, [8, 4], 2);
    let x = net.node("HardSwish", &[&far], &[]);
    let padded = net.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
    let x = net.node("Pad", &[&x, &padded], &[]);
    let x = net.conv(&x, [4, 4], [3, 3], 1, 0, 2);
    all.push(net.finish(&x));

    // What a photo goes through before a network, and shapes that are computed.
    let mut net = Onnx::new(&[1, 8, 8, 3]);
    let mean = net.constant(&[1], vec![127.5]);
    let deviation = net.constant(&[1], vec![128.0]);
    let x = net.node("Sub", &["input", &mean], &[]);
    let x = net.node("Div", &[&x, &deviation], &[]);
    let x = net.node("Transpose", &[&x], &[("perm", Ints(vec![0, 3, 1, 2]))]);
    let order = net.integers(&[2, 1, 0]);
    let x = net.node("Gather", &[&x, &order], &[("axis", Int(1))]);
    let x = net.conv(&x, [3, 4], [3, 3], 2, 1, 1);
    let half = net.node("Sigmoid", &[&x], &[]);
    let x = net.node("Mul", &[&x, &half], &[]);
    let shape = net.integers(&[1, -1]);
    let x = net.node("Reshape", &[&x, &shape], &[]);
    let axes = net.integers(&[0]);
    let x = net.node("Squeeze", &[&x, &axes], &[]);
    let x = net.node("Unsqueeze", &[&x, &axes], &[]);
    all.push(net.finish(&x));

    // A clipped activation, whole arithmetic of constants, and a product without a bias.
    let mut net = Onnx::new(&photo);
    let x = net.conv("input", [3, 4], [3, 3], 2, 1, 1);
    let bounds = [0.0, 6.0].map(|bound| net.constant(&[], vec![bound]));
    let x = net.node("Clip", &[&x, &bounds[0], &bounds[1]], &[]);
    let numbers = net.constant(&[4, 1, 1], vec![1.0, 2.0, 3.0, 4.0]);
    let root = net.node("Sqrt", &[&numbers], &[]);
    let x = net.node("Mul", &[&x, &root], &[]);
    let x = net.node("LeakyRelu", &[&x], &[("alpha", Float(0.1))]);
    let x = net.node("Elu", &[&x], &[]);
    let x = net.node("Dropout", &[&x], &[]);
    let x = net.node("Flatten", &[&x], &[]);
    let weights = net.constant(&[64, 4], vec![0.01; 256]);
    let x = net.node("MatMul", &[&x, &weights], &[]);
    let x = net.node("LpNormalization", &[&x], &[("axis", Int(1)), ("p", Int(2))]);
    all.push(net.finish(&x));
    all
}

fn networks() -> Vec<Vec<u8>> {
    let mut networks = tiny();
    let field = suite::root().join("../shared/field/nets");
    let files: Vec<PathBuf> = std::fs::read_dir(field)
        .map_or(Vec::new(), |files| files.flatten().map(|file| file.path()).collect());
    let small = files.iter().filter(|file| file.metadata().is_ok_and(|found| found.len() <= MOST_BYTES));
    networks.extend(small.filter_map(|file| std::fs::read(file).ok()));
    networks
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "target/fuzz".into()));
    write(&folder, "onnx", networks())?;
    write(&folder, "image", images())?;
    write(&folder, "link", messages()?.into_iter().chain(answers::typical()))?;
    write(&folder, "session", sessions())?;
    write(&folder, "fm22x", controllers())?;
    write(&folder, "store", stores())?;
    write(&folder, "device", devices()?)?;
    Ok(())
}

/// An input of the fuzzers whose inputs are steps.
///
/// # Panics
/// When something has the byte that ends a step.
fn script(steps: &[Step<'_>]) -> Vec<u8> {
    let pieces = steps.iter().map(|&(number, power, rest)| [&[number | power << 5][..], rest].concat());
    let pieces: Vec<Vec<u8>> = pieces.collect();
    assert!(pieces.iter().all(|piece| !piece.contains(&END)), "{pieces:x?}");
    pieces.join(&END)
}

/// Sessions: both sides talk, the wire is changed, messages are repeated, and nobody pairs.
fn sessions() -> Vec<Vec<u8>> {
    let pair = |number| [&[5, number, 1, 0, 0, 0][..], &[7; 32]].concat();
    let talk = script(&[(0, 0, &[]), (1, 0, &[]), (2, 0, &[]), (0, 0, &[]), (1, 0, &[]), (8, 7, &[])]);
    let changed =
        script(&[(11, 0, &[]), (2, 0, &[]), (4, 2, &[20, 1]), (0, 0, &[]), (5, 2, &[6, 1]), (1, 0, &[])]);
    let repeated =
        script(&[(11, 0, &[]), (2, 2, &[]), (9, 2, &[2]), (10, 0, &[]), (11, 0, &[]), (9, 1, &[0])]);
    let pairing = script(&[(6, 0, &pair(2)), (6, 0, &pair(3)), (7, 0, &[5, 0x84, 1, 0, 0, 0, 0])]);
    vec![talk, changed, repeated, pairing]
}

/// Commands of a controller.
fn commands() -> Vec<Command> {
    let enrol = |number, direction| {
        let name = "Lin".try_into().expect("short");
        Command::Enrol(Enrol { number, is_admin: true, name, direction, may_repeat: true, seconds: 60 })
    };
    vec![
        Command::Reset,
        Command::Status,
        Command::Version,
        Command::Serial,
        Command::Ids,
        Command::Verify { is_last: false, seconds: 9 },
        Command::Person(2),
        enrol(0x1d, None),
        enrol(0x13, Some(Direction::Middle)),
        enrol(0x26, Some(Direction::Up)),
        Command::ForgetShots,
        Command::Delete(2),
        Command::DeleteAll,
    ]
}

/// A command as a step: its frame without start, length and parity.
fn content(command: &Command) -> Vec<u8> {
    let frame = command.emit();
    [&frame[2..3], &frame[5..frame.len() - 1]].concat()
}

/// Controllers: each command, whole, damaged and as bytes, with and without the button, and how its task ends; then answers.
fn controllers() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for command in commands() {
        let (content, frame) = (content(&command), command.emit());
        let damaged = [&[2, 1][..], &content].concat();
        for ending in [0, 4, 5, 6, 7] {
            let task: &[Step<'_>] =
                &[(6, 0, &[]), (1, 0, &content), (9, 0, &[5, ending, 0]), (4, 0, &[0, 3]), (5, 0, &[200])];
            all.push(script(task));
        }
        all.push(script(&[(0, 0, &frame), (7, 0, &[0, 2]), (1, 2, &content), (2, 2, &damaged), (8, 0, &[])]));
    }
    let user = fm22x::message::User { id: 7, name: "Ada".try_into().expect("short"), is_admin: true };
    let answers = [
        Answer::Done(0x20),
        Answer::Failed(0x12, Outcome::NotLive),
        Answer::Status(Status::Busy),
        Answer::Verified(user.clone()),
        Answer::Person(user),
        Answer::Enrolled { number: 0x13, id: 3, directions: 1 },
        Answer::Ids([1, 2, 3].into_iter().collect()),
        Answer::Version("1.0".try_into().expect("short")),
    ];
    for answer in answers.iter().map(Answer::emit).chain([Note::Face(FaceState::NO_FACE).emit()]) {
        all.push(script(&[(3, 2, &[&answer[2..3], &answer[5..answer.len() - 1]].concat())]));
    }
    all
}

/// Stores of each word: every operation, cuts, silent failures and damage.
fn stores() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for word in 0..4 {
        let (grow, shrink): (Vec<_>, Vec<_>) = ([0, 13, 1, 2, 3, 0].to_vec(), [4, 14, 0, 5, 6].to_vec());
        let counters: Vec<u8> = (7..13).chain(7..13).collect();
        for (power, steps) in
            [(0, &grow), (0, &shrink), (0, &counters), (4, &counters), (6, &grow), (6, &shrink)]
        {
            let steps: Vec<Step<'_>> = [(0, 0, &[1u8, 0][..]), (1, 0, &[2, 0])]
                .into_iter()
                .chain(steps.iter().map(|&number| (number, power, &[3, 0, 60, 0][..])))
                .collect();
            all.push([&[word + 4 * (power + 1)][..], &script(&steps)].concat());
        }
        for place in [70u16, 300, 600, 1700] {
            let [low, high] = place.to_le_bytes();
            let steps: &[Step<'_>] = &[(0, 0, &[1, 0]), (16, 0, &[low, high, 1]), (7, 0, &[]), (15, 0, &[1])];
            all.push([&[word][..], &script(steps)].concat());
        }
    }
    all
}

/// Devices: what an administrator, a controller and people in front of the camera do.
fn devices() -> Result<Vec<Vec<u8>>> {
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let mut plain = |request: Request<'_>| Ok::<_, link::FrameError>(request.emit(1, &mut buffer)?.to_vec());
    let people = [
        PeopleRequest::Status,
        PeopleRequest::List(None),
        PeopleRequest::Log(0),
        PeopleRequest::Rename(2, "Ada"),
        PeopleRequest::Rename(2, "A\u{7}\n"),
        PeopleRequest::Window(60),
        PeopleRequest::Unlock,
        PeopleRequest::Delete(2),
        PeopleRequest::DeleteAll,
        PeopleRequest::Administrators,
        PeopleRequest::RemoveAdministrator([7; 32]),
        PeopleRequest::Piece(1, 0),
        PeopleRequest::Put(&[1; 40]),
    ];
    let (open, wait, press): (Step<'_>, Step<'_>, Step<'_>) = ((2, 0, &[0]), (11, 0, &[0, 3]), (10, 0, &[]));
    let (restart, long): (Step<'_>, Step<'_>) = ((14, 0, &[]), (11, 0, &[0, 12]));
    // Somebody who is enrolled, three pictures of nobody who is, no face, and a photo of a face.
    let shown = [[0, 0, 0], [255, 64, 0], [255, 0, 160], [64, 192, 128], [128, 128, 128], [64, 255, 255]];
    let shown = shown.map(|[a, b, c]| [0, a, b, c]);
    let faces: Vec<Step<'_>> = shown.iter().map(|shown| (9, 3, &shown[..])).collect();
    let mut all = Vec::new();
    let tests = Test::ALL.map(Request::Test);
    for request in people.map(Request::People).into_iter().chain(tests) {
        let sealed = plain(request)?;
        let changed = [&[9, 4][..], &sealed].concat();
        all.push(script(&[
            open,
            (3, 0, &sealed),
            (4, 2, &changed),
            (6, 0, &sealed),
            (5, 2, &[0]),
            (1, 0, &sealed),
            (18, 1, &changed),
            restart,
            (3, 0, &sealed),
        ]));
        all.push(script(&[(13, 0, &[9, 0]), open, (3, 0, &sealed), restart, open, (3, 0, &sealed)]));
    }
    let enrol = plain(Request::People(PeopleRequest::Enrol("Lin")))?;
    let [commit, discard] = [PeopleRequest::Commit, PeopleRequest::Discard].map(Request::People);
    let (commit, discard) = (plain(commit)?, plain(discard)?);
    let enrol: Step<'_> = (3, 0, &enrol);
    for &face in &faces {
        let shots = [face, wait, faces[2], wait, faces[3], wait, (3, 0, &commit), face, (3, 0, &discard)];
        all.push(script(&[&[open, enrol, wait][..], &shots].concat()));
        all.push(script(&[face, wait, face, wait, face, long, face, restart, face]));
        all.push(script(&[face, (13, 0, &[9, 0]), face, long, restart, face]));
    }
    all.push(script(&[
        press,
        wait,
        press,
        (12, 0, &[1, 1]),
        press,
        wait,
        press,
        (2, 0, &[1]),
        (3, 0, &commit),
    ]));
    // Everybody moves from the board to itself: unchanged, changed, and after they were deleted.
    let delete = plain(Request::People(PeopleRequest::DeleteAll))?;
    let (export, restore, changed): (Step<'_>, Step<'_>, Step<'_>) =
        ((16, 0, &[]), (17, 0, &[]), (17, 0, &[9, 1]));
    all.push(script(&[open, export, restore, changed, (3, 0, &delete), changed, restore, restore, restart]));
    for command in commands() {
        let content = content(&command);
        let task: &[Step<'_>] =
            &[(8, 0, &content), faces[1], wait, faces[2], wait, faces[3], wait, faces[5], long, restart];
        all.push(script(task));
        all.push(script(&[&[press, long], task].concat()));
        all.push(script(&[(7, 0, &command.emit()), wait, (7, 1, &content)]));
    }
    let (format, attention) = (PixelFormat::Grey, Attention::Photo);
    let view = View { width: 16, height: 2, format, is_sent: true, attention };
    let mut rows = vec![plain(Request::See(view))?];
    for row in 0..2 {
        rows.push(plain(Request::Pixels(
            row,
            &[9, 200, 77, 3, 9, 200, 77, 3, 9, 200, 77, 3, 9, 200, 77, 3],
        ))?);
    }
    for number in [1, 3] {
        let steps: Vec<Step<'_>> = rows.iter().map(|message| (number, 0, &message[..])).collect();
        all.push(script(
            &[&[open][usize::from(number == 1)..], &steps, &[wait, (15, 0, &[]), steps[0], long]].concat(),
        ));
    }
    for request in [Request::Hello, Request::Status, Request::Abort, Request::Session(SessionRequest::Close)]
    {
        all.push(script(&[open, (1, 0, &plain(request)?), (3, 0, &commit), (0, 0, &[1, 2, 3])]));
    }
    for request in
        [UpdateRequest::Status, UpdateRequest::Finish, UpdateRequest::Confirm, UpdateRequest::Cancel]
    {
        all.push(script(&[open, (3, 0, &plain(Request::Update(request))?), restart]));
    }
    Ok(all.into_iter().map(|steps| [&[0][..], &steps].concat()).collect())
}

/// Each image as it is, with a byte changed in each section at its beginning and further on, and with each section cut off;
/// and with changes of the SIGHT section, the last one, that are no faults: other limits, other places of landmarks.
fn images() -> impl Iterator<Item = Vec<u8>> {
    let bases = [(0, 8u8), (1, 6)];
    bases.into_iter().flat_map(|(base, sections)| {
        let faults = (0..sections)
            .flat_map(|section| [[section, 16, 0, 1], [section, 40, 1, 0x80], [section | 0x80, 64, 0, 0]]);
        let sight = [4u8, 88, 92, 96, 100, 116, 136, 140, 144, 148, 152, 156, 158, 160]
            .map(|place| [sections - 1, place, 0, 1]);
        let all = sight.concat();
        let edits = faults.chain(sight).map(Vec::from).chain([Vec::new(), all]);
        edits.map(move |edits| [&[base][..], &edits].concat())
    })
}

/// Rows of a frame or of a crop, one after another.
fn rows(count: u16, row: &[u8]) -> Vec<Request<'_>> {
    (0..count).map(|number| Request::Pixels(number, row)).collect()
}

/// What a host sends, one message after another, each in a frame; and the same as pieces that are put into frames. Then whole
/// tasks: frames whose rows go over the link, frames in memory, and crops.
fn messages() -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let mut frame = [0; link::MAX_FRAME_BYTES];
    let row = [77; 12];
    let photo =
        View { width: 12, height: 4, format: PixelFormat::Grey, is_sent: true, attention: Attention::Photo };
    let (format, attention) = (PixelFormat::Rgb565, Attention::Video { steady: 1 });
    let video = View { width: 6, format, attention, ..photo };
    let held = View { is_sent: false, ..video };
    let rest = [
        Request::Hello,
        Request::Recognise,
        Request::Embed,
        Request::Status,
        Request::Abort,
        Request::See(photo),
        Request::See(video),
        Request::See(held),
    ];
    for request in rest.into_iter().chain(rows(4, &row)) {
        let message = request.emit(1, &mut buffer)?.to_vec();
        all.push(link::encode(&message, &mut frame)?.to_vec());
        all.push(message);
    }
    all.push(all.concat());
    let pattern: Vec<u8> = (0..80).map(|place| (place * 89) as u8).collect();
    let large = View { width: 40, height: 24, ..photo };
    let colour = View { width: 20, height: 24, format: PixelFormat::Yuv422, ..video };
    let in_memory = View { is_sent: false, ..colour };
    let tasks = [
        [vec![Request::Hello, Request::See(photo)], rows(4, &pattern[..12])].concat(),
        [
            vec![Request::See(large)],
            rows(24, &pattern[..40]),
            vec![Request::See(colour)],
            rows(24, &pattern[..40]),
        ]
        .concat(),
        vec![Request::See(in_memory); 3],
        [vec![Request::Recognise], rows(2, &[9, 200]), vec![Request::Embed], rows(2, &[130, 7])].concat(),
    ];
    for task in tasks {
        let mut framed = Vec::new();
        let mut turn = 0;
        for request in task {
            // Rows have the turn of what they belong to.
            turn += u32::from(!matches!(request, Request::Pixels(..)));
            let message = request.emit(turn, &mut buffer)?.to_vec();
            framed.extend_from_slice(link::encode(&message, &mut frame)?);
        }
        all.push(framed);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use link::{Decoder, Message, Reply};

    use super::*;

    /// Replies of the board of the fuzzer of the link to one of the seeds.
    fn replies(seed: &[u8]) -> Vec<Reply> {
        let said = fuzz::board::serve_all(&suite::join(&suite::tiny_sections_with_eyes()), seed);
        let mut decoder = Decoder::new();
        let mut replies = Vec::new();
        for byte in said {
            if decoder.push(byte) == Ok(true) {
                replies.push(Message::parse(decoder.message()).unwrap().reply().unwrap());
            }
        }
        replies
    }

    #[test]
    fn messages_of_the_seeds_have_frames_seen_that_come_over_the_link_and_that_lie_in_memory() {
        let (mut sent, mut held, mut others) = (0, 0, [0; 2]);
        for seed in messages().unwrap() {
            let replies = replies(&seed);
            let seen =
                replies.iter().filter(|reply| matches!(reply, Reply::Seen(seen) if seen.faces > 0)).count();
            let is_sent = replies.iter().any(|reply| matches!(reply, Reply::Row(_)));
            *if is_sent { &mut sent } else { &mut held } += seen;
            others[0] += replies.iter().filter(|reply| matches!(reply, Reply::Recognised(_))).count();
            others[1] += replies.iter().filter(|reply| matches!(reply, Reply::Embedded(_))).count();
        }
        assert!(sent >= 3 && held >= 2 && others.iter().all(|&count| count > 0), "{sent} {held} {others:?}");
    }
}
