//! The simulator against boards: embeddings equal byte for byte, decisions too.
//!
//! Each board is an emulated one that runs the real firmware and speaks over its UART. Without QEMU or a compiler for a
//! board the tests say so and pass, unless `GEODE_BOARDS=required` is set, as the README's test command does.

use std::path::{Path, PathBuf};

use format::Role;
use host::bench::boards as bench;
use host::board::{BOARDS, Board, Memory};
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
use suite::{
    can_run, default_network, faces, fr_detect, fr_landmark, job, minifasnet, onnx, pictures, real_networks,
    root, write_faces, yunet,
};

fn board(name: &str) -> &'static Board {
    Board::named(name).unwrap()
}

/// Exports, starts the board, and compares embeddings of `count` crops.
fn board_equals_simulator(board: &'static Board, memory: Memory, folder: &Path, job: &Job, count: usize) {
    let path = folder.join("image.geode");
    std::fs::write(&path, export(job).unwrap().image).unwrap();
    let bytes = AlignedBytes::read(&path).unwrap();
    let image = bytes.image(&path).unwrap();
    let simulator = Simulator::new(&image.embedder).unwrap();
    let photos = photo::list(job.calibrate.as_deref().unwrap()).unwrap();
    assert!(photos.len() >= count, "{} crops are too few", photos.len());

    let (mut client, preprocess): (Client, _) =
        connect(&Place::Emulated { board, image: path, memory }).unwrap();
    let mut embeddings = Vec::new();
    for photo in photos.iter().step_by(photos.len() / count).take(count) {
        let crop = photo::load_crop(photo, &preprocess).unwrap();
        let (embedding, cost) = client.embed(&crop).unwrap();
        assert_eq!(embedding, simulator.embed(&crop).unwrap(), "{}: {}", board.name, photo.display());
        assert_eq!(cost.arena_bytes, image.arena_bytes() as u32);
        assert!(cost.embed_instructions > 0 && cost.stack_bytes > 0);
        embeddings.push(embedding);
    }
    assert!(
        embeddings.iter().skip(1).all(|embedding| *embedding != embeddings[0]),
        "all the same prove nothing"
    );
}

fn real_networks_on(name: &str, count: usize) {
    if !can_run(board(name)) {
        return;
    }
    for network in real_networks() {
        let folder = tempfile::tempdir().unwrap();
        write_faces(&folder.path().join("faces"), &faces(), [112, 112]);
        let job = job(&network, &folder.path().join("faces"));
        board_equals_simulator(board(name), Memory::External, folder.path(), &job, count);
    }
}

#[test]
fn m7_equals_simulator_on_real_networks() {
    real_networks_on("qemu-m7", 20);
}

#[test]
fn m4_equals_simulator_on_real_networks() {
    real_networks_on("qemu-m4", 4);
}

#[test]
fn m55_equals_simulator_on_real_networks() {
    real_networks_on("qemu-m55", 8);
}

#[test]
fn kernels_on_boards_equal_the_naive_loops() {
    for board in BOARDS.iter().filter(|board| can_run(board)) {
        let text = board.run_example("battery", None).unwrap();
        assert!(text.contains("Ok({\"conv\": "), "{}: {text}", board.name);
    }
}

