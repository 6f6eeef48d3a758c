//! Networks besides the embedder compute the results of their files, in `f32` and in integers, with several outputs of
//! any shape.

use face::Detector;
use format::Role;
use format::network::Model;
use format::preprocess::Colour;
use format::sight::SightSection;
use host::export::other::{Other, OtherJob, quantise_other};
use host::graph::Function;
use host::onnx::{Cut, Reference, import_cut};
use host::quantize::Preprocessing;
use host::sight::Networks;
use host::sight::frames::frame;
use host::simulator::AlignedBytes;
use host::{float, passes};
use image::RgbImage;
use suite::{
    faces, fr_detect, fr_landmark, frames_to_calibrate, minifasnet, networks, onnx, pictures, yunet,
};

/// Largest error of `f32`, relative to the largest value of an output.
const TOLERANCE: f32 = 1e-4;

/// Values `[c][h][w]` as `[h][w][c]`.
fn channels_last(values: &[f32], [h, w, c]: [usize; 3]) -> Vec<f32> {
    let places = (0..h * w).flat_map(|pixel| (0..c).map(move |channel| channel * h * w + pixel));
    places.map(|place| values[place]).collect()
}

/// Compares every output of the lowered graph with tract's output for the same part of the file. `is_nchw`: whether
/// the file's outputs have channels first.
fn lowered_equals_tract(job: &OtherJob, is_nchw: bool) {
    let imported = import_cut(&job.model, &job.cut).unwrap();
    let mut graph = passes::lower(imported.graph);
    let [h, w, c] = graph.nodes[0].shape;
    // All channels are equal, so that the photo is also a grey photo.
    let grey: Vec<f32> = (0..h * w).map(|i| ((i * 7919 + i / 97 * 31) % 255) as f32 / 128.0 - 1.0).collect();
    let colour: Vec<f32> = grey.iter().flat_map(|&pixel| std::iter::repeat_n(pixel, c)).collect();
    let reference = Reference::load_cut(&job.model, &job.cut).unwrap().run(&colour).unwrap();
    if job.grey {
        passes::grey::apply(&mut graph).unwrap();
    }
    let tensors = float::run(&graph, if job.grey { &grey } else { &colour });
    assert_eq!(graph.outputs.len(), reference.len());
    for (output, theirs) in graph.outputs.iter().zip(&reference) {
        let shape = graph.nodes[output.node].shape;
        let theirs = if is_nchw { channels_last(theirs, shape) } else { theirs.clone() };
        // The function that the file still applies to the tensor. tract's sigmoid is a rational function. Near zero it
        // is accurate to 1e-6 only.
        let (ours, floor): (Vec<f32>, f32) = match output.function {
            Function::Identity => (tensors[output.node].clone(), 0.0),
            Function::Sigmoid => {
                (tensors[output.node].iter().map(|&x| 1.0 / (1.0 + (-x).exp())).collect(), 0.01)
            }
            Function::Normalise => {
                let length = tensors[output.node].iter().map(|x| x * x).sum::<f32>().sqrt();
                (tensors[output.node].iter().map(|x| x / length).collect(), 0.0)
            }
        };
        assert_eq!(ours.len(), theirs.len(), "{}", output.name);
        let largest = theirs.iter().fold(floor, |largest, x| largest.max(x.abs()));
        let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(error <= TOLERANCE * largest, "{}: {error} of {largest}", output.name);
    }
}

#[test]
fn default_detector_and_landmarks_lower_to_what_tract_computes() {
    lowered_equals_tract(&fr_detect(), true);
    lowered_equals_tract(&fr_landmark(), true);
}

#[test]
#[cfg_attr(not(yunet), ignore = "needs ../shared/models/yunet-dyn.onnx beside the repository")]
fn yunet_lowers_to_what_tract_computes() {
    lowered_equals_tract(&yunet().unwrap(), false);
}

#[test]
#[cfg_attr(not(minifasnet), ignore = "needs ../shared/models/minifasnet-v2-80.onnx beside the repository")]
fn liveness_lowers_to_what_tract_computes() {
    lowered_equals_tract(&minifasnet().unwrap(), false);
}

