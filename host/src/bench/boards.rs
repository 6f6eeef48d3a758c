//! Instructions, memory and code on an emulated board.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use app::pattern::{Pattern, check};
use app::pictures;
use format::network::Model;
use format::{align_up, header};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use serde::{Deserialize, Serialize};

use crate::board::{Board, Memory};
use crate::interrupt::TemporaryFolder;
use crate::output;
use crate::simulator::{AlignedBytes, Simulator};

/// The cost of an image on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Board.
    pub board: String,
    /// Instructions of each layer.
    pub layers: Vec<u64>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Instructions of an embedding.
    pub instructions: u64,
    /// Bytes of arena.
    pub arena_bytes: u64,
    /// Most bytes of stack in use.
    pub stack_bytes: u64,
    /// Bytes of memory that the checked image, its network and its matcher take.
    pub recogniser_bytes: u64,
    /// Instructions from reset until the recogniser is ready.
    pub start: Start,
    /// Instructions of matching.
    pub matching: Matching,
    /// Cost of every network of the image, for a pattern of pixels.
    pub networks: Vec<NetworkCost>,
    /// A checksum of each picture's embedding ([`app::pattern::check_elements`]), if pictures were given.
    #[serde(skip)]
    pub pictures: Vec<u32>,
}

/// The cost of a network, and checksums of its outputs for the pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkCost {
    /// Its role.
    pub role: String,
    /// Instructions.
    pub instructions: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// A checksum of each output's bytes ([`app::pattern::check`]).
    pub outputs: Vec<u32>,
}

/// The simulator's outputs for the pattern: a checksum of each output's bytes.
///
/// # Errors
/// As [`Simulator::new`].
pub fn simulated(model: &Model<'_>) -> Result<Vec<u32>> {
    let simulator = Simulator::new(model)?;
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    let outputs = simulator.network().run(&mut Pattern::new(1), arena.bytes_mut());
    let outputs = outputs.map_err(|error| anyhow!("{error}"))?;
    Ok((0..outputs.count()).map(|number| check(outputs.bytes(number))).collect())
}

/// Instructions of start-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// All instructions.
    pub instructions: u64,
    /// Instructions of the header's and all sections' digests.
    pub digests: u64,
    /// Instructions of the checks of records and centres.
    pub checks: u64,
    /// Instructions of the rest: the check of the network's plan.
    pub network: u64,
}

/// Instructions to match one probe with everybody enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matching {
    /// People enrolled.
    pub people: u64,
    /// To decide without a cohort.
    pub decide: u64,
    /// To decide with the image's cohort.
    pub decide_with_cohort: u64,
    /// To decide on a probe that is accepted and then certified: the largest of several counts, or `None` if no probe
    /// was certified.
    pub certify: Option<u64>,
    /// To compute the confidence of a decision.
    pub confidence: u64,
    /// To compute everything that is shown of a decision: names, angles and the confidence.
    pub show: u64,
}

impl Cost {
    /// Instructions for each multiply-accumulate, over the whole network.
    pub fn instructions_per_mac(&self) -> f64 {
        self.instructions as f64 / self.macs.max(1) as f64
    }
}

/// Runs the image's network once on a board and counts.
///
/// # Errors
/// When the board's program does not build, QEMU does not run, or the program refuses the image.
pub fn run(board: &Board, image: &Path) -> Result<Cost> {
    run_in(board, image, Memory::External)
}

fn run_in(board: &Board, image: &Path, memory: Memory) -> Result<Cost> {
    let text = board.run_example("bench", Some((image, memory)))?;
    parse(&board.name, &text).with_context(|| format!("{}: its program printed {text:?}", board.name))
}

/// [`run`] from one of the board's memories, in which pictures follow the image, `[h][w][c]` bytes each in the network's colour order.
/// They need no link, over which pixels of a photo take longer than its network.
///
/// # Errors
/// As [`run`], when the image cannot be read, when a picture has another size than the network's input, when all of it is larger
/// than the memory, and when the board embedded another number of pictures.
pub fn run_with_pictures(board: &Board, image: &Path, memory: Memory, pictures: &[Vec<u8>]) -> Result<Cost> {
    let bytes = AlignedBytes::read(image)?;
    let picture_bytes = bytes.image(image)?.embedder.preprocess().crop_bytes();
    ensure!(
        pictures.iter().all(|picture| picture.len() == picture_bytes),
        "{}: its network takes pictures of {picture_bytes} bytes",
        image.display()
    );
    let bytes = followed_by(bytes.bytes(), pictures);
    let (needed, room) = (bytes.len(), board.region(memory)?.bytes);
    ensure!(needed <= room, "{}: image and pictures are {needed} bytes, its memory has {room}", board.name);
    let folder = TemporaryFolder::new()?;
    let with_pictures = folder.path().join("pictures.geode");
    output::write_whole(&with_pictures, &bytes)?;
    let cost = run_in(board, &with_pictures, memory)?;
    let (given, embedded) = (pictures.len(), cost.pictures.len());
    ensure!(embedded == given, "{}: {embedded} of {given} pictures were embedded", board.name);
    Ok(cost)
}

