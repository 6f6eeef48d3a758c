//! Export: networks that users have, widening, and errors that must stop an export.

use std::collections::HashSet;
use std::path::Path;

use host::embedding::{cosine, unit, unit_of_i16};
use host::export::{Exported, Job, export};
use host::onnx::{Channels, Cut, Reference, import};
use host::quantize::Preprocessing;
use host::simulator::{AlignedBytes, Simulator};
use host::{float, passes, photo};
use suite::{faces, job, onnx, write_faces};
use tempfile::TempDir;

fn folder_with(onnx: &[u8], size: [u32; 2]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.onnx"), onnx).unwrap();
    write_faces(&folder.path().join("faces"), &faces(), size);
    folder
}

fn job_in(folder: &Path) -> Job {
    job(&folder.join("net.onnx"), &folder.join("faces"))
}

/// Mean cosine between the simulator and tract over faces.
fn agreement(exported: &Exported, job: &Job) -> f32 {
    let bytes = AlignedBytes::copy(&exported.image);
    let image = bytes.image(Path::new("image")).unwrap();
    let simulator = Simulator::new(&image.embedder).unwrap();
    let reference = Reference::load(&job.model).unwrap();
    let photos = photo::folder::list(job.calibrate.as_deref().unwrap()).unwrap().found;
    let cosines: Vec<f32> = photos
        .iter()
        .take(24)
        .map(|path| {
            let crop = photo::load_crop(path, &image.embedder.preprocess()).unwrap();
            let float = reference.embed(&job.preprocessing.apply(&crop)).unwrap();
            cosine(&unit(&float), &unit_of_i16(&simulator.embed(&crop).unwrap()))
        })
        .collect();
    cosines.iter().sum::<f32>() / cosines.len() as f32
}

#[test]
fn grey_residual_network_exports_and_agrees_with_float() {
    let folder = folder_with(&onnx::resnet18_grey(), [128, 128]);
    let job = job_in(folder.path());
    let exported = export(&job).unwrap();
    assert_eq!((exported.report.input, exported.report.dimension), ([128, 128, 1], 64));
    let mean = agreement(&exported, &job);
    assert!(mean > 0.98, "{mean}");
}

#[test]
fn oblong_network_with_preprocessing_inside_exports_and_agrees_with_float() {
    let folder = folder_with(&onnx::mobile_112x96(), [112, 96]);
    let job = Job { preprocessing: Preprocessing { mean: 0.0, scale: 1.0 }, ..job_in(folder.path()) };
    let exported = export(&job).unwrap();
    assert_eq!((exported.report.input, exported.report.dimension), ([112, 96, 3], 96));
    let mean = agreement(&exported, &job);
    assert!(mean > 0.98, "{mean}");
}

#[test]
fn pooling_network_exports_and_agrees_with_float() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    let job = job_in(folder.path());
    let exported = export(&job).unwrap();
    assert_eq!((exported.report.input, exported.report.dimension), ([40, 24, 3], 24));
    let mean = agreement(&exported, &job);
    assert!(mean > 0.98, "{mean}");
}

#[test]
fn network_that_needs_16_bits_gets_them() {
    let folder = folder_with(&onnx::small_differences(3), [40, 24]);
    let job = job_in(folder.path());
    let exported = export(&job).unwrap();
    assert!(!exported.report.wide.is_empty(), "{:?}", exported.report.agreement);
    let mean = agreement(&exported, &job);
    assert!(mean > 0.98, "{mean}");
}

#[test]
fn network_that_quantisation_harms_is_refused_unless_forced() {
    // More layers need 16 bits than may have them.
    let folder = folder_with(&onnx::small_differences(12), [40, 24]);
    let job = job_in(folder.path());
    let error = format!("{:#}", export(&job).err().expect("refused"));
    assert!(error.contains("--force") && error.contains("cosine"), "{error}");
    let forced = export(&Job { force: true, ..job }).unwrap();
    assert!(forced.report.warnings.iter().any(|warning| warning.contains("cosine")));
}

#[test]
fn colour_order_of_another_number_of_channels_is_refused() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    let job = Job { colour: Some(format::preprocess::Colour::Grey), ..job_in(folder.path()) };
    let error = format!("{:#}", export(&job).err().unwrap());
    assert!(error.contains("1 channels") && error.contains('3'), "{error}");
}

#[test]
fn photos_that_judge_have_chosen_nothing() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    // Copies would count once.
    let many: Vec<_> = (0..60).map(|seed| suite::picture(seed, [40, 24])).collect();
    write_faces(&folder.path().join("faces"), &many, [40, 24]);
    let photos = export(&job_in(folder.path())).unwrap().report.photos;
    let all = [&*photos.calibrate, &photos.choose, &photos.judge].concat();
    assert!(photos.is_judge_unseen && photos.judge.len() > photos.choose.len());
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert!(all.iter().all(|path| path.is_file()));
}

#[test]
fn the_same_input_gives_the_same_image() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    let job = job_in(folder.path());
    assert_eq!(export(&job).unwrap().image, export(&job).unwrap().image);
}

#[test]
fn photo_too_large_for_the_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("huge.onnx");
    std::fs::write(&model, onnx::huge_photo()).unwrap();
    let error = export(&job(&model, folder.path())).err().unwrap();
    assert!(format!("{error:#}").contains("crops of 1600×1600 are too large"), "{error:#}");
}

#[test]
fn mean_of_each_channel_is_the_networks_own_normalisation() {
    let folder = folder_with(&[], [40, 24]);
    let channels = Channels { mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375] };
    let plain = Preprocessing { mean: 0.0, scale: 1.0 };
    for is_padded in [false, true] {
        std::fs::write(folder.path().join("net.onnx"), onnx::normalised_by(None, is_padded)).unwrap();
        let cut = Cut { normalised: Some(channels), ..Cut::default() };
        let outside = Job { preprocessing: plain, cut: cut.clone(), ..job_in(folder.path()) };
        let imported = import(&outside.model, &cut).unwrap();
        let lowered = passes::lower(imported.graph.clone());
        // Without padding the convolution takes them over.
        assert_eq!(lowered.nodes.len(), 3 + usize::from(is_padded));
        let inside = folder.path().join("inside.onnx");
        let values = [channels.mean.to_vec(), channels.scale.to_vec()];
        std::fs::write(&inside, onnx::normalised_by(Some(&values), is_padded)).unwrap();
        let same = passes::lower(import(&inside, &Cut::default()).unwrap().graph);
        let crop: Vec<f32> = (0..40 * 24 * 3).map(|i| (i * 7919 % 256) as f32).collect();
        assert_eq!(float::run(&lowered, &crop).pop(), float::run(&same, &crop).pop());
        let mean = export(&outside).unwrap().report.agreement.mean_cosine;
        assert!(mean > 0.98, "{mean}");
        // The image is not taken for one of the file with other preprocessing.
        assert_ne!(imported.sha256, import(&outside.model, &Cut::default()).unwrap().sha256);
    }
    std::fs::write(folder.path().join("grey.onnx"), onnx::resnet18_grey()).unwrap();
    let cut = Cut { normalised: Some(channels), ..Cut::default() };
    let error = format!("{:#}", import(&folder.path().join("grey.onnx"), &cut).err().unwrap());
    assert!(error.contains("--mean 123.675,116.28,103.53") && error.contains("give one mean"), "{error}");
}
