//! Boards see what the simulator sees: boxes, points, figures, embeddings and decisions of camera frames are equal, bit
//! for bit, in every format, whether a frame lies in the memory that board and host share or goes over the link.
//!
//! Without QEMU or a compiler for a board the tests are ignored, or fail if `GEODE_BOARDS=required` is set, as in
//! `./test.sh`.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use app::Recogniser;
use app::port::{Port, PortError};
use app::serve::{About, Meter, serve};
use format::PixelFormat;
use format::Section;
use format::gates::Gate;
use format::sight::Sight;
use host::board::{Board, Memory};
use host::export::{Job, export};
use host::photo;
use host::recognise::board::Place;
use host::recognise::frames::{Camera, Film, Simulated, simulated, words};
use host::sections::replaced;
use host::sight::camera::{STEADY, Settings, Shot};
use host::sight::{Networks, fit, frames};
use host::simulator::AlignedBytes;
use image::RgbImage;
use image::imageops::{self, FilterType};
use link::message::{Attention, Objection, Ruling, Seen, SightCost, View};
use link::{Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Message, Reply, Request};
use suite::command::{fails, succeeds};
use suite::{
    blurred, default_network, demo_faces, fetched, job, largest_face, picture, resized, shared, uncounted,
    write_faces,
};
use tempfile::TempDir;

/// Pixels between the eyes in crops of the default network.
const CROP_EYES: f32 = 35.2;

/// An image with eyes and two people enrolled, and its folder: `image.geode`, and `blind.geode` without eyes.
fn built() -> &'static TempDir {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let crop = largest_face();
        let person = |name: &str, photos: &[&str]| {
            let crops: Vec<RgbImage> = photos.iter().map(|photo| crop(photo)).collect();
            write_faces(&at("people").join(name), &crops, [112, 112]);
        };
        person("Obama", &["faces/obama.jpg", "faces/obama2.jpg"]);
        person("Biden", &["faces/biden.jpg"]);
        write_faces(&at("crops"), &demo_faces(), [112, 112]);
        let job = Job { enrol: Some(at("people")), force: true, ..job(&default_network(), &at("crops")) };
        let blind = AlignedBytes::copy(&export(&job).unwrap().image);
        std::fs::write(at("blind.geode"), blind.bytes()).unwrap();

        let liveness =
            shared("models/minifasnet-v2-80.onnx").unwrap_or_else(|| fetched("faceplugin/fr_liveness.onnx"));
        let networks = Networks { liveness: Some(liveness), ..Networks::default() };
        let photos: Vec<Vec<RgbImage>> =
            photos().iter().map(|path| frames::of(&photo::load(path).unwrap())).collect();
        let mut fitted = fit(&networks.known(CROP_EYES).unwrap(), &photos).unwrap();
        // The score of the photo check is compared, but refuses nobody.
        fitted.sight.alive_q16 = 0;
        let image = replaced(blind.bytes(), &fitted.sections()).unwrap();
        std::fs::write(at("image.geode"), image).unwrap();
        folder
    })
}

fn image() -> PathBuf {
    built().path().join("image.geode")
}

/// The demo's photos.
fn photos() -> Vec<PathBuf> {
    photo::folder::list(&fetched("faces")).unwrap().found
}

/// Frames of which the simulator finds these: decided on, examined and refused, without a face. And a video.
struct Frames {
    shots: Vec<Shot>,
    decided: usize,
    refused: usize,
    empty: usize,
}

/// Most frames of each kind: deciding takes five times as long as examining.
const DECIDED: usize = 4;
const REFUSED: usize = 12;
const EMPTY: usize = 20;