/// An image and the pictures behind it ([`app::pictures`]). Bytes after the image's own length are left out.
///
/// # Panics
/// When the image was not checked.
fn followed_by(image: &[u8], crops: &[Vec<u8>]) -> Vec<u8> {
    let length = header::image_bytes(image).expect("the image was checked");
    let mut bytes = image[..length].to_vec();
    bytes.resize(align_up(length).expect("an image is far smaller than memory"), 0);
    bytes.extend(pictures::head(crops.len() as u32));
    bytes.extend(crops.iter().flatten());
    bytes
}

/// Parses the output of the board's program: a line for each layer, then a line for each total.
fn parse(board: &str, text: &str) -> Result<Cost> {
    let mut layers = Vec::new();
    let mut totals = BTreeMap::new();
    let (mut networks, mut pictures) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words {
            [index, .., count] if index.parse() == Ok(layers.len()) => layers.push(count.parse()?),
            ["network", role, instructions, macs] => {
                let (instructions, macs) = (instructions.parse()?, macs.parse()?);
                networks.push(NetworkCost { role: role.into(), instructions, macs, outputs: Vec::new() });
            }
            ["output", .., check] => {
                let network = networks.last_mut().context("an output before a network")?;
                network.outputs.push(u32::from_str_radix(check, 16)?);
            }
            ["picture", number, check] if number.parse() == Ok(pictures.len()) => {
                pictures.push(u32::from_str_radix(check, 16)?);
            }
            [name, value] => {
                totals.insert(name, value);
            }
            ["Ok(())"] => {}
            _ => bail!("the line {line:?} is not understood"),
        }
    }
    ensure!(!layers.is_empty(), "there are no layers");
    let total = |name: &str| -> Result<u64> {
        Ok(totals.get(name).with_context(|| format!("{name} is missing"))?.parse()?)
    };
    ensure!(!networks.is_empty(), "there are no networks");
    Ok(Cost {
        board: board.to_string(),
        layers,
        networks,
        pictures,
        macs: total("macs")?,
        instructions: total("instructions")?,
        arena_bytes: total("arena_bytes")?,
        stack_bytes: total("stack_bytes")?,
        recogniser_bytes: total("recogniser_bytes")?,
        start: Start {
            instructions: total("start_instructions")?,
            digests: total("start_digest_instructions")?,
            checks: total("start_check_instructions")?,
            network: total("start_network_instructions")?,
        },
        matching: Matching {
            people: total("people")?,
            decide: total("match_instructions")?,
            decide_with_cohort: total("match_with_cohort_instructions")?,
            certify: Some(total("match_certified_instructions")?).filter(|&count| count > 0),
            confidence: total("confidence_instructions")?,
            show: total("show_instructions")?,
        },
    })
}

/// Bytes of a board's firmware.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// Board.
    pub board: String,
    /// Code of the runtime: the symbols of network, matcher, vision and face. Code that the compiler inlined into other crates'
    /// functions is not counted; for this reason the larger functions that other crates call are not inlined.
    pub runtime_bytes: u64,
    /// All code and constants, with the link, the image's checks and digests.
    pub firmware_bytes: u64,
}

/// Measures a board's firmware.
///
/// # Errors
/// When it does not build or its ELF file cannot be read.
pub fn code(board: &Board) -> Result<Code> {
    with_elf(board, |elf| Code {
        board: board.name.to_string(),
        runtime_bytes: function_bytes(elf, |path| is_in(path, &["nn", "matcher", "vision", "face"])),
        firmware_bytes: elf
            .sections()
            .filter(|section| {
                let is_constant =
                    section.kind() == SectionKind::Data && section.name() == Ok(".vector_table");
                matches!(section.kind(), SectionKind::Text | SectionKind::ReadOnlyData) || is_constant
            })
            .map(|section| section.size())
            .sum(),
    })
}