#[test]
fn boards_equal_simulator_on_users_networks() {
    let inside = Preprocessing { mean: 0.0, scale: 1.0 };
    for (onnx, size, preprocessing) in [
        (onnx::resnet18_grey(), [128, 128], Preprocessing::default()),
        (onnx::mobile_112x96(), [112, 96], inside),
        (onnx::pools(), [40, 24], Preprocessing::default()),
        (onnx::every_operator(), [40, 24], Preprocessing::default()),
        (onnx::small_differences(3), [40, 24], Preprocessing::default()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (network, crops) = (folder.path().join("net.onnx"), folder.path().join("faces"));
        std::fs::write(&network, onnx).unwrap();
        write_faces(&crops, &faces(), size);
        let job = Job { preprocessing, ..job(&network, &crops) };
        for board in BOARDS.iter().filter(|board| can_run(board)) {
            // These lie in internal flash, the real ones in external.
            board_equals_simulator(board, Memory::Internal, folder.path(), &job, 4);
        }
    }
}

#[test]
fn boards_run_what_is_just_within_their_limits() {
    for board in BOARDS.iter().filter(|board| can_run(board)) {
        let folder = tempfile::tempdir().unwrap();
        let (network, crops) = (folder.path().join("net.onnx"), folder.path().join("faces"));
        let width = board.limits.row_bytes / 3;
        std::fs::write(&network, onnx::deep(width, board.limits.layers)).unwrap();
        write_faces(&crops, &faces()[..12], [16, width as u32]);
        let job = Job { force: true, ..job(&network, &crops) };
        board_equals_simulator(board, Memory::Internal, folder.path(), &job, 3);
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
    for board in BOARDS.iter().filter(|board| can_run(board)) {
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
    let pictures = pictures(&job.input().unwrap(), &faces()[..12]);
    quantise_other(job, &pictures[..8], &pictures[8..]).unwrap().section
}

#[test]
fn boards_equal_simulator_on_an_image_of_three_networks() {
    let folder = tempfile::tempdir().unwrap();
    let crops = folder.path().join("faces");
    write_faces(&crops, &faces()[..48], [112, 112]);
    let image = AlignedBytes::copy(&export(&job(&default_network(), &crops)).unwrap().image);
    let landmarks = quantised(&fr_landmark());
    let mut networks = vec![(Role::Landmarks, &landmarks)];
    let liveness = minifasnet().map(|job| quantised(&job));
    networks.extend(liveness.iter().map(|liveness| (Role::Liveness, liveness)));
    let roles: Vec<Role> =
        [Role::Embedder].into_iter().chain(networks.iter().map(|(role, _)| *role)).collect();
    let image = AlignedBytes::copy(&with_networks(&image, &networks).unwrap());
    every_network_is_equal(&image, &folder.path().join("three.geode"), &roles);
}

#[test]
fn boards_equal_simulator_on_detectors() {
    let folder = tempfile::tempdir().unwrap();
    let (network, crops) = (folder.path().join("net.onnx"), folder.path().join("faces"));
    std::fs::write(&network, onnx::pools()).unwrap();
    write_faces(&crops, &faces()[..48], [40, 24]);
    let image = AlignedBytes::copy(&export(&Job { force: true, ..job(&network, &crops) }).unwrap().image);
    for job in [Some(fr_detect()), yunet()].into_iter().flatten() {
        let detector = quantised(&job);
        let image = AlignedBytes::copy(&with_networks(&image, &[(Role::Detector, &detector)]).unwrap());
        every_network_is_equal(&image, &folder.path().join("door.geode"), &[Role::Embedder, Role::Detector]);
    }
}

#[test]
fn boards_decide_as_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let faces = faces();
    // Four people of one photo each; probes are these, mirrored, and strangers.
    let mut probes: Vec<PathBuf> = Vec::new();
    for (index, face) in faces[..4].iter().enumerate() {
        write_faces(
            &folder.path().join(format!("people/person {index}")),
            std::slice::from_ref(face),
            [40, 24],
        );
        let probe = folder.path().join(format!("probes/{index}"));
        write_faces(&probe, &[image::imageops::flip_horizontal(face), faces[10 + index].clone()], [40, 24]);
        probes.extend(photo::list(&probe).unwrap());
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
    let simulated = simulated(&image, &probes, &Source::Aligned).unwrap();
    for board in BOARDS.iter().filter(|board| can_run(board)) {
        let place = Place::Emulated { board, image: image.clone(), memory: Memory::External };
        let answers = recognise(&place, &probes, &Source::Aligned).unwrap();
        let answers: Vec<_> = answers.into_iter().map(|timed| timed.answer).collect();
        assert_eq!(answers, simulated, "{}", board.name);
    }
}

#[test]
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
    for board in BOARDS.iter().filter(|board| can_run(board)) {
        // The program would refuse it itself: give the file to the board behind its back.
        let transport =
            host::transport::Transport::qemu(board, &board.build().unwrap(), &path, Memory::External)
                .unwrap();
        let error = format!("{:#}", Client::connect(transport).err().expect("refused"));
        assert!(error.contains("cannot work") && error.contains("SHA-256"), "{}: {error}", board.name);
    }
}

#[test]
fn demo_comes_out_as_it_must() {
    let board = board("qemu-m7");
    if !can_run(board) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = demo(&root().join("data"), folder.path(), board).unwrap();
    judge(&shown).unwrap();
    assert!(shown.probes.len() >= 15 && shown.probes.iter().all(|probe| probe.simulator_agrees));
}