/// The frames that boards are compared on, with what the simulator sees in them.
fn frames(eye: &mut Simulated<'_>) -> (Frames, Vec<Seen>) {
    let mut formats = PixelFormat::ALL.into_iter().cycle();
    let mut shot = |name: String, picture: &RgbImage| {
        Shot::new(&name, picture, formats.next().expect("a cycle")).unwrap()
    };
    let mut frames = Frames { shots: Vec::new(), decided: 0, refused: 0, empty: 0 };
    let mut candidates = Vec::new();
    // Frames of another size, whose detector's picture is not a half of them; they go over the link.
    let small = |picture: &RgbImage| resized(picture, [100, 150], FilterType::Triangle);
    candidates.push(shot("small, empty".to_string(), &small(&picture(99, [240, 320]))));
    // Aligned faces in the middle of a frame: two people who are enrolled, a stranger, no certain face.
    let aligned = demo_faces();
    for (number, scale) in [(1, 1.3), (0, 0.8), (5, 1.0), (8, 1.7)] {
        let picture = frames::placed(&aligned[number], scale, [56.0, 56.0], [150.0, 125.0]);
        candidates.push(shot(format!("face {number}"), &picture));
        if number == 1 {
            candidates.push(shot("small".to_string(), &small(&picture)));
            candidates.push(shot("blurred".to_string(), &blurred(&picture, 3.0)));
            candidates.push(shot("dark".to_string(), &imageops::brighten(&picture, -130)));
        }
    }
    for path in photos() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (number, picture) in frames::of(&photo::load(&path).unwrap()).iter().enumerate().rev() {
            candidates.push(shot(format!("{name}, {number}"), picture));
        }
    }
    for seed in 0..16 {
        candidates.push(shot(format!("picture {seed}"), &picture(seed, [240, 320])));
    }
    candidates.push(shot("black".to_string(), &RgbImage::new(320, 240)));
    let mut expected = Vec::new();
    for shot in candidates {
        let seen = eye.see(&shot).unwrap();
        let look = seen.face.as_ref().and_then(|face| face.look.as_ref());
        let (count, most) = match look {
            None => (&mut frames.empty, EMPTY),
            Some(look) if look.decided.is_some() => (&mut frames.decided, DECIDED),
            Some(_) => (&mut frames.refused, REFUSED),
        };
        if *count < most {
            println!("{}: {}", shot.name, words(&seen, shot.attention));
            *count += 1;
            frames.shots.push(shot);
            expected.push(seen);
        }
    }
    // A face that moves, is gone for a frame, and comes back.
    let obama = photo::load(&fetched("faces/obama2.jpg")).unwrap();
    let sides = [obama.width() as f32, obama.height() as f32];
    let scale = (320.0 / sides[0]).min(240.0 / sides[1]);
    for step in 0..8 {
        let middle = [160.0 + 4.0 * step as f32, 120.0];
        let picture = match step {
            5 => picture(7, [240, 320]),
            _ => frames::placed(&obama, scale, sides.map(|side| side / 2.0), middle),
        };
        let mut shot = shot(format!("video {step}"), &picture);
        shot.attention = Attention::Video { steady: STEADY };
        shot.is_first = step == 0;
        expected.push(eye.see(&shot).unwrap());
        frames.shots.push(shot);
    }
    (frames, expected)
}

/// What was seen, without its cost.
fn without_cost(seen: &Seen) -> Seen {
    Seen { cost: SightCost::default(), ..seen.clone() }
}

