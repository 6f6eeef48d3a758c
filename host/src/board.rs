//! The boards: where an image goes, how much memory there is, and how the firmware is built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::output;

/// A board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// Name, also of its package in `firmware/boards`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Rust target.
    pub target: &'static str,
    /// QEMU machine that runs it.
    pub machine: &'static str,
    /// Address of the image.
    pub image_address: u32,
    /// Bytes an image may have.
    pub image_bytes: usize,
    /// Bytes of arena the firmware sets aside.
    pub arena_bytes: usize,
}

/// All boards.
pub const BOARDS: [Board; 3] = [
    Board {
        name: "qemu-m4",
        about: "Cortex-M4, QEMU mps2-an386",
        target: "thumbv7em-none-eabihf",
        machine: "mps2-an386",
        image_address: 0x2100_0000,
        image_bytes: 16 << 20,
        arena_bytes: 1 << 20,
    },
    Board {
        name: "qemu-m7",
        about: "Cortex-M7, QEMU mps2-an500",
        target: "thumbv7em-none-eabihf",
        machine: "mps2-an500",
        image_address: 0x6000_0000,
        image_bytes: 16 << 20,
        arena_bytes: 1 << 20,
    },
    Board {
        name: "qemu-m55",
        about: "Cortex-M55 with Helium, QEMU mps3-an547",
        target: "thumbv8m.main-none-eabihf",
        machine: "mps3-an547",
        image_address: 0x6000_0000,
        image_bytes: 16 << 20,
        arena_bytes: 1 << 20,
    },
];

impl Board {
    /// The board of this name.
    ///
    /// # Errors
    /// Names the boards there are.
    pub fn named(name: &str) -> Result<&'static Board> {
        BOARDS.iter().find(|board| board.name == name).with_context(|| {
            let names: Vec<String> = BOARDS.iter().map(|b| format!("{} ({})", b.name, b.about)).collect();
            format!("no board is called {name}; there are {}", names.join(", "))
        })
    }

    /// Refuses what does not fit.
    ///
    /// # Errors
    /// Names what is too large, and by how much.
    pub fn fits(&self, image_bytes: usize, arena_bytes: usize) -> Result<()> {
        ensure!(
            image_bytes <= self.image_bytes,
            "the image has {image_bytes} bytes, {} has room for {}",
            self.name,
            self.image_bytes
        );
        ensure!(
            arena_bytes <= self.arena_bytes,
            "the network needs {arena_bytes} bytes of arena, {} has {}",
            self.name,
            self.arena_bytes
        );
        Ok(())
    }

    /// Builds the firmware, or finds it built; gives its ELF file.
    ///
    /// # Errors
    /// When the sources are gone, no compiler for the target is installed, or the build fails.
    pub fn build(&self) -> Result<PathBuf> {
        let root = source_root()?;
        let package = root.join("firmware/boards").join(self.name);
        let target_folder = root.join("target/boards").join(self.name);
        let mut cargo = self.compiler()?;
        let spinner =
            output::spinner(format!("building the firmware for {} (first time: a minute)", self.name));
        let built = cargo
            .current_dir(&package)
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(&target_folder)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .with_context(|| format!("cannot run {}", cargo.get_program().display()))?;
        spinner.finish_and_clear();
        if !built.status.success() {
            bail!(
                "the firmware for {} does not build:\n{}",
                self.name,
                String::from_utf8_lossy(&built.stderr)
            );
        }
        let elf = target_folder.join(self.target).join("release").join(self.name);
        ensure!(elf.is_file(), "the build left no {}", elf.display());
        Ok(elf)
    }

    /// Whether [`Self::build`] has a compiler to use.
    pub fn can_build(&self) -> bool {
        self.compiler().is_ok()
    }

    /// A `cargo` that compiles for the target: rustup's where the target is installed, else the distribution's with its
    /// library sources.
    fn compiler(&self) -> Result<Command> {
        let library =
            Command::new("rustc").args(["--print", "target-libdir", "--target", self.target]).output();
        if let Ok(library) = library
            && Path::new(String::from_utf8_lossy(&library.stdout).trim()).is_dir()
        {
            return Ok(Command::new("cargo"));
        }
        let sources = Path::new("/usr/lib/rustlib/src/rust/library");
        let distribution = ["/usr/bin/cargo", "/usr/bin/rustc"].iter().all(|tool| Path::new(tool).is_file());
        let linker = linker_folder();
        let (true, true, Some(linker)) = (sources.is_dir(), distribution, linker) else {
            bail!(
                "no Rust compiler for {} is installed; run ./setup.sh, or `rustup target add {}`",
                self.target,
                self.target
            );
        };
        let mut path = OsString::from(linker);
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut cargo = Command::new("/usr/bin/cargo");
        cargo
            .arg("-Zbuild-std=core,alloc")
            .env("PATH", path)
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env_remove("RUSTUP_TOOLCHAIN");
        Ok(cargo)
    }
}

/// Folder of the repository this program was built from.
fn source_root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().ok().filter(|root| root.join("firmware/boards").is_dir()).with_context(|| {
        format!("the firmware's sources are not at {} any more; build this program anew", root.display())
    })
}

/// Folder of the `rust-lld` that comes with rustup's toolchain.
fn linker_folder() -> Option<PathBuf> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(sysroot.stdout).ok()?;
    let targets = std::fs::read_dir(Path::new(sysroot.trim()).join("lib/rustlib")).ok()?;
    let folders = targets.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("rust-lld").is_file())
}
