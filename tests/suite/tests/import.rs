//! The lowered graph computes what tract computes on the file itself.
use std::path::Path;

use host::graph::Op;
use host::import::{Reference, import};
use host::{float, passes};

fn lowered_equals_tract(path: &Path) {
    let imported = import(path).unwrap();
    let reference = Reference::load(path).unwrap();
    let graph = passes::lower(imported.graph);
    for node in &graph.nodes {
        assert!(!matches!(node.op, Op::Affine { .. } | Op::Identity), "{}: not lowered", node.name);
    }
    let [h, w, c] = graph.nodes[0].shape;
    let crop: Vec<f32> =
        (0..h * w * c).map(|i| ((i * 7919 + i / 97 * 31) % 255) as f32 / 128.0 - 1.0).collect();
    let start = std::time::Instant::now();
    let ours = float::run(&graph, &crop).pop().unwrap();
    println!("float {:?}, {} nodes", start.elapsed(), graph.nodes.len());
    let theirs = reference.embed(&crop).unwrap();
    assert_eq!(ours.len(), theirs.len());
    let norm = theirs.iter().map(|x| x * x).sum::<f32>().sqrt();
    let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    println!("{}: relative error {}", path.display(), error / norm);
    assert!(error <= 1e-4 * norm, "{}: relative error {}", path.display(), error / norm);
}

#[test]
fn real_networks_lower_to_what_tract_computes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for path in [
        root.join("data/faceplugin/fr_feature.onnx"),
        root.join("../shared/models/mobilefacenet-relu6-128.onnx"),
    ] {
        lowered_equals_tract(&path);
    }
}
