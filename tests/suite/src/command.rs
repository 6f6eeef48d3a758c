//! The program as users run it, in a folder of its own.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::{faces, onnx, program, write_faces};

/// Runs the program in a folder.
///
/// # Panics
/// When it does not start.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).current_dir(folder).output().unwrap()
}

/// Runs a command that must fail with exit code 1. Returns its message.
///
/// # Panics
/// When the command ends in another way.
pub fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains("error: "), "{said}");
    said
}

/// Runs a command that must be refused as wrong use, with exit code 2. Returns its message.
///
/// # Panics
/// When the command ends in another way.
pub fn is_wrong_use(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains("error: "), "{said}");
    said
}

/// Runs a command that must succeed. Returns its output.
///
/// # Panics
/// When the command ends in another way.
pub fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must succeed. Returns its warnings.
///
/// # Panics
/// When it fails.
pub fn warns(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    said
}

/// The arguments with the option that refuses to skip anything.
pub fn strict<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(["--strict"]).collect()
}

/// A folder with a small network, two people and strangers, 24 × 40 pixels.
///
/// # Panics
/// When it cannot be written.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("net.onnx"), onnx::pools()).unwrap();
    let faces = faces();
    write_faces(&at("people/Ada"), &faces[..1], [40, 24]);
    write_faces(&at("people/Grace"), &faces[2..4], [40, 24]);
    write_faces(&at("strangers"), &faces[4..24], [40, 24]);
    folder
}

/// Exports the network of [`folder`].
pub const EXPORT: [&str; 11] = [
    "export",
    "--aligned",
    "--allow-duplicates",
    "--model",
    "net.onnx",
    "--enrol",
    "people",
    "--cohort",
    "strangers",
    "-o",
    "image.geode",
];
