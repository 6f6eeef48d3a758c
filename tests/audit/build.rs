//! Tells the tests whether boards can be built and run.

use std::process::Command;

use facts::{Facts, toolchain};

fn main() {
    println!("cargo:rustc-check-cfg=cfg(boards)");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GEODE_BOARDS");
    println!("cargo:rerun-if-env-changed=PATH");
    // If boards are required, their tests run and fail with the reason why boards do not run.
    if std::env::var("GEODE_BOARDS").is_ok_and(|value| value == "required") || boards_run() {
        println!("cargo:rustc-cfg=boards");
    } else {
        // A missing file counts as changed, so it is looked for at each build.
        println!("cargo:rerun-if-changed=no-boards-yet");
    }
}

fn boards_run() -> bool {
    let path = "../../firmware/boards/qemu-m7/board.toml";
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let facts = Facts::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    Command::new("qemu-system-arm").arg("--version").output().is_ok()
        && toolchain::cargo(&facts.target).is_some()
}
