//! Tells the tests which parts of the larger test data lie beside the repository, and whether emulated boards can be built
//! and run. Tests are ignored if the parts that they need are missing.

use std::path::Path;
use std::process::Command;

use facts::{Facts, toolchain};

/// Parts of the larger test data, and where they lie in it.
const PARTS: [(&str, &str); 8] = [
    ("lfw", "faces/lfw"),
    ("raw", "faces/raw"),
    ("nonface", "faces/nonface"),
    ("relu6", "models/mobilefacenet-relu6-128.onnx"),
    ("yunet", "models/yunet-dyn.onnx"),
    ("yunet_320", "models/yunet-320.onnx"),
    ("minifasnet", "models/minifasnet-v2-80.onnx"),
    ("field", "field/nets"),
];

fn main() {
    println!("cargo:rustc-check-cfg=cfg(boards, onnxruntime)");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GEODE_BOARDS");
    println!("cargo:rerun-if-env-changed=PATH");
    for (name, place) in PARTS {
        println!("cargo:rustc-check-cfg=cfg({name})");
        println!("cargo:rerun-if-changed=../../../shared/{place}");
        if Path::new("../../../shared").join(place).exists() {
            println!("cargo:rustc-cfg={name}");
        } else {
            // A missing file counts as changed, so the part is looked for at each build. When it comes, it may be older than this
            // build, and not count as changed itself.
            println!("cargo:rerun-if-changed=no-{name}-yet");
        }
    }
    if onnx_runs() {
        println!("cargo:rustc-cfg=onnxruntime");
        println!("cargo:rerun-if-changed=../../data/python");
    } else {
        println!("cargo:rerun-if-changed=no-onnxruntime-yet");
    }
    // If boards are required, their tests run and fail with the reason why boards do not run.
    if std::env::var("GEODE_BOARDS").is_ok_and(|value| value == "required") || boards_run() {
        println!("cargo:rustc-cfg=boards");
    } else {
        // A missing file counts as changed, so it is looked for at each build.
        println!("cargo:rerun-if-changed=no-boards-yet");
    }
}

fn onnx_runs() -> bool {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", "../../data/python").args(["-c", "import onnx, onnxruntime.quantization"]);
    python.output().is_ok_and(|output| output.status.success())
}

fn boards_run() -> bool {
    let has_emulator = Command::new("qemu-system-arm").arg("--version").output().is_ok();
    has_emulator
        && ["qemu-m4", "qemu-m7", "qemu-m55"].iter().all(|board| {
            let path = format!("../../firmware/boards/{board}/board.toml");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let facts = Facts::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            toolchain::cargo(&facts.target).is_some()
        })
}
