//! The boards: where an image goes, how much memory there is, and how the firmware is built.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use facts::{Facts, Limits, Region};

use crate::budget::{Budget, Room};
use crate::containers::{Container, Wrapping};
use crate::shared::process_file;
use crate::{interrupt, output};

/// The facts of every board, from its own file. Another board is another line.
const FACTS: [&str; 8] = [
    include_str!("../../firmware/boards/qemu-m4/board.toml"),
    include_str!("../../firmware/boards/qemu-m7/board.toml"),
    include_str!("../../firmware/boards/qemu-m55/board.toml"),
    include_str!("../../firmware/boards/stm32h743/board.toml"),
    include_str!("../../firmware/boards/stm32h747-cm7/board.toml"),
    include_str!("../../firmware/boards/stm32n657/board.toml"),
    include_str!("../../firmware/boards/rp2350/board.toml"),
    include_str!("../../firmware/boards/pico2/board.toml"),
];

/// All boards.
pub static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| {
    let facts = FACTS.iter().map(|text| Facts::parse(text));
    facts
        .map(|facts| {
            Board::new(facts.unwrap_or_else(|error| panic!("a board.toml of this program: {error}")))
        })
        .collect()
});

/// A board: its facts, and how its firmware is built and, if it is emulated, run.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    facts: Facts,
    /// Whether the time of an emulated board counts instructions. Otherwise it is this computer's.
    is_counted: bool,
}

impl Deref for Board {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

/// Which flash an image lies in. A board looks in the internal one first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Flash of the microcontroller, behind the firmware.
    Internal,
    /// Memory-mapped flash outside the microcontroller.
    #[default]
    External,
}

/// What an emulated board's second UART is on this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    /// A character device that is there, such as a pseudo-terminal.
    Terminal(PathBuf),
    /// A Unix socket that is made there. Whoever connects to it is the controller.
    Socket(PathBuf),
}

impl Front {
    /// The device at this path, or a socket that is to be made there.
    ///
    /// # Errors
    /// When something else is there.
    pub fn at(path: &Path) -> Result<Self> {
        match kind(path) {
            Kind::Device => Ok(Front::Terminal(path.to_path_buf())),
            // QEMU takes the place of an old socket.
            Kind::Nothing | Kind::Socket => Ok(Front::Socket(path.to_path_buf())),
            Kind::Other => bail!(
                "{} is neither a terminal nor a socket; give a path at which nothing is, and connect to the socket there",
                path.display()
            ),
        }
    }

    /// QEMU's name for it.
    fn option(&self) -> String {
        // A comma ends an option's value; doubled it is a comma.
        let name = |path: &Path| path.display().to_string().replace(',', ",,");
        match self {
            Front::Terminal(path) => name(path),
            Front::Socket(path) => format!("unix:{},server=on,wait=off", name(path)),
        }
    }
}

/// What is at a path.
enum Kind {
    Nothing,
    Device,
    Socket,
    Other,
}

#[cfg(unix)]
fn kind(path: &Path) -> Kind {
    use std::os::unix::fs::FileTypeExt as _;
    match std::fs::metadata(path).map(|data| data.file_type()) {
        Err(_) => Kind::Nothing,
        Ok(kind) if kind.is_char_device() => Kind::Device,
        Ok(kind) if kind.is_socket() => Kind::Socket,
        Ok(_) => Kind::Other,
    }
}

#[cfg(not(unix))]
fn kind(path: &Path) -> Kind {
    if path.exists() { Kind::Other } else { Kind::Nothing }
}

/// The default board of commands.
pub const DEFAULT: &str = "qemu-m7";

/// The names of all boards.
pub fn names() -> Vec<&'static str> {
    BOARDS.iter().map(|board| &*board.name).collect()
}

/// All boards.
pub fn all() -> impl Iterator<Item = &'static Board> {
    BOARDS.iter()
}

