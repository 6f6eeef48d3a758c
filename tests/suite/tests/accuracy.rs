//! Loss of accuracy by quantisation on Labelled Faces in the Wild, for the real networks.
//!
//! Needs the larger test data beside the repository; without it the demo's faces show that int8 and float agree.

use std::path::Path;

use host::accuracy::embedded::{PixelsFor, embed_photos};
use host::accuracy::identification::identify;
use host::accuracy::pairs::Pairs;
use host::accuracy::reading::listed;
use host::accuracy::roles::Roles;
use host::accuracy::verification::verify;
use host::crops::Source;
use host::export::export;
use suite::{accuracy, default_network, first_faces, job, relu6_network, shared, write_faces};

/// A figure may be worse than its baseline by this much, because processors round the sums of calibration differently.
const TOLERANCE: f64 = 0.003;

/// Accuracy and TAR at FAR 1e-2 of a float network.
struct Float {
    accuracy: f64,
    tar_at_far_1e2: f64,
}

/// Least figures of an int8 network.
struct Least {
    /// Mean cosine between int8 and float embeddings.
    cosine: f32,
    /// TPIR at FPIR 0.003, less than a point below that of the float network.
    tpir: f64,
}

/// Exports a network over the data set's crops and compares its figures with those of its float network and of the baseline.
fn quantisation_costs_no_accuracy(network: &Path, float: Float, least: Least) {
    let name = network.file_stem().unwrap().to_str().unwrap();
    let faces = shared("faces/lfw").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.geode");
    let exported = export(&job(network, &faces.join("crops"))).unwrap();
    std::fs::write(&image, &exported.image).unwrap();
    let agreement = exported.report.agreement;
    assert!(exported.report.photos.is_judge_unseen, "{name}");
    assert!(agreement.mean_cosine >= least.cosine, "{name}: {agreement:?}");
    let pairs = Pairs::read(&faces.join("pairs.csv")).unwrap();
    let crops = faces.join("crops");
    let embedded = embed_photos(
        &image,
        listed(&image, &pairs.photos, &crops, &Source::aligned()).unwrap(),
        None,
        PixelsFor::default(),
    )
    .unwrap();
    let verification = verify(&pairs, &embedded);
    let int8 = verification.quantised;
    println!("{name}: {int8:?}");
    assert!((int8.accuracy - float.accuracy).abs() <= 0.0015 + 1e-9, "{name}: {int8:?}");
    assert!((int8.tar_at_far_1e2.unwrap() - float.tar_at_far_1e2).abs() <= 0.003 + 1e-9, "{name}: {int8:?}");

    let roles = Roles::read(&faces.join("identification.csv")).unwrap();
    let embedded = embed_photos(
        &image,
        listed(&image, &roles.photos, &crops, &Source::aligned()).unwrap(),
        None,
        PixelsFor::default(),
    )
    .unwrap();
    let figures = identify(&roles, &embedded, 0.003).unwrap();
    println!("{name}: {:?}", figures.decisions);
    let measured = accuracy::figures(&exported.report, &verification, &figures);
    let baseline = &accuracy::baseline()[name];
    // The float network does not run here.
    let agreed = || baseline.iter().filter(|(figure, _)| !accuracy::needs_float(figure));
    assert!(measured.keys().eq(agreed().map(|(figure, _)| figure)), "{name}: the baseline has other figures");
    for (figure, agreed) in agreed() {
        let more = measured[figure] - agreed;
        let worse = if accuracy::is_better_smaller(figure) { more } else { -more };
        let tolerance = if accuracy::is_bytes(figure) { 0.0 } else { TOLERANCE };
        assert!(worse <= tolerance, "{name}, {figure}: {} where the baseline has {agreed}", measured[figure]);
    }
    for row in figures.decisions.iter().filter(|row| row.people > 1) {
        assert!(row.holds, "{name}: {row:?}");
    }
    assert!(figures.networks[0].tpir[1].unwrap() >= least.tpir, "{name}: {:?}", figures.networks[0].tpir);
    let wrong = figures.wrong_labels.expect("people with six photos");
    assert!(wrong.robust[0] - wrong.robust[1] < 0.01, "{name}: {wrong:?}");
}

#[test]
#[cfg_attr(not(lfw), ignore = "needs ../shared/faces/lfw beside the repository")]
fn quantisation_costs_the_default_network_no_accuracy() {
    let float = Float { accuracy: 0.9896, tar_at_far_1e2: 0.9900 };
    quantisation_costs_no_accuracy(&default_network(), float, Least { cosine: 0.985, tpir: 0.955 });
}

#[test]
#[cfg_attr(
    not(all(lfw, relu6)),
    ignore = "needs ../shared/faces/lfw and ../shared/models/mobilefacenet-relu6-128.onnx beside the repository"
)]
fn quantisation_costs_a_network_with_relu6_no_accuracy() {
    let float = Float { accuracy: 0.9929, tar_at_far_1e2: 0.9900 };
    quantisation_costs_no_accuracy(&relu6_network().unwrap(), float, Least { cosine: 0.994, tpir: 0.965 });
}

#[test]
fn int8_and_float_agree_on_a_few_photos() {
    let folder = tempfile::tempdir().unwrap();
    write_faces(&folder.path().join("faces"), &first_faces(60), [112, 112]);
    let exported = export(&job(&default_network(), &folder.path().join("faces"))).unwrap();
    assert!(exported.report.agreement.mean_cosine > 0.985, "{:?}", exported.report.agreement);
}
