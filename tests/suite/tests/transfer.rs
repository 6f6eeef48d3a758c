//! Updates of an emulated device over its link: what is refused changes nothing, what is cut goes on, and what fails its test
//! is taken back. Every start is the machine's own.
//!
//! Without QEMU or a compiler for the board the tests are ignored, or fail if `GEODE_BOARDS=required` is set, as in
//! `./test.sh`.

use std::path::PathBuf;

use format::Image;
use format::header::{self, Section};
use host::board::{Board, DEFAULT};
use host::device::keys::Keys;
use host::device::people;
use host::device::place::Place;
use host::device::session::Session;
use host::device::update::Update;
use host::sections::{golden, replaced};
use host::signing::{generate, read, signed};
use host::simulator::AlignedBytes;
use link::message::{
    Begin, MAX_CHUNK_BYTES, Progress, Target, UpdateRefusal, UpdateReply, UpdateRequest, UpdateStage,
};
use sha2::{Digest as _, Sha256};
use suite::command::{fails, succeeds, warns};
use suite::documented::check;
use suite::{Handmade, join, sections_of, tiny_network, varied_network};
use tempfile::TempDir;

/// Bytes of a page of the device's flash.
const PAGE: usize = 4096;

/// A device that runs version 3 of a small image, and the maker who signs images for it.
struct Scene {
    folder: TempDir,
    keys: Keys,
    /// Unsigned.
    image: Vec<u8>,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        generate(&at("maker.key")).unwrap();
        let image = testable(&tiny_network());
        std::fs::write(at("image.geode"), &image).unwrap();
        let keys = Keys::read_or_new(&at("admin.key")).unwrap();
        let mut scene = Scene { folder, keys, image };
        std::fs::write(scene.at("first.geode"), scene.version(3)).unwrap();
        let place = scene.place();
        place.pair(&mut scene.keys, None).unwrap();
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self) -> Place {
        Place::Emulated {
            board: Board::named(DEFAULT).unwrap(),
            image: Some(self.at("first.geode")),
            is_flashed: false,
            maker_key: Some(host::signing::public(&read(&self.at("maker.key")).unwrap())),
            state: self.at("state"),
            front: None,
        }
    }

    /// The image, signed as a version.
    fn version(&self, version: u32) -> Vec<u8> {
        signed(&self.image, &read(&self.at("maker.key")).unwrap(), version).unwrap()
    }

    fn start(&self) -> Session {
        self.place().open(&self.keys, None).unwrap().0
    }

    /// A slot of the device's flash, where its machine has it.
    fn slot(&self, number: usize, bytes: usize) -> Vec<u8> {
        use std::os::unix::fs::FileExt as _;
        let board = Board::named(DEFAULT).unwrap();
        let start = board.memory.slots.unwrap()[number].address - board.qemu_ram.unwrap().address;
        let mut content = vec![0; bytes];
        let state = std::fs::File::open(self.at("state")).unwrap();
        state.read_exact_at(&mut content, start.into()).unwrap();
        content
    }
}

/// A small image with a golden embedding.
fn testable(network: &Handmade) -> Vec<u8> {
    let mut parts = sections_of(network);
    let without = AlignedBytes::copy(&join(&parts));
    let golden = golden(&Image::new_checked(without.bytes()).unwrap().embedder).unwrap();
    parts.push((Section::Golden, golden));
    join(&parts)
}

/// Bytes before the first section.
fn header_bytes(image: &[u8]) -> usize {
    let aligned = AlignedBytes::copy(image);
    let sections = header::parse(aligned.bytes()).unwrap();
    let start = aligned.bytes().as_ptr() as usize;
    let places = Section::ALL.into_iter().filter_map(|section| sections.get(section));
    places.map(|section| section.as_ptr() as usize - start).min().unwrap()
}