/// The boards that QEMU emulates.
pub fn emulated() -> impl Iterator<Item = &'static Board> {
    BOARDS.iter().filter(|board| board.qemu_machine.is_some())
}

/// The names of the emulated boards.
pub fn emulated_names() -> Vec<&'static str> {
    emulated().map(|board| &*board.name).collect()
}

/// The names of the emulated boards that have memory for people.
pub fn with_store() -> Vec<&'static str> {
    emulated().filter(|board| board.memory.store.is_some()).map(|board| &*board.name).collect()
}

#[cfg(test)]
impl Board {
    /// A board that is not one of [`BOARDS`], from the text of its facts.
    pub(crate) fn made(text: &str) -> &'static Board {
        Box::leak(Box::new(Board::new(Facts::parse(text).unwrap())))
    }
}

impl Board {
    fn new(facts: Facts) -> Self {
        Board { facts, is_counted: true }
    }

    /// The same board with this computer's time. Its counts of instructions mean nothing; its results are the same.
    pub fn uncounted(&self) -> Self {
        Board { is_counted: false, ..self.clone() }
    }

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
    ///
    /// # Errors
    /// When the board does not have it.
    pub fn region(&self, memory: Memory) -> Result<Region> {
        match memory {
            Memory::Internal => self.memory.internal.with_context(|| {
                format!("the board {} has no internal flash for images; use the external one", self.name)
            }),
            Memory::External => Ok(self.memory.external),
        }
    }

    /// How an image for a memory goes into a container.
    ///
    /// # Errors
    /// As [`Self::region`].
    pub fn wrapping(&self, container: Container, memory: Memory) -> Result<Wrapping> {
        let family = self.chip.as_ref().and_then(|chip| chip.uf2_family);
        Ok(Wrapping { container, address: self.region(memory)?.address, family })
    }

    /// Size and limits of a memory for images. One that the board does not have holds nothing.
    pub fn budget(&self, memory: Memory) -> Budget {
        let Limits { layers, row_bytes } = self.limits;
        let bytes = self.region(memory).map_or(0, |region| region.bytes);
        // On a real board an image must fit a slot, whose last page is not its own. Emulated boards are for larger ones as well.
        let slot = self.memory.slots.filter(|_| self.chip.is_some() && memory == Memory::External);
        Budget {
            image_bytes: slot.map_or(bytes, |[slot, _]| slot.bytes.saturating_sub(facts::PAGE)),
            arena_bytes: self.arena_bytes,
            layers,
            row_bytes,
            frame_bytes: self.memory.frame.map_or(0, |region| region.bytes),
        }
    }

    /// Bytes of RAM that the stack has at least.
    pub fn stack_room(&self) -> u32 {
        // With statics of their own, only stack and arena are in this RAM.
        let room = match self.memory.statics {
            Some(_) => self.memory.ram.bytes.saturating_sub(self.arena_bytes),
            None => self.stack_bytes,
        };
        room.try_into().unwrap_or(u32::MAX)
    }

    /// [`Self::budget`], with the board's name.
    pub fn room(&self, memory: Memory) -> Room {
        Room { name: self.name.clone(), budget: self.budget(memory) }
    }

    /// Builds the firmware unless it is up to date; returns its ELF file.
    ///
    /// # Errors
    /// When the sources are gone, no compiler for the target is installed, or the build fails.
    pub fn build(&self) -> Result<PathBuf> {
        self.compile(None)
    }

