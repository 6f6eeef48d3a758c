//! Compares the simulator with boards: embeddings, outputs and decisions are equal.
//!
//! Each board is emulated. Most crops lie in its memory, and its program `bench` prints a checksum of each embedding. Some go over its
//! UART to the real firmware, which sends whole embeddings and decisions. Without QEMU or a compiler for a board the tests are
//! ignored, or fail if `GEODE_BOARDS=required` is set, as in `./test.sh`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use app::pattern::check_elements;
use facts::Limits;
use format::Role;
use host::bench::boards as bench;
use host::board::{Board, Memory};
use host::client::Client;
use host::crops::Source;
use host::demo::{demo, judge};
use host::export::other::{OtherJob, quantise_other, with_networks};
use host::export::{Job, export};
use host::photo;
use host::quantize::Preprocessing;
use host::recognise::board::{Place, connect, recognise};
use host::recognise::simulated;
use host::simulator::{AlignedBytes, Simulator};
use image::RgbImage;
use suite::{
    default_network, faces, first_faces, fr_detect, fr_landmark, job, minifasnet, onnx, pictures,
    relu6_network, root, uncounted, write_faces, yunet,
};
use tempfile::TempDir;

fn board(name: &str) -> &'static Board {
    uncounted().iter().find(|board| board.name == name).unwrap()
}

/// An image, and the crops it was calibrated on.
struct Built {
    /// `image.geode` and `faces`.
    folder: TempDir,
}

impl Built {
    /// Exports `network` (an ONNX file's path) over faces of `[height, width]`.
    fn new(network: &Path, faces: &[RgbImage], size: [u32; 2], with: impl FnOnce(Job) -> Job) -> Self {
        let built = Built { folder: tempfile::tempdir().unwrap() };
        write_faces(&built.crops(), faces, size);
        let image = export(&with(job(network, &built.crops()))).unwrap().image;
        std::fs::write(built.image(), image).unwrap();
        built
    }

    /// [`Self::new`] for a network that is not in a file yet.
    fn of_bytes(onnx: &[u8], faces: &[RgbImage], size: [u32; 2], with: impl FnOnce(Job) -> Job) -> Self {
        let file = tempfile::Builder::new().suffix(".onnx").tempfile().unwrap();
        std::fs::write(file.path(), onnx).unwrap();
        Self::new(file.path(), faces, size, with)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image.geode")
    }

    fn crops(&self) -> PathBuf {
        self.folder.path().join("faces")
    }
}

/// The image of the default network, exported once for all tests.
fn of_default_network() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| Built::new(&default_network(), &first_faces(48), [112, 112], |job| job))
}

/// The image of the network with ReLU6, exported once for all tests.
fn of_relu6_network() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| Built::new(&relu6_network().unwrap(), &first_faces(48), [112, 112], |job| job))
}

/// An image with a small embedder, to which other networks are added, exported once for all tests.
fn of_small_network() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        Built::of_bytes(&onnx::pools(), &first_faces(48), [40, 24], |job| Job { force: true, ..job })
    })
}

/// Number of crops of a network that each board embeds from its memory. Over an emulator's UART one of 112 × 112 takes more than a
/// second.
const IN_MEMORY: usize = 4;

/// Most bytes of stack for an embedding. It takes 17 to 19 KB.
const STACK_BYTES: u64 = 32 << 10;

