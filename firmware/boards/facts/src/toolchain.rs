//! Finds a compiler for a board's programs on this machine, and builds them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Facts;

/// A `cargo` that compiles for a Rust target. It is rustup's if that has the target, otherwise the distribution's
/// together with its library sources. `None` if neither is installed.
pub fn cargo(target: &str) -> Option<Command> {
    let library = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    if let Ok(library) = library
        && Path::new(String::from_utf8_lossy(&library.stdout).trim()).is_dir()
    {
        return Some(Command::new("cargo"));
    }
    let sources = Path::new("/usr/lib/rustlib/src/rust/library");
    let distribution = ["/usr/bin/cargo", "/usr/bin/rustc"].iter().all(|tool| Path::new(tool).is_file());
    if !sources.is_dir() || !distribution {
        return None;
    }
    let mut path = OsString::from(linker_folder()?);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .arg("-Zbuild-std=core,alloc")
        .env("PATH", path)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTUP_TOOLCHAIN");
    Some(cargo)
}

impl Facts {
    /// The command that builds the board's firmware, or one of its examples such as `bench`, and the ELF file that it leaves.
    /// `root` is the folder of the repository. `None` if there is no compiler for the board.
    pub fn build(&self, root: &Path, example: Option<&str>) -> Option<(Command, PathBuf)> {
        // A folder for each: programs of several boards have one name.
        let target_folder = root.join("target/boards").join(&self.name);
        let release = target_folder.join(&self.target).join("release");
        let (what, elf) = match example {
            None => (["--bin", &self.name], release.join(&self.name)),
            Some(example) => (["--example", example], release.join("examples").join(example)),
        };
        let mut cargo = cargo(&self.target)?;
        cargo
            .current_dir(root.join("firmware/boards"))
            .args(["build", "--release", "--locked", "--package", &self.name, "--target", &self.target])
            .arg("--target-dir")
            .arg(&target_folder)
            .args(what)
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", self.encoded_rustflags());
        // The project's tests check the boards' crates as they are compiled.
        if let Some(wrapper) = std::env::var_os("GEODE_BOARDS_WRAPPER") {
            cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
        }
        Some((cargo, elf))
    }
}

/// Folder of the `rust-lld` that comes with rustup's toolchain.
fn linker_folder() -> Option<PathBuf> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(sysroot.stdout).ok()?;
    let targets = std::fs::read_dir(Path::new(sysroot.trim()).join("lib/rustlib")).ok()?;
    let folders = targets.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("rust-lld").is_file())
}