    /// [`Self::build`] for one of the firmware's examples, such as `bench`.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_example(&self, example: &str) -> Result<PathBuf> {
        self.compile(Some(example))
    }

    fn compile(&self, example: Option<&str>) -> Result<PathBuf> {
        let root = source_root()?;
        let (mut cargo, elf) = self.facts.build(&root, example).with_context(|| {
            format!(
                "no Rust compiler for {} is installed; run ./setup.sh, or `rustup target add {}`",
                self.target, self.target
            )
        })?;
        let program = example.map_or("firmware".to_string(), |example| format!("program `{example}`"));
        let building = format!("building the {program} for {}", self.name);
        // Only the first build takes long enough for a word where there is no terminal.
        if !elf.exists() {
            output::step(&format!("{building}, which takes a minute the first time"));
        }
        let spinner = output::spinner(building);
        let built = interrupt::output(&mut cargo)
            .with_context(|| format!("cannot run {}", cargo.get_program().display()))?;
        spinner.finish_and_clear();
        if !built.status.success() {
            bail!(
                "the {program} for {} does not build:\n{}",
                self.name,
                String::from_utf8_lossy(&built.stderr)
            );
        }
        ensure!(elf.is_file(), "the build left no {}", elf.display());
        Ok(elf)
    }

    /// QEMU as this board with a program and, if given, an image; the board's UART is standard input and output.
    ///
    /// # Errors
    /// As [`Self::machine_name`].
    pub fn emulator(&self, elf: &Path, image: Option<(&Path, Memory)>) -> Result<Command> {
        self.emulator_with_ram(elf, image, None)
    }

    /// [`Self::emulator`] whose `qemu_ram` is kept in a file that has its size.
    ///
    /// # Errors
    /// As [`Self::machine_name`].
    pub fn emulator_with_ram(
        &self,
        elf: &Path,
        image: Option<(&Path, Memory)>,
        ram: Option<&Path>,
    ) -> Result<Command> {
        let mut qemu = self.machine(elf, image, ram)?;
        if self.is_counted {
            qemu.args(["-icount", "shift=0"]);
        }
        Ok(qemu)
    }

    /// QEMU as a device of this board, whose clock is this computer's; otherwise as [`Self::emulator_with_ram`]. The board's
    /// second UART is `front`, or leads nowhere. Its images are in `ram`, and its process's number is in
    /// [`process_file`] while it runs.
    ///
    /// # Errors
    /// As [`Self::machine_name`].
    pub fn device(&self, elf: &Path, ram: &Path, front: Option<&Front>) -> Result<Command> {
        let mut qemu = self.machine(elf, None, Some(ram))?;
        // The first `-serial` is the first UART's.
        qemu.arg("-serial").arg(front.map_or_else(|| "null".to_string(), Front::option));
        qemu.arg("-pidfile").arg(process_file(ram));
        Ok(qemu)
    }

    /// QEMU's name for the board.
    ///
    /// # Errors
    /// When the board is not emulated.
    pub fn machine_name(&self) -> Result<&str> {
        self.qemu_machine.as_deref().with_context(|| {
            format!(
                "the board {} is not emulated: flash it as the chapter \"STM32H743\" of the book says, and give its \
                 serial port with --port where a command has it; emulated boards are {}",
                self.name,
                emulated_names().join(", ")
            )
        })
    }

    fn machine(&self, elf: &Path, image: Option<(&Path, Memory)>, ram: Option<&Path>) -> Result<Command> {
        // A comma ends an option's value; doubled it is a comma.
        let name = |path: &Path| path.display().to_string().replace(',', ",,");
        let mut qemu = Command::new("qemu-system-arm");
        let mut machine = self.machine_name()?.to_string();
        if let (Some(ram), Some(region)) = (ram, self.qemu_ram) {
            let (bytes, ram) = (region.bytes, name(ram));
            machine.push_str(",memory-backend=ram");
            qemu.arg("-object")
                .arg(format!("memory-backend-file,id=ram,size={bytes},mem-path={ram},share=on"));
        }
        qemu.args(["-machine", &machine])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel"])
            .arg(elf);
        if let Some((image, memory)) = image {
            let image = name(image);
            let address = self.region(memory)?.address;
            qemu.arg("-device").arg(format!("loader,file={image},addr={address:#x},force-raw=on"));
        }
        Ok(qemu)
    }

    /// Runs one of the firmware's examples to its end, and gives what it printed.
    ///
    /// # Errors
    /// When it does not build, QEMU does not start, or it fails: with what it printed.
    pub fn run_example(&self, example: &str, image: Option<(&Path, Memory)>) -> Result<String> {
        self.machine_name()?;
        let mut qemu = self.emulator(&self.build_example(example)?, image)?;
        let output = interrupt::output(qemu.arg("-semihosting").stdin(Stdio::null()))
            .context("cannot start qemu-system-arm; run ./setup.sh, or install QEMU for ARM")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}{}", self.name, text.trim(), complaints.trim());
        Ok(text)
    }
}

