//! Networks as users have them, in the forms of the exporters that wrote them (tests/zoo/zoo.py). Import computes the
//! same as ONNX Runtime. Networks that ONNX Runtime's int8 keeps accurate stay accurate here, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use format::Role;
use format::network::Model;
use format::preprocess::{Colour, Preprocess};
use host::agreement::Agreement;
use host::embedding::{unit, unit_of_i16};
use host::onnx::{Cut, Imported, import};
use host::quantize::{Options, Preprocessing, quantise};
use host::simulator::{AlignedBytes, Simulator};
use host::{float, passes, sections};
use serde::Deserialize;

/// Least cosine between the imported float network and ONNX Runtime's.
const LEAST_PARITY: f32 = 0.9999;
/// Least mean cosine at which ONNX Runtime's int8 keeps a network accurate.
const CARRIED: f32 = 0.98;

#[derive(Deserialize)]
struct Index {
    side: usize,
    photos: usize,
    seen: usize,
    networks: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    kind: String,
    exporter: String,
    /// Mean cosine of ONNX Runtime's int8 network to its float one.
    int8: Option<f32>,
}

struct Zoo {
    folder: PathBuf,
    index: Index,
    /// In the network's own units, `[h][w][c]`.
    judged: Vec<Vec<f32>>,
    seen: Vec<Vec<f32>>,
}

fn floats(path: &Path) -> Vec<f32> {
    std::fs::read(path)
        .unwrap()
        .chunks_exact(4)
        .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// The zoo, written once.
fn zoo() -> &'static Zoo {
    static ZOO: OnceLock<Zoo> = OnceLock::new();
    ZOO.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("zoo");
        let script = suite::root().join("tests/zoo/zoo.py");
        let status = Command::new("python3")
            .env("PYTHONPATH", suite::root().join("data/python"))
            .args([&script, &folder])
            .status()
            .unwrap();
        assert!(status.success(), "{} failed", script.display());
        let index: Index =
            serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
        let photo = 3 * index.side * index.side;
        let photos =
            |name: &str| floats(&folder.join(name)).chunks_exact(photo).map(<[f32]>::to_vec).collect();
        let (judged, seen): (Vec<_>, Vec<_>) = (photos("photos.judged"), photos("photos.seen"));
        assert_eq!([judged.len(), seen.len()], [index.photos, index.seen]);
        Zoo { judged, seen, index, folder }
    })
}

impl Zoo {
    /// The network, or the reason why it was refused.
    fn imported(&self, entry: &Entry) -> Result<Imported, String> {
        import(&self.folder.join(format!("{}.onnx", entry.name)), &Cut::default())
            .map_err(|error| format!("{}: {error:#}", entry.name))
    }

    /// ONNX Runtime's embeddings, of unit length.
    fn reference(&self, entry: &Entry) -> Vec<Vec<f32>> {
        let values = floats(&self.folder.join(format!("{}.output", entry.name)));
        values.chunks_exact(values.len() / self.index.photos).map(unit).collect()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
#[cfg_attr(not(onnxruntime), ignore = "needs Python's onnx and onnxruntime: run ./setup.sh --tests")]
fn whatever_exporter_wrote_a_network_import_computes_what_onnx_runtime_does() {
    let zoo = zoo();
    let mut table: BTreeMap<&str, Vec<(&str, f32)>> = BTreeMap::new();
    let mut refused = Vec::new();
    for entry in &zoo.index.networks {
        let graph = match zoo.imported(entry) {
            Ok(imported) => passes::lower(imported.graph),
            Err(why) => {
                refused.push(why);
                continue;
            }
        };
        let embeddings =
            zoo.judged.iter().map(|photo| unit(&float::run(&graph, photo)[graph.outputs[0].node].clone()));
        let pairs = embeddings.zip(zoo.reference(entry));
        let least = pairs.map(|(ours, theirs)| cosine(&ours, &theirs)).fold(1.0, f32::min);
        table.entry(&entry.kind).or_default().push((&entry.exporter, least));
    }
    for (kind, row) in &table {
        let cells: Vec<String> =
            row.iter().map(|(exporter, least)| format!("{exporter} {least:.6}")).collect();
        println!("{kind:14} {}", cells.join(", "));
    }
    assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));
    let worst = table.values().flatten().map(|(_, least)| *least).fold(1.0, f32::min);
    assert!(worst >= LEAST_PARITY, "{worst}: see the table above");
}