/// Compares embeddings of crops: checksums of [`IN_MEMORY`] that lie in the board's memory beside the image, and whole embeddings of
/// the first `over_link` of them, which go over the link.
fn board_equals_simulator(board: &'static Board, memory: Memory, built: &Built, over_link: usize) {
    let path = built.image();
    let bytes = AlignedBytes::read(&path).unwrap();
    let image = bytes.image(&path).unwrap();
    let what = format!("{}, {}", board.name, image.embedder.name());
    let photos = photo::folder::list(&built.crops()).unwrap().found;
    assert!(photos.len() >= IN_MEMORY, "{} crops are too few", photos.len());
    let simulator = Simulator::new(&image.embedder).unwrap();
    let preprocess = image.embedder.preprocess();
    let chosen = photos.iter().step_by(photos.len() / IN_MEMORY).take(IN_MEMORY);
    let crops: Vec<Vec<u8>> = chosen.map(|photo| photo::load_crop(photo, &preprocess).unwrap()).collect();
    let embeddings: Vec<Vec<i16>> = crops.iter().map(|crop| simulator.embed(crop).unwrap()).collect();
    assert!(embeddings[1..].iter().all(|other| *other != embeddings[0]), "all the same prove nothing");

    let cost = bench::run_with_pictures(board, &path, memory, &crops).unwrap();
    let expected: Vec<u32> = embeddings.iter().map(|embedding| check_elements(embedding)).collect();
    assert_eq!(cost.pictures, expected, "{what}: checksums of crops in memory");
    assert_eq!(cost.arena_bytes, image.arena_bytes() as u64, "{what}: bytes of arena");
    assert!((1..=STACK_BYTES).contains(&cost.stack_bytes), "{what}: {} bytes of stack", cost.stack_bytes);
    if over_link == 0 {
        return;
    }
    let place = Place::Emulated { board, image: path.clone(), memory };
    let (mut client, _): (Client, _) = connect(&place).unwrap();
    for (number, (crop, expected)) in crops.iter().zip(embeddings).take(over_link).enumerate() {
        let (embedding, cost) = client.embed(crop).unwrap();
        assert_eq!(embedding, expected, "{what}: crop {number} over the link");
        assert_eq!(cost.arena_bytes, image.arena_bytes() as u32);
        assert!(cost.embed_instructions > 0 && cost.stack_bytes > 0);
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn m7_equals_simulator_on_the_default_network() {
    board_equals_simulator(board("qemu-m7"), Memory::External, of_default_network(), 1);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn m4_equals_simulator_on_the_default_network() {
    board_equals_simulator(board("qemu-m4"), Memory::External, of_default_network(), 1);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn m55_equals_simulator_on_the_default_network() {
    board_equals_simulator(board("qemu-m55"), Memory::External, of_default_network(), 1);
}

#[test]
#[cfg_attr(
    not(all(boards, relu6)),
    ignore = "needs emulated boards and ../shared/models/mobilefacenet-relu6-128.onnx beside the repository"
)]
fn boards_equal_simulator_on_a_network_with_relu6() {
    for board in uncounted() {
        board_equals_simulator(board, Memory::External, of_relu6_network(), 1);
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn kernels_on_boards_equal_the_naive_loops() {
    std::thread::scope(|scope| {
        for board in uncounted() {
            scope.spawn(|| {
                let text = board.run_example("battery", None).unwrap();
                assert!(text.contains("Ok({\"conv\": "), "{}: {text}", board.name);
            });
        }
    });
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_equal_simulator_on_users_networks() {
    let inside = Preprocessing { mean: 0.0, scale: 1.0 };
    for (onnx, size, preprocessing) in [
        (onnx::resnet18_grey(), [128, 128], Preprocessing::default()),
        (onnx::mobile_112x96(), [112, 96], inside),
        (onnx::pools(), [40, 24], Preprocessing::default()),
        (onnx::averages(), [40, 24], Preprocessing::default()),
        (onnx::every_operator(), [40, 24], Preprocessing::default()),
        (onnx::small_differences(3), [40, 24], Preprocessing::default()),
        (onnx::differences_in_space(), [80, 48], Preprocessing::default()),
    ] {
        let built =
            Built::of_bytes(&onnx, &first_faces(24), size, |job| Job { preprocessing, force: true, ..job });
        for board in uncounted() {
            // These images lie in internal flash, those of the real networks in external flash. To save time only one board is also
            // asked over its link.
            let over_link = usize::from(board.name == "qemu-m55");
            board_equals_simulator(board, Memory::Internal, &built, over_link);
        }
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_run_what_is_just_within_their_limits() {
    let mut built: Vec<(Limits, Built)> = Vec::new();
    for board in uncounted() {
        let Limits { row_bytes, layers } = board.limits;
        if built.iter().all(|(limits, _)| *limits != board.limits) {
            let width = row_bytes / 3;
            let force = |job| Job { force: true, ..job };
            let deep =
                Built::of_bytes(&onnx::deep(width, layers), &first_faces(12), [16, width as u32], force);
            built.push((board.limits, deep));
        }
        let (_, deep) = built.iter().find(|(limits, _)| *limits == board.limits).expect("built above");
        board_equals_simulator(board, Memory::Internal, deep, 2);
    }
}

/// Runs every network of an image on every board, and in the simulator, on the same pattern of pixels.
fn every_network_is_equal(image: &AlignedBytes, path: &Path, roles: &[Role]) {
    std::fs::write(path, image.bytes()).unwrap();
    let checked = image.image(path).unwrap();
    let expected: Vec<(&str, Vec<u32>)> = roles
        .iter()
        .map(|&role| {
            (role.name(), bench::simulated(&checked.network(role).expect("the image has it")).unwrap())
        })
        .collect();
    for board in uncounted() {
        let cost = bench::run(board, path).unwrap();
        let found: Vec<(&str, Vec<u32>)> =
            cost.networks.iter().map(|network| (&*network.role, network.outputs.clone())).collect();
        assert_eq!(found, expected, "{}", board.name);
        for network in &cost.networks {
            let (instructions, macs) = (network.instructions, network.macs);
            println!(
                "{}: {} {:.1} M instructions, {:.1} M MACs",
                board.name,
                network.role,
                instructions as f64 / 1e6,
                macs as f64 / 1e6
            );
        }
        assert!(cost.recogniser_bytes <= 512, "{}: {} bytes", board.name, cost.recogniser_bytes);
    }
}

fn quantised(job: &OtherJob) -> AlignedBytes {
    let pictures = pictures(&job.input().unwrap(), &first_faces(12));
    quantise_other(job, &pictures[..8], &pictures[8..]).unwrap().section
}

/// Adds networks, in the order of their roles, to an image that has only an embedder, and runs all ([`every_network_is_equal`]).
fn equal_with(built: &Built, jobs: &[OtherJob]) {
    let image = AlignedBytes::read(&built.image()).unwrap();
    let sections: Vec<AlignedBytes> = jobs.iter().map(quantised).collect();
    let networks: Vec<(Role, &AlignedBytes)> = jobs.iter().map(|job| job.role).zip(&sections).collect();
    let image = AlignedBytes::copy(&with_networks(&image, &networks).unwrap());
    let roles: Vec<Role> = [Role::Embedder].into_iter().chain(jobs.iter().map(|job| job.role)).collect();
    let folder = tempfile::tempdir().unwrap();
    every_network_is_equal(&image, &folder.path().join("more.geode"), &roles);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_equal_simulator_on_an_image_of_three_networks() {
    equal_with(of_small_network(), &[fr_detect(), fr_landmark()]);
}

#[test]
#[cfg_attr(
    not(all(boards, yunet)),
    ignore = "needs emulated boards and ../shared/models/yunet-dyn.onnx beside the repository"
)]
fn boards_equal_simulator_on_yunet() {
    equal_with(of_small_network(), &[yunet().unwrap()]);
}

#[test]
#[cfg_attr(
    not(all(boards, minifasnet)),
    ignore = "needs emulated boards and ../shared/models/minifasnet-v2-80.onnx beside the repository"
)]
fn boards_equal_simulator_on_a_photo_check() {
    equal_with(of_default_network(), &[fr_landmark(), minifasnet().unwrap()]);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_decide_as_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let faces = faces();
    // Four people with one photo each. The probes are these photos, their mirror images, and photos of strangers.
    let mut probes: Vec<PathBuf> = Vec::new();
    for (index, face) in faces[..4].iter().enumerate() {
        write_faces(
            &folder.path().join(format!("people/person {index}")),
            std::slice::from_ref(face),
            [40, 24],
        );
        let probe = folder.path().join(format!("probes/{index}"));
        write_faces(&probe, &[image::imageops::flip_horizontal(face), faces[10 + index].clone()], [40, 24]);
        probes.extend(photo::folder::list(&probe).unwrap().found);
    }
    write_faces(&folder.path().join("strangers"), &faces[4..10], [40, 24]);
    let network = folder.path().join("net.onnx");
    std::fs::write(&network, onnx::pools()).unwrap();
    let job = Job {
        enrol: Some(folder.path().join("people")),
        cohort: Some(folder.path().join("strangers")),
        calibrate: None,
        threshold: Some(0.97),
        margin: Some(0.02),
        allow_duplicates: true,
        force: true,
        ..job(&network, folder.path())
    };
    let image = folder.path().join("image.geode");
    std::fs::write(&image, export(&job).unwrap().image).unwrap();
    let simulated = simulated(&image, &probes, &Source::aligned()).unwrap();
    for board in uncounted() {
        let place = Place::Emulated { board, image: image.clone(), memory: Memory::External };
        let answers = recognise(&place, &probes, &Source::aligned()).unwrap();
        let answers: Vec<_> = answers.into_iter().map(|timed| timed.answer).collect();
        assert_eq!(answers, simulated, "{}", board.name);
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn board_refuses_what_is_not_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let (network, crops) = (folder.path().join("net.onnx"), folder.path().join("faces"));
    std::fs::write(&network, onnx::pools()).unwrap();
    write_faces(&crops, &faces(), [40, 24]);
    let mut image = export(&job(&network, &crops)).unwrap().image;
    let middle = image.len() / 2;
    image[middle] ^= 0x10;
    let path = folder.path().join("image.geode");
    std::fs::write(&path, image).unwrap();
    for board in uncounted() {
        // The program itself would refuse this image, so the test gives the file to the board directly.
        let transport =
            host::transport::Transport::qemu(board, &board.build().unwrap(), &path, Memory::External)
                .unwrap();
        let error = format!("{:#}", Client::connect(transport).err().expect("refused"));
        assert!(
            error.contains("cannot work") && error.contains("digest does not match"),
            "{}: {error}",
            board.name
        );
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn demo_comes_out_as_it_must() {
    let board = board("qemu-m7");
    let folder = tempfile::tempdir().unwrap();
    let shown = demo(&root().join("data"), folder.path(), board).unwrap();
    judge(&shown).unwrap();
    assert!(shown.probes.len() >= 15 && shown.probes.iter().all(|probe| probe.simulator_agrees));
}