/// Quantises a network over photos, of some pictures each, and prints the quality of its outputs. One of four photos judges.
fn quantised(job: &OtherJob, photos: &[Vec<RgbImage>]) -> Other {
    let input = job.input().unwrap();
    let (judged, seen): (Vec<_>, Vec<_>) = photos.iter().enumerate().partition(|(index, _)| index % 4 == 3);
    let bytes = |part: Vec<(usize, &Vec<RgbImage>)>| -> Vec<Vec<u8>> {
        part.into_iter().take(48).flat_map(|(_, photo)| pictures(&input, photo)).collect()
    };
    let other = quantise_other(job, &bytes(seen), &bytes(judged)).unwrap();
    for output in &other.outputs {
        let [h, w, c] = output.shape;
        println!("{} {:>8} {h}×{w}×{c} {:.1} dB", job.role.name(), output.name, output.sqnr_db);
    }
    println!("{} arena {} bytes", job.role.name(), other.arena_bytes);
    other
}

/// Least signal to quantisation noise of every output, dB.
fn agrees(job: &OtherJob, least_db: f32) {
    for output in quantised(job, &faces().into_iter().map(|face| vec![face]).collect::<Vec<_>>()).outputs {
        assert!(output.sqnr_db >= least_db, "{}: {:.1} dB", output.name, output.sqnr_db);
    }
}

#[test]
fn detector_cut_at_its_heads_agrees_with_float() {
    agrees(&fr_detect(), 12.0);
}

#[test]
#[cfg_attr(not(yunet), ignore = "needs ../shared/models/yunet-dyn.onnx beside the repository")]
fn yunet_with_twelve_outputs_agrees_with_float() {
    agrees(&yunet().unwrap(), 10.0);
}

#[test]
fn landmarks_agree_with_float() {
    agrees(&fr_landmark(), 20.0);
}

#[test]
#[cfg_attr(not(minifasnet), ignore = "needs ../shared/models/minifasnet-v2-80.onnx beside the repository")]
fn liveness_agrees_with_float() {
    agrees(&minifasnet().unwrap(), 8.0);
}

#[test]
fn slim_detector_has_the_same_heads_and_levels() {
    let folder = tempfile::tempdir().unwrap();
    let detector = folder.path().join("slim-320.onnx");
    std::fs::write(&detector, onnx::ultraface_slim()).unwrap();
    let default = networks().known(35.2).unwrap();
    let slim = Networks { detector, landmarks: Some(fr_landmark().model), ..networks() }.known(35.2).unwrap();
    assert_eq!(slim.sight, default.sight);
    lowered_equals_tract(&slim.detector, true);
    let other = quantised(&slim.detector, &frames_to_calibrate());
    assert!(other.outputs.iter().all(|output| output.sqnr_db >= 12.0));
    let shapes: Vec<[usize; 3]> = other.outputs.iter().map(|output| output.shape).collect();
    let heads = [(15, 20, 3), (8, 10, 2), (4, 5, 2), (2, 3, 3)];
    let expected: Vec<[usize; 3]> =
        heads.into_iter().flat_map(|(h, w, n)| [[h, w, 2 * n], [h, w, 4 * n]]).collect();
    assert_eq!(shapes, expected);
    // A board reads its outputs with the same description, whatever random weights find.
    let model = Model::new_checked(Role::Detector, other.section.bytes()).unwrap();
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    let section = slim.sight.emit();
    let section = SightSection::new_checked(&section).unwrap();
    let eyes = Detector::new_checked(model, section, arena.bytes_mut()).unwrap();
    let picture = faces()[0].clone();
    let view = frame(&picture).unwrap();
    assert!(eyes.scan(&view, &view.rect(), arena.bytes_mut()).is_ok());
}

#[test]
fn output_that_no_node_makes_is_named() {
    let cut = Cut { outputs: vec!["319".into(), "nothing".into()], ..Cut::default() };
    let error = import_cut(&fr_detect().model, &cut).unwrap_err();
    assert!(format!("{error:#}").contains("no node makes nothing"), "{error:#}");
}

#[test]
fn network_that_takes_grey_already_cannot_be_made_grey() {
    let job = OtherJob { grey: true, ..fr_landmark() };
    let error = quantise_other(&job, &[vec![0; 4096]], &[vec![0; 4096]]).unwrap_err();
    assert!(format!("{error:#}").contains("1 channels"), "{error:#}");
}

#[test]
fn photo_of_another_size_is_refused() {
    let job = fr_landmark();
    let error = quantise_other(&job, &[vec![0; 4095]], &[vec![0; 4096]]).unwrap_err();
    assert!(format!("{error:#}").contains("4095 bytes"), "{error:#}");
    let Preprocessing { mean, scale } = job.preprocessing;
    assert_eq!((job.input().unwrap().colour, mean, scale), (Colour::Grey, 127.5, 128.0));
}