/// Begins an update; the offset at which it goes on.
fn begin(session: &mut Session, image: &[u8], version: u32) -> Result<usize, UpdateRefusal> {
    let digest = Sha256::digest(image).into();
    let begin = Begin { target: Target::Image, bytes: image.len() as u32, digest, version };
    match session.update(&UpdateRequest::Begin(begin)).unwrap() {
        UpdateReply::Progress(Progress { stage: UpdateStage::Receiving, offset }) => Ok(offset as usize),
        UpdateReply::Refused(why) => Err(why),
        reply => panic!("{reply:?}"),
    }
}

/// Sends an update from an offset to another.
fn send(session: &mut Session, image: &[u8], from: usize, to: usize) {
    for start in (from..to).step_by(MAX_CHUNK_BYTES) {
        let end = (start + MAX_CHUNK_BYTES).min(to);
        let reply = session.update(&UpdateRequest::Chunk(start as u32, &image[start..end])).unwrap();
        let progress = Progress { stage: UpdateStage::Receiving, offset: end as u32 };
        assert_eq!(reply, UpdateReply::Progress(progress));
    }
}

/// Sends a whole update; the answer to its end.
fn offer(session: &mut Session, image: &[u8], version: u32) -> UpdateReply {
    match begin(session, image, version) {
        Ok(offset) => {
            send(session, image, offset, image.len());
            session.update(&UpdateRequest::Finish).unwrap()
        }
        Err(why) => UpdateReply::Refused(why),
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn images_that_are_not_the_makers_change_nothing() {
    let scene = Scene::new();
    let mut session = scene.start();
    let before = scene.slot(0, scene.version(3).len());
    let counters = |session: &mut Session| {
        let condition = people::condition(session).unwrap();
        (condition.image_version, condition.starts)
    };
    let found = counters(&mut session);
    assert_eq!(found.0, 3);

    let good = scene.version(4);
    let header_bytes = header_bytes(&good);
    let mut refused = vec![
        ("unsigned", scene.image.clone(), 4, UpdateRefusal::Signature),
        ("older", scene.version(2), 4, UpdateRefusal::Version(3)),
        ("older, and says so", scene.version(2), 2, UpdateRefusal::Version(3)),
    ];
    generate(&scene.at("other.key")).unwrap();
    let other = signed(&scene.image, &read(&scene.at("other.key")).unwrap(), 4).unwrap();
    refused.push(("of another key", other, 4, UpdateRefusal::Signature));
    for length in (64..good.len()).step_by(good.len() / 8) {
        refused.push(("cut", good[..length].to_vec(), 4, UpdateRefusal::Unusable));
    }
    for (what, image, version, expected) in &refused {
        let answer = offer(&mut session, image, *version);
        assert_eq!(answer, UpdateReply::Refused(*expected), "{what}, {} bytes", image.len());
    }
    // A bit of every third byte of the header and the section table.
    for place in (0..header_bytes).step_by(3) {
        let mut flipped = good.clone();
        flipped[place] ^= 1 << (place / 3 % 8);
        let answer = offer(&mut session, &flipped, 4);
        let is_refused = matches!(
            answer,
            UpdateReply::Refused(
                UpdateRefusal::Unusable | UpdateRefusal::Signature | UpdateRefusal::Version(_)
            )
        );
        assert!(is_refused, "byte {place}: {answer:?}");
    }
    let confirmed = session.update(&UpdateRequest::Confirm).unwrap();
    assert_eq!(confirmed, UpdateReply::Refused(UpdateRefusal::Stage(UpdateStage::None)));
    assert_eq!(counters(&mut session), found);
    drop(session);
    assert!(scene.slot(0, before.len()) == before);
    let mut session = scene.start();
    assert_eq!(counters(&mut session), (3, found.1 + 1));
    assert_eq!(offer(&mut session, &good, 4), UpdateReply::Verified { enrol_again: 0 });
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn update_killed_after_any_chunk_goes_on_and_ends_bit_for_bit() {
    let scene = Scene::new();
    let image = scene.version(4);
    let chunks = image.len().div_ceil(MAX_CHUNK_BYTES);
    let fresh = std::fs::read(scene.at("state")).unwrap();
    for sent in 0..=chunks {
        std::fs::write(scene.at("state"), &fresh).unwrap();
        let end = (sent * MAX_CHUNK_BYTES).min(image.len());
        {
            let mut session = scene.start();
            assert_eq!(begin(&mut session, &image, 4), Ok(0));
            send(&mut session, &image, 0, end);
        }
        let mut session = scene.start();
        let offset = begin(&mut session, &image, 4).unwrap();
        assert_eq!(offset, end / PAGE * PAGE, "after {end} bytes");
        send(&mut session, &image, offset, image.len());
        assert_eq!(session.update(&UpdateRequest::Finish).unwrap(), UpdateReply::Verified { enrol_again: 0 });
        drop(session);
        assert!(scene.slot(1, image.len()) == image, "after {end} bytes");
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn image_that_fails_its_test_is_taken_back_and_the_next_is_kept() {
    let scene = Scene::new();
    let aligned = AlignedBytes::copy(&scene.image);
    let mut golden = header::parse(aligned.bytes()).unwrap().get(Section::Golden).unwrap().to_vec();
    golden[16] ^= 1;
    let wrong = replaced(&scene.image, &[(Section::Golden, &golden)]).unwrap();
    let maker = read(&scene.at("maker.key")).unwrap();
    std::fs::write(scene.at("wrong.geode"), signed(&wrong, &maker, 9).unwrap()).unwrap();

    let mut session = scene.start();
    let running = session.hello().image;
    let wrong = Update::read(&scene.at("wrong.geode")).unwrap();
    let said = format!("{:#}", wrong.send(&mut session, &scene.keys, false).unwrap_err());
    assert!(said.contains("went back to the one before"), "{said}");
    assert_eq!(session.hello().image, running);
    let reverted = Progress { stage: UpdateStage::Reverted, offset: 0 };
    assert_eq!(session.update(&UpdateRequest::Status).unwrap(), UpdateReply::Progress(reverted));
    // The version of an image that was not kept is not demanded.
    assert_eq!(people::condition(&mut session).unwrap().image_version, 3);
    drop(session);

    let folder = scene.folder.path();
    // With another network, and nobody enrolled who would have to go.
    let next = signed(&testable(&varied_network()), &maker, 4).unwrap();
    std::fs::write(scene.at("next.geode"), next).unwrap();
    let device = ["--state", "state", "--key", "admin.key"];
    let printed = succeeds(folder, &[&["update", "next.geode", "--json"][..], &device].concat());
    check("host update", &printed);
    assert!(
        succeeds(folder, &[&["update", "next.geode"][..], &device].concat())
            .contains("runs next.geode already")
    );
    std::fs::write(scene.at("old.geode"), scene.version(3)).unwrap();
    let said = fails(folder, &[&["update", "old.geode"][..], &device].concat());
    assert!(said.contains("older than version 4") && said.contains("--version"), "{said}");
    let said = fails(folder, &[&["update", "image.geode"][..], &device].concat());
    assert!(said.contains("host sign"), "{said}");
    let info = succeeds(folder, &[&["device", "info"][..], &device].concat());
    assert!(info.contains("version 4 or higher"), "{info}");
    // What the device does not run is named, and what it does not have is refused.
    let said = warns(folder, &[&["device", "info", "--image", "old.geode"][..], &device].concat());
    assert!(said.contains("runs another image than old.geode"), "{said}");
    std::fs::write(scene.at("never.geode"), scene.version(5)).unwrap();
    let said = fails(folder, &[&["device", "info", "--image", "never.geode"][..], &device].concat());
    assert!(said.contains("host update") && said.contains("--flash"), "{said}");
    // And one that was put there with a probe is checked, too.
    let said =
        succeeds(folder, &[&["device", "info", "--image", "old.geode", "--flash"][..], &device].concat());
    assert!(said.contains("version 3") && said.contains("service"), "{said}");
}
