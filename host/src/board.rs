//! The boards: where an image goes, how much memory there is, and how the firmware is built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::budget::Budget;
use crate::output;

/// A board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Board {
    /// Name, also of its package in `firmware/boards`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Rust target.
    pub target: &'static str,
    /// QEMU machine that runs it.
    pub machine: &'static str,
    /// Clock of usual parts with this core, MHz.
    pub clock_mhz: f64,
    /// The part of internal flash that an image may fill; firmware is below.
    pub internal: Region,
    /// Memory-mapped external flash.
    pub external: Region,
    /// Bytes of arena the firmware sets aside.
    pub arena_bytes: usize,
}

/// Memory that an image is read from in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it starts.
    pub address: u32,
    /// How long it is.
    pub bytes: usize,
}

impl Region {
    const fn new(address: u32, mebibytes: usize) -> Region {
        Region { address, bytes: mebibytes << 20 }
    }
}

/// Which flash an image lies in. A board looks in the internal one first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Flash of the microcontroller, behind the firmware.
    Internal,
    /// Flash beside it, memory-mapped.
    #[default]
    External,
}

/// All boards.
pub const BOARDS: [Board; 3] = [
    Board {
        name: "qemu-m4",
        about: "Cortex-M4, QEMU mps2-an386",
        target: "thumbv7em-none-eabihf",
        machine: "mps2-an386",
        clock_mhz: 168.0,
        internal: Region::new(0x0010_0000, 3),
        external: Region::new(0x2100_0000, 16),
        arena_bytes: 1 << 20,
    },
    Board {
        name: "qemu-m7",
        about: "Cortex-M7, QEMU mps2-an500",
        target: "thumbv7em-none-eabihf",
        machine: "mps2-an500",
        clock_mhz: 480.0,
        internal: Region::new(0x0010_0000, 3),
        external: Region::new(0x6000_0000, 16),
        arena_bytes: 1 << 20,
    },
    Board {
        name: "qemu-m55",
        about: "Cortex-M55 with Helium, QEMU mps3-an547",
        target: "thumbv8m.main-none-eabihf",
        machine: "mps3-an547",
        clock_mhz: 400.0,
        internal: Region::new(0x0100_0000, 2),
        external: Region::new(0x6000_0000, 16),
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

    /// A memory for images.
    pub fn region(&self, memory: Memory) -> Region {
        match memory {
            Memory::Internal => self.internal,
            Memory::External => self.external,
        }
    }

    /// What it has room for.
    pub fn budget(&self, memory: Memory) -> Budget {
        Budget { image_bytes: self.region(memory).bytes, arena_bytes: self.arena_bytes }
    }

    /// Builds the firmware, or finds it built; gives its ELF file.
    ///
    /// # Errors
    /// When the sources are gone, no compiler for the target is installed, or the build fails.
    pub fn build(&self) -> Result<PathBuf> {
        self.compile(&["--bin", self.name], self.name)
    }

    /// [`Self::build`] for one of the firmware's examples, such as `bench`.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_example(&self, example: &str) -> Result<PathBuf> {
        self.compile(&["--example", example], &format!("examples/{example}"))
    }

    fn compile(&self, what: &[&str], file: &str) -> Result<PathBuf> {
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
            .args(what)
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
        let elf = target_folder.join(self.target).join("release").join(file);
        ensure!(elf.is_file(), "the build left no {}", elf.display());
        Ok(elf)
    }

    /// QEMU as this board with a program and, if given, an image; the board's UART is standard input and output.
    pub fn emulator(&self, elf: &Path, image: Option<(&Path, Memory)>) -> Command {
        let mut qemu = Command::new("qemu-system-arm");
        qemu.args(["-machine", self.machine, "-icount", "shift=0"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel"])
            .arg(elf);
        if let Some((image, memory)) = image {
            // A comma ends an option's value; doubled it is a comma.
            let image = image.display().to_string().replace(',', ",,");
            let address = self.region(memory).address;
            qemu.arg("-device").arg(format!("loader,file={image},addr={address:#x},force-raw=on"));
        }
        qemu
    }

    /// Runs one of the firmware's examples to its end, and gives what it printed.
    ///
    /// # Errors
    /// When it does not build, QEMU does not start, or it fails: with what it printed.
    pub fn run_example(&self, example: &str, image: Option<(&Path, Memory)>) -> Result<String> {
        let program = self.build_example(example)?;
        let output = self
            .emulator(&program, image)
            .arg("-semihosting")
            .stdin(Stdio::null())
            .output()
            .context("cannot start qemu-system-arm; run ./setup.sh, or install QEMU for ARM")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}{}", self.name, text.trim(), complaints.trim());
        Ok(text)
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