/// Lets a board see all frames, small ones over the link, which takes the emulators seconds for a large one.
fn compare(board: &'static Board, frames: &Frames, expected: &[Seen]) {
    let started = Instant::now();
    let mut camera =
        Camera::open(&Place::Emulated { board, image: image(), memory: Memory::External }).unwrap();
    for (shot, expected) in frames.shots.iter().zip(expected) {
        let seen = camera.see(shot, shot.pixels.len() < 1 << 16).unwrap();
        assert_eq!(without_cost(&seen), without_cost(expected), "{}: {}", board.name, shot.name);
        assert!(seen.cost.scan_instructions > 0 && seen.cost.stack_bytes > 0);
        assert_eq!(seen.cost.arena_bytes, expected.cost.arena_bytes);
    }
    println!("{}: {} frames in {:.1} s", board.name, expected.len(), started.elapsed().as_secs_f32());
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_see_as_the_simulator() {
    let (path, started) = (image(), Instant::now());
    let bytes = AlignedBytes::read(&path).unwrap();
    let (frames, expected) = frames(&mut Simulated::new(&bytes, &path).unwrap());
    assert!(expected.len() >= 40, "{} frames", expected.len());
    println!("{} decided on, {} refused, {} without a face", frames.decided, frames.refused, frames.empty);
    assert!(frames.decided == DECIDED && frames.refused >= 3 && frames.empty >= 10);
    check_video(&expected[expected.len() - 8..]);
    let of_obama = |seen: &&Seen| {
        let look = seen.face.as_ref().and_then(|face| face.look.as_ref());
        let decision = look.and_then(|look| look.decided.as_ref()).map(|decided| &decided.decision);
        decision.is_some_and(|decision| {
            decision.ruling == Ruling::Accepted
                && decision.best.as_ref().is_some_and(|best| best.name == "Obama")
        })
    };
    assert!(expected.iter().filter(of_obama).count() >= 2, "the person enrolled is recognised");
    std::thread::scope(|scope| {
        for board in uncounted() {
            let (frames, expected) = (&frames, &expected);
            scope.spawn(move || compare(board, frames, expected));
        }
    });
    println!("all boards: {:.1} s", started.elapsed().as_secs_f32());
}

/// The video's face is examined and decided on in its third frame, and not again.
fn check_video(video: &[Seen]) {
    let faces: Vec<Option<(u32, bool)>> =
        video.iter().map(|seen| seen.face.as_ref().map(|face| (face.frames, face.look.is_some()))).collect();
    let expected = [
        Some((1, false)),
        Some((2, false)),
        Some((3, true)),
        Some((4, false)),
        Some((5, false)),
        None,
        Some((1, false)),
        Some((2, false)),
    ];
    assert_eq!(faces, expected);
}

/// A video of two frames with a face that does not move.
fn write_video(path: &Path) {
    let picture = frames::placed(&demo_faces()[1], 1.3, [56.0, 56.0], [150.0, 125.0]);
    let shot = Shot::new("", &picture, PixelFormat::Rgb565).unwrap();
    std::fs::write(path, [&*shot.pixels, &shot.pixels].concat()).unwrap();
}

/// Of a second video nobody is decided on before its own frames are steady.
#[test]
fn videos_do_not_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.rgb565");
    write_video(&path);
    let film = Film { paths: vec![path.clone(), path], settings: Settings::default(), is_strict: true };
    let sightings = simulated(&image(), &film).unwrap();
    let faces: Vec<(u32, bool)> = sightings
        .iter()
        .map(|sighting| sighting.seen.face.as_ref().map(|face| (face.frames, face.look.is_some())).unwrap())
        .collect();
    assert_eq!(faces, [(1, false), (2, false), (1, false), (2, false)]);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn commands_see_the_same_and_tell_it() {
    let folder = built().path();
    let obama = fetched("faces/obama2.jpg");
    std::fs::write(folder.join("two.grey"), [[90; 80 * 60], [7; 80 * 60]].concat()).unwrap();
    let said = |command: &str, frames: &[&str], more: &[&str]| {
        let printed =
            succeeds(folder, &[&[command, "image.geode", "--json", "--frames"], frames, more].concat());
        let mut sightings: serde_json::Value = serde_json::from_str(&printed).unwrap();
        for sighting in sightings.as_array_mut().unwrap() {
            sighting["cost"] = serde_json::Value::Null;
        }
        sightings
    };
    let photo = [obama.to_str().unwrap()];
    let simulated = said("simulate", &photo, &[]);
    assert!(simulated[0]["words"].as_str().unwrap().contains("ACCEPTED: Obama"), "{simulated}");
    assert_eq!(said("recognise", &photo, &[]), simulated);
    let (raw, size) = (["two.grey"], ["--frame-size", "60x80"]);
    let simulated = said("simulate", &raw, &size);
    assert_eq!(simulated[1]["words"], "no face");
    // Two videos, of which the second does not follow the first.
    write_video(&folder.join("face.rgb565"));
    let simulated_twice = said("simulate", &["face.rgb565", "face.rgb565"], &[]);
    let counts: Vec<u64> = (simulated_twice.as_array().unwrap().iter())
        .map(|sighting| sighting["face"]["frames"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [1, 2, 1, 2]);
    assert_eq!(said("recognise", &["face.rgb565", "face.rgb565"], &[]), simulated_twice);
    let over_link = [&size[..], &["--frames-over-link", "--board", "qemu-m55"]].concat();
    assert_eq!(said("recognise", &raw, &over_link), simulated);
}

#[test]
fn frames_that_cannot_be_seen_are_told() {
    let folder = built().path();
    let obama = fetched("faces/obama2.jpg");
    let obama = obama.to_str().unwrap();
    for command in ["simulate", "recognise"] {
        let said = fails(folder, &[command, "blind.geode", "--frames", obama]);
        assert!(
            said.contains("blind.geode has no eyes, the networks that find faces: export it again"),
            "{said}"
        );
        std::fs::write(folder.join("text.jpg"), "no photo").unwrap();
        let said = fails(folder, &[command, "image.geode", "--frames", "text.jpg"]);
        assert!(said.contains("text.jpg is not a photo"), "{said}");
        std::fs::write(folder.join("cut.rgb565"), [0; 100]).unwrap();
        let said = fails(folder, &[command, "image.geode", "--frames", "cut.rgb565"]);
        assert!(
            said.contains("no whole frames of 240×320 pixels") && said.contains("--frame-size"),
            "{said}"
        );
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn frames_larger_than_the_boards_memory_are_told() {
    let folder = built().path();
    std::fs::write(folder.join("large.rgb888"), vec![0; 3 * 1000 * 1000]).unwrap();
    let arguments = ["recognise", "image.geode", "--frames", "large.rgb888", "--frame-size", "1000x1000"];
    let said = fails(folder, &arguments);
    assert!(
        said.contains("1000×1000 pixels has 3000000 bytes, the board qemu-m7 has room for 1048576"),
        "{said}"
    );
}

/// A face that is too small is refused with its figure and the limit.
#[test]
fn refusals_have_figure_and_limit() {
    let path = image();
    let bytes = AlignedBytes::read(&path).unwrap();
    let mut eye = Simulated::new(&bytes, Path::new("image")).unwrap();
    let obama = photo::load(&fetched("faces/obama.jpg")).unwrap();
    let sides = [obama.width() as f32, obama.height() as f32];
    let scale = 0.6 * (320.0 / sides[0]).min(240.0 / sides[1]);
    let small = frames::placed(&obama, scale, sides.map(|side| side / 2.0), [160.0, 120.0]);
    let seen = eye.see(&Shot::new("small", &small, PixelFormat::Rgb565).unwrap()).unwrap();
    let refusal = seen.face.expect("a face").look.expect("examined").refusal.expect("refused");
    assert_eq!(refusal.gate, Gate::Eyes);
    assert!(refusal.figure < i32::from(refusal.limit), "{refusal:?}");
}

/// A wire on which a host has sent everything already.
struct Sent {
    bytes: std::vec::IntoIter<u8>,
    answers: Vec<u8>,
}

impl embedded_io::Write for &mut Sent {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.answers.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io::ErrorType for &mut Sent {
    type Error = Infallible;
}

impl embedded_io::Read for &mut Sent {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = self.bytes.next() else { return Ok(0) };
        buffer[0] = byte;
        Ok(1)
    }
}

/// Each look at the counter takes 1,000 instructions.
struct Looks(u64);

impl Meter for Looks {
    fn instructions(&mut self) -> u64 {
        self.0 += 64_000;
        self.0
    }

    fn stack_bytes(&mut self) -> u32 {
        9
    }
}

/// The board's answers to requests, with memory for frames of `frame_bytes`.
fn answers(path: &Path, requests: &[(u32, Request<'_>)], frame_bytes: usize) -> Vec<(u32, Reply)> {
    let bytes = AlignedBytes::read(path).unwrap();
    let image = bytes.image(path).unwrap();
    let mut arena = AlignedBytes::zeroed(image.arena_bytes());
    let recogniser: Result<_, Infallible> = Ok(Recogniser::of_image(image, arena.bytes_mut()).unwrap());
    let frame = |(turn, request): &(u32, Request<'_>)| {
        let (mut message, mut frame) = ([0; MAX_MESSAGE_BYTES], [0; MAX_FRAME_BYTES]);
        link::encode(request.emit(*turn, &mut message).unwrap(), &mut frame).unwrap().to_vec()
    };
    let sent: Vec<u8> = requests.iter().flat_map(frame).collect();
    let mut wire = Sent { bytes: sent.into_iter(), answers: Vec::new() };
    let mut memory = vec![0xa5; frame_bytes];
    let about = About { board: "fake", start_instructions: 7 };
    let mut port = Port::new(&mut wire);
    let frames = &mut &mut memory[..];
    let ended = serve(&about, &recogniser, arena.bytes_mut(), &mut port, &mut Looks(0), frames);
    assert_eq!(ended, PortError::Closed);
    let mut decoder = Decoder::new();
    let mut replies = Vec::new();
    for byte in wire.answers {
        if decoder.push(byte) == Ok(true) {
            let message = Message::parse(decoder.message()).unwrap();
            replies.push((message.turn, message.reply().unwrap()));
        }
    }
    replies
}

/// A frame that shows somebody who is enrolled.
fn known() -> RgbImage {
    frames::placed(&demo_faces()[1], 1.3, [56.0, 56.0], [150.0, 125.0])
}

/// The same, small, to be sent over the link.
fn sent(format: PixelFormat, attention: Attention) -> (Shot, View) {
    let face = resized(&known(), [120, 160], FilterType::Triangle);
    let shot = Shot::new("face", &face, format).unwrap();
    let view = View { width: shot.width, height: shot.height, format, is_sent: true, attention };
    (shot, view)
}

#[test]
fn frames_go_over_the_link_row_by_row() {
    let path = image();
    let bytes = AlignedBytes::read(&path).unwrap();
    let mut eye = Simulated::new(&bytes, &path).unwrap();
    let (shot, view) = sent(PixelFormat::Yuv422, Attention::Photo);
    let rows: Vec<&[u8]> = shot.pixels.chunks_exact(320).collect();
    let row = |number: usize| (5, Request::Pixels(number as u16, rows[number]));
    // A row of an ended task, a question, and a row twice change nothing.
    let mut requests =
        vec![(5, Request::See(view)), (4, Request::Pixels(0, rows[3])), row(0), row(0), row(1)];
    requests.push((5, Request::Status));
    requests.extend((2..120).map(row));
    let replies = answers(&path, &requests, shot.pixels.len());
    let asked: Vec<u16> = replies
        .iter()
        .filter_map(|(_, reply)| if let Reply::Row(row) = reply { Some(*row) } else { None })
        .collect();
    let expected: Vec<u16> = [0, 1, 2, 2].into_iter().chain(3..120).collect();
    assert_eq!(asked, expected);
    let working = replies.iter().filter(|(_, reply)| *reply == Reply::Working).count();
    assert!(working >= 3, "the board says that it works, {working} times");
    let Some((5, Reply::Seen(seen))) = replies.last() else { panic!("{:?}", replies.last()) };
    let expected = eye.see(&shot).unwrap();
    assert!(expected.face.as_ref().is_some_and(|face| face.look.is_some()));
    assert_eq!(without_cost(seen), without_cost(&expected));
    assert_eq!(seen.cost.stack_bytes, 9);
    assert!(seen.cost.scan_instructions > 0 && seen.cost.look_instructions > 0);
}

#[test]
fn frames_that_a_board_cannot_see_are_refused() {
    let (path, blind) = (image(), built().path().join("blind.geode"));
    let view =
        View { width: 4, height: 2, format: PixelFormat::Rgb888, is_sent: true, attention: Attention::Photo };
    let first = |path: &Path, request: Request<'_>, frame_bytes: usize| {
        answers(path, &[(1, request)], frame_bytes).remove(0)
    };
    let refused = |objection| (1, Reply::Refused(objection));
    assert_eq!(first(&blind, Request::See(view), 24), refused(Objection::NoEyes));
    assert_eq!(first(&path, Request::See(view), 23), refused(Objection::Frame));
    assert_eq!(first(&path, Request::See(view), 0), refused(Objection::Frame));
    assert_eq!(first(&path, Request::See(View { width: 0, ..view }), 24), refused(Objection::Frame));
    let wide = View { width: 1025, height: 1, ..view };
    assert_eq!(first(&path, Request::See(wide), 4000), refused(Objection::Frame));
    let told = |path: &Path, frame_bytes: usize| {
        let (_, Reply::Hello(hello)) = first(path, Request::Hello, frame_bytes) else { panic!("no Hello") };
        (hello.has_eyes, hello.frame_bytes)
    };
    assert_eq!((told(&path, 24), told(&blind, 0)), ((true, 24), (false, 0)));
    // Another request ends the task and is answered; a row of another length ends it too.
    let pixels = [7; 12];
    let requests = [
        (1, Request::See(view)),
        (1, Request::Pixels(0, &pixels)),
        (2, Request::Abort),
        (3, Request::Status),
    ];
    let expected = [(1, Reply::Row(0)), (1, Reply::Row(1)), (2, Reply::Idle), (3, Reply::Idle)];
    assert_eq!(answers(&path, &requests, 24), expected);
    let requests = [(1, Request::See(view)), (1, Request::Pixels(0, &pixels[1..]))];
    assert_eq!(answers(&path, &requests, 24), [(1, Reply::Row(0)), refused(Objection::RowLength)]);
}

#[test]
fn frame_that_is_repeated_in_its_turn_is_followed_once() {
    let path = image();
    let (shot, view) = sent(PixelFormat::Grey, Attention::Video { steady: 9 });
    let frame = |turn| {
        let rows =
            shot.pixels.chunks_exact(160).zip(0..).map(move |(row, y)| (turn, Request::Pixels(y, row)));
        std::iter::once((turn, Request::See(view))).chain(rows)
    };
    // The answer in turn 3 is lost twice. A new host begins anew.
    let requests: Vec<_> =
        [2, 3, 3, 3, 4].into_iter().flat_map(frame).chain([(5, Request::Hello)]).chain(frame(4)).collect();
    let seen =
        answers(&path, &requests, shot.pixels.len()).into_iter().filter_map(|(turn, reply)| match reply {
            Reply::Seen(seen) => Some((turn, seen.face.expect("a face").frames)),
            _ => None,
        });
    assert_eq!(seen.collect::<Vec<_>>(), [(2, 1), (3, 2), (3, 2), (3, 2), (4, 3), (4, 1)]);
}

#[test]
fn photo_check_asks_once_as_long_as_a_face_is_followed() {
    let path = image();
    let bytes = AlignedBytes::read(&path).unwrap();
    let sight = Sight { alive_q16: u16::MAX, ..bytes.image(&path).unwrap().sight.unwrap().read() };
    let strict = AlignedBytes::copy(&replaced(bytes.bytes(), &[(Section::Sight, &sight.emit())]).unwrap());
    let mut eye = Simulated::new(&strict, &path).unwrap();
    let mut shot = Shot::new("face", &known(), PixelFormat::Rgb565).unwrap();
    (shot.attention, shot.is_first) = (Attention::Video { steady: 2 }, false);
    let looks: Vec<_> = (0..4).map(|_| eye.see(&shot).unwrap().face.expect("a face").look).collect();
    let gates: Vec<_> =
        looks.iter().map(|look| look.as_ref().map(|look| look.refusal.unwrap().gate)).collect();
    assert_eq!(gates, [None, Some(Gate::Alive), None, None]);
    assert!(looks.iter().flatten().all(|look| look.decided.is_none()));
    // Once the face is lost, the next one is examined.
    let empty = Shot {
        attention: shot.attention,
        is_first: false,
        ..Shot::new("empty", &RgbImage::new(320, 240), PixelFormat::Rgb565).unwrap()
    };
    assert_eq!(eye.see(&empty).unwrap().face, None);
    let looks: Vec<_> =
        (0..2).map(|_| eye.see(&shot).unwrap().face.expect("a face").look.is_some()).collect();
    assert_eq!(looks, [false, true]);
}