/// Folder of the repository this program was built from.
fn source_root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().ok().filter(|root| root.join("firmware/boards").is_dir()).with_context(|| {
        format!("the firmware's sources are not at {} any more; build this program anew", root.display())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_folder_with_facts_is_a_board_and_every_board_is_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards");
        let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let described: BTreeSet<String> = folders
            .filter(|folder| folder.join("board.toml").is_file())
            .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_string())
            .collect();
        let boards: BTreeSet<String> = names().into_iter().map(String::from).collect();
        assert_eq!(boards, described);
    }

    #[test]
    fn second_uart_is_a_terminal_a_socket_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a,b");
        let socket = Front::at(&file).unwrap();
        assert!(socket.option().starts_with("unix:") && socket.option().ends_with("a,,b,server=on,wait=off"));
        std::fs::write(&file, "letter").unwrap();
        assert!(Front::at(&file).is_err());
        #[cfg(unix)]
        assert_eq!(Front::at(Path::new("/dev/null")).unwrap().option(), "/dev/null");
        let board = Board::named(DEFAULT).unwrap();
        let qemu = board.device(Path::new("e"), Path::new("r"), None).unwrap();
        let arguments: Vec<_> = qemu.get_args().collect();
        let serials = arguments.iter().zip(&arguments[1..]).filter(|(name, _)| **name == "-serial");
        assert_eq!(serials.map(|(_, value)| value.to_str().unwrap()).collect::<Vec<_>>(), ["stdio", "null"]);
    }

    #[test]
    fn board_that_is_not_emulated_says_so() {
        let board = Board::named("stm32h743").unwrap();
        let error = board.run_example("bench", None).unwrap_err().to_string();
        assert!(error.contains("the board stm32h743 is not emulated") && error.contains("--port"), "{error}");
        assert!(!emulated_names().contains(&"stm32h743") && !with_store().contains(&"stm32h743"));
    }

    #[test]
    fn memory_that_a_board_does_not_have_holds_nothing() {
        let mut board = Board::named(DEFAULT).unwrap().clone();
        assert!(board.budget(Memory::Internal).image_bytes > 0);
        board.facts.memory.internal = None;
        let error = board.region(Memory::Internal).unwrap_err().to_string();
        assert!(error.contains(DEFAULT) && error.contains("external"), "{error}");
        assert_eq!(board.budget(Memory::Internal).image_bytes, 0);
    }

    #[test]
    fn image_of_a_real_board_fits_a_slot() {
        for (name, bytes) in [("pico2", 0x1b_f000), ("rp2350", 0x37_f000), ("stm32h743", 0x3b_f000)] {
            assert_eq!(Board::named(name).unwrap().budget(Memory::External).image_bytes, bytes, "{name}");
        }
        let emulated = Board::named(DEFAULT).unwrap();
        assert_eq!(emulated.budget(Memory::External).image_bytes, emulated.memory.external.bytes);
    }

    #[test]
    fn images_lie_as_the_format_wants_it() {
        assert_eq!(facts::ALIGNMENT, format::ALIGNMENT);
    }

    #[test]
    fn unknown_board_is_answered_with_those_there_are() {
        let error = Board::named("toaster").unwrap_err().to_string();
        assert!(error.contains("toaster") && names().iter().all(|name| error.contains(name)), "{error}");
    }
}
