//! What quantisation costs on Labelled Faces in the Wild, for every real network that is there.
//!
//! Needs the larger test data beside the repository; without it the demo's faces show that int8 and float agree.

use host::commands::evaluate::evaluate;
use host::commands::export::export;
use suite::{default_network, faces, job, shared, write_faces};

/// Accuracy and TAR at FAR 1e-2 of the float network, and the least mean cosine between int8 and float embeddings.
const FIGURES: [(&str, f64, f64, f32); 2] =
    [("fr_feature", 0.9896, 0.9900, 0.985), ("mobilefacenet-relu6-128", 0.9929, 0.9900, 0.994)];

#[test]
fn quantisation_costs_no_accuracy() {
    let Some(faces) = shared("faces/lfw") else { return };
    for (name, accuracy, tar, cosine) in FIGURES {
        let network = match name {
            "fr_feature" => default_network(),
            _ => match shared(&format!("models/{name}.onnx")) {
                Some(network) => network,
                None => continue,
            },
        };
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.geode");
        let exported = export(&job(&network, &faces.join("crops"))).unwrap();
        std::fs::write(&image, exported.image).unwrap();
        let agreement = exported.report.agreement;
        assert!(agreement.held_out && agreement.mean_cosine >= cosine, "{name}: {agreement:?}");
        let measured = evaluate(&image, &faces.join("pairs.csv"), &faces.join("crops"), None).unwrap();
        let int8 = measured.quantised;
        println!("{name}: {int8:?}");
        assert!((int8.accuracy - accuracy).abs() <= 0.0015 + 1e-9, "{name}: {int8:?}");
        assert!((int8.tar_at_far_1e2 - tar).abs() <= 0.003 + 1e-9, "{name}: {int8:?}");
    }
}

#[test]
fn int8_and_float_agree_on_a_few_photos() {
    let folder = tempfile::tempdir().unwrap();
    let faces = faces();
    write_faces(&folder.path().join("faces"), &faces[..faces.len().min(60)], [112, 112]);
    let exported = export(&job(&default_network(), &folder.path().join("faces"))).unwrap();
    assert!(exported.report.agreement.mean_cosine > 0.985, "{:?}", exported.report.agreement);
}