/// A photo's bytes: each is the nearest of 256 steps between −1 and 1.
fn bytes(photo: &[f32]) -> Vec<u8> {
    photo.iter().map(|value| ((value * 128.0) + 127.5).round().clamp(0.0, 255.0) as u8).collect()
}

#[test]
#[cfg_attr(not(onnxruntime), ignore = "needs Python's onnx and onnxruntime: run ./setup.sh --tests")]
fn what_onnx_runtimes_int8_carries_is_carried_here() {
    let zoo = zoo();
    let preprocessing = Preprocessing { mean: 127.5, scale: 128.0 };
    let [judged, seen] =
        [&zoo.judged, &zoo.seen].map(|photos| photos.iter().map(|photo| bytes(photo)).collect::<Vec<_>>());
    let mut refused = Vec::new();
    for entry in &zoo.index.networks {
        let Some(theirs) = entry.int8 else { continue };
        let imported = match zoo.imported(entry) {
            Ok(imported) => imported,
            Err(why) => {
                refused.push(why);
                continue;
            }
        };
        let graph = passes::lower(imported.graph);
        let quantised = quantise(&graph, preprocessing, &seen, &Options::default(), |_| {});
        let side = zoo.index.side as u16;
        let input = Preprocess {
            height: side,
            width: side,
            colour: Colour::Rgb,
            mean: preprocessing.mean,
            scale: preprocessing.scale,
            template: [[64; 2]; 5],
        };
        let (section, _) = sections::quantised_network("zoo", imported.sha256, &input, &quantised).unwrap();
        let section = AlignedBytes::copy(&section);
        let simulator =
            Simulator::new(&Model::new_checked(Role::Embedder, section.bytes()).unwrap()).unwrap();
        let ours: Vec<_> = judged.iter().map(|photo| unit_of_i16(&simulator.embed(photo).unwrap())).collect();
        let agreement = Agreement::of(&zoo.reference(entry), &ours).unwrap();
        println!("{:14} int8: ONNX Runtime {theirs:.4}, Geode {:.4}", entry.kind, agreement.mean_cosine);
        if theirs >= CARRIED && agreement.mean_cosine < CARRIED {
            refused.push(entry.kind.clone());
        }
    }
    assert_eq!(refused, [""; 0], "see the table above");
}

#[test]
fn packages_that_import_is_compared_with_are_installed_by_their_checksums_alone() {
    let read = |path: &str| std::fs::read_to_string(suite::root().join(path)).unwrap();
    let list = read("tests/zoo/requirements.txt").replace("\\\n", "");
    let packages: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    for package in &packages {
        let mut words = package.split_whitespace();
        assert!(words.next().is_some_and(|name| name.contains("==")), "{package}");
        let sums: Vec<&str> = words.map(|word| word.strip_prefix("--hash=sha256:").unwrap()).collect();
        assert!(!sums.is_empty() && sums.iter().all(|sum| sum.len() == 64), "{package}");
    }
    for needed in ["onnx", "onnxruntime", "numpy"] {
        assert!(packages.iter().any(|package| package.starts_with(&format!("{needed}=="))), "{needed}");
    }
    let setup = read("setup.sh").replace("\\\n", "");
    let installs: Vec<&str> = setup.lines().filter(|line| line.contains("pip install ")).collect();
    assert!(!installs.is_empty());
    for install in installs {
        assert!(install.contains("--require-hashes --requirement tests/zoo/requirements.txt"), "{install}");
    }
}