/// Bytes of the functions of a board's firmware for networks and matching: all of them, and those of them in these modules or
/// functions, such as `concat`.
///
/// # Errors
/// As [`code`].
pub fn engine_bytes(board: &Board, modules: &[&str]) -> Result<[u64; 2]> {
    // By the crate that defines a function: the rows that `vision` gives to `nn` are of `vision`.
    let is_engine = |path: &str| {
        let path = path.trim_start_matches(['<', '&']);
        path.starts_with("nn::") || path.starts_with("matcher::")
    };
    with_elf(board, |elf| {
        [
            function_bytes(elf, is_engine),
            function_bytes(elf, |path| is_engine(path) && is_in(&format!("{path}::"), modules)),
        ]
    })
}

fn with_elf<T>(board: &Board, of: impl FnOnce(&object::File<'_>) -> T) -> Result<T> {
    let path = board.build()?;
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let elf =
        object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    Ok(of(&elf))
}

/// Bytes of the functions with such paths.
fn function_bytes(elf: &object::File<'_>, is_meant: impl Fn(&str) -> bool) -> u64 {
    elf.symbols()
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text)
        .filter(|symbol| {
            symbol.name().is_ok_and(|name| is_meant(&format!("{:#}", rustc_demangle::demangle(name))))
        })
        .map(|symbol| symbol.size())
        .sum()
}

/// Whether a path leads through one of these crates or modules.
fn is_in(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| {
        path.match_indices(&format!("{module}::"))
            .any(|(at, _)| !path[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "  0 input     2x2x1 0 120\n  1 conv      1x1x3 12 480\nmacs 12\ninstructions 640\n\
                        arena_bytes 64\nstack_bytes 9000\nrecogniser_bytes 500\nstart_instructions 900\n\
                        start_digest_instructions 700\nstart_check_instructions 150\nstart_network_instructions 50\n\
                        people 2\nmatch_instructions 320\nmatch_with_cohort_instructions 360\n\
                        match_certified_instructions 600\nconfidence_instructions 330\nshow_instructions 400\n\
                        embedding -7\nnetwork embedder 630 12\noutput embedder 0 0000002a\n\
                        picture 0 0000002b\nOk(())\n";

    #[test]
    fn what_the_board_prints_is_read() {
        let cost = parse("b", TEXT).unwrap();
        assert!((cost.instructions_per_mac() - 640.0 / 12.0).abs() < 1e-9);
        assert_eq!((&*cost.layers, cost.instructions, cost.recogniser_bytes), (&[120, 480][..], 640, 500));
        assert_eq!(cost.start, Start { instructions: 900, digests: 700, checks: 150, network: 50 });
        let certify = Some(600);
        let matching =
            Matching { people: 2, decide: 320, decide_with_cohort: 360, certify, confidence: 330, show: 400 };
        assert_eq!(cost.matching, matching);
        let none = TEXT.replace("match_certified_instructions 600", "match_certified_instructions 0");
        assert_eq!(parse("b", &none).unwrap().matching.certify, None);
        let embedder =
            NetworkCost { role: "embedder".into(), instructions: 630, macs: 12, outputs: vec![42] };
        assert_eq!((cost.networks, cost.pictures), (vec![embedder], vec![43]));
    }

    #[test]
    fn board_finds_the_pictures_behind_an_image_of_any_length() {
        let crops = [vec![1, 2, 3], vec![4, 5, 6]];
        for length in [64u32, 65, 79] {
            // Of an image, only the mark and the length matter here.
            let mut image = vec![0xa5; length as usize];
            image[..4].copy_from_slice(&header::MAGIC);
            image[8..12].copy_from_slice(&length.to_le_bytes());
            for more in [0, 1, 40] {
                image.resize(length as usize + more, 0xff);
                let memory = followed_by(&image, &crops);
                assert_eq!(memory[..length as usize], image[..length as usize]);
                let found = pictures::behind_image(&memory, 3);
                assert!(found.eq(crops.iter().map(|crop| &**crop)), "{length} bytes and {more} more");
            }
        }
    }

    #[test]
    fn output_that_lacks_something_is_refused() {
        let error = |text: &str| format!("{:#}", parse("b", text).unwrap_err());
        assert!(error(&TEXT.replace("stack_bytes 9000\n", "")).contains("stack_bytes is missing"));
        assert!(error("failed: Start(Image(Magic)) no\n").contains("not understood"));
        assert!(error(&TEXT.replace("picture 0", "picture 1")).contains("not understood"));
        assert!(error("macs 1\n").contains("no layers"));
    }
}
