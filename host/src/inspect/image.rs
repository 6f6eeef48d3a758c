//! What a flash image needs on a board: memory of all its networks and of a frame, and the time of each step from a
//! frame to an embedding.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use app::door::enrol::MOST_CENTRES;
use app::update::verify::signed_version;
use facts::{PAGE, StoreFlash};
use format::header;
use format::layer::Layer;
use format::network::Model;
use format::{Image, Role};
use nn::op::{self, Inputs};
use serde::Serialize;
use store::Layout;

use super::firmware_bytes;
use super::map::{MemoryMap, UsedMemory, memories};
use crate::board::{Board, Memory};
use crate::budget::{Excess, frame_bytes, frame_is_colour};
use crate::containers;
use crate::cost::{Core, Estimate, Work};
use crate::secret::hex;
use crate::sight::frames::FRAME;
use crate::simulator::AlignedBytes;
use crate::sizes::Sizes;

/// An image's needs.
#[derive(Clone, Debug, Serialize)]
pub struct ImageInspection {
    /// Bytes of the image.
    pub image_bytes: usize,
    /// Its signature, if it is signed.
    pub signature: Option<SignatureRow>,
    /// Its networks, in the order in which they run.
    pub networks: Vec<NetworkRow>,
    /// Bytes of the arena that all networks share: that of the largest.
    pub arena_bytes: usize,
    /// A camera's frame; `None` if the image has no eyes.
    pub frame: Option<FrameNeeds>,
    /// Estimates for boards.
    pub boards: Vec<ImageOnBoard>,
}

/// A signature of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignatureRow {
    /// The image's version.
    pub version: u32,
    /// The public key that verifies it, in hexadecimal.
    pub key: String,
    /// Whether it is of this image and version.
    pub is_sound: bool,
}

/// A network of an image.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkRow {
    /// Its role.
    pub role: &'static str,
    /// Its name.
    pub network: String,
    /// Height, width, channels of its picture.
    pub input: [usize; 3],
    /// Number of layers.
    pub layers: usize,
    /// Multiply-accumulates of a run.
    pub macs: u64,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Bytes of its section in the image.
    pub section_bytes: usize,
}

/// The memory of a camera's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FrameNeeds {
    /// Width and height.
    pub size: [u32; 2],
    /// Bytes in colour: RGB565 or YUV422.
    pub colour_bytes: usize,
    /// Bytes in grey.
    pub grey_bytes: usize,
    /// Whether a network of the image needs colour.
    pub is_colour: bool,
}

/// An image on a board, estimated.
#[derive(Clone, Debug, Serialize)]
pub struct ImageOnBoard {
    /// Name of the board.
    pub board: String,
    /// Clock, MHz.
    pub clock_mhz: f64,
    /// Steps from a frame to an embedding, in order.
    pub steps: Vec<Step>,
    /// Bytes of stack besides the arena.
    pub stack_bytes: u64,
    /// Bytes of arena and stack together.
    pub ram_bytes: u64,
    /// Bytes of RAM that the board has.
    pub ram_room: usize,
    /// Bytes of the board's memory for frames, apart from the RAM; 0 if it has none.
    pub frame_room: usize,
    /// Bytes of flash: firmware and image.
    pub flash_bytes: u64,
    /// The board's store for people of the image's network; `None` if the board has none.
    pub store: Option<StoreRow>,
    /// Whether the board can run it.
    pub fits: bool,
    /// The exceeded limits.
    pub excesses: Vec<String>,
    /// Its memories, and what lies where.
    pub memories: Vec<MemoryMap>,
}

/// What the store of a board holds, and how long its flash lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StoreRow {
    /// Bytes of flash.
    pub bytes: u32,
    /// Most people with three centres each, as an enrolment makes them.
    pub people: usize,
    /// Erasures of a page that the flash's maker promises.
    pub cycles: u32,
    /// Changes of the people until a page has been erased as often, if the board is restarted before each.
    pub changes: u64,
    /// Counted attempts until then.
    pub attempts: u64,
}

impl StoreRow {
    /// Of a board, for centres of so many elements; `None` if the board has no store.
    fn new(board: &Board, dimension: usize) -> Option<Self> {
        let StoreFlash { word_bytes, log_pages, half_pages, cycles } = board.store?;
        let layout = Layout::new_checked(0, PAGE as u32, word_bytes, log_pages, half_pages).ok()?;
        Some(StoreRow {
            bytes: layout.total_bytes(),
            people: layout.capacity(dimension as u16, MOST_CENTRES),
            cycles,
            changes: layout.enrolments(cycles, true),
            attempts: layout.attempts(cycles),
        })
    }
}

/// A step from a frame to an embedding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// `scan`, `look`, `photo check` or `embed`.
    pub step: &'static str,
    /// How often the network runs.
    pub passes: usize,
    /// Instructions of all passes.
    pub instructions: f64,
    /// Cycles: lower and upper bound.
    pub cycles: [f64; 2],
    /// Milliseconds: lower and upper bound.
    pub ms: [f64; 2],
}

/// The steps with their networks and how often they run: landmarks are computed on the picture and on its mirror image.
const STEPS: [(Role, &str, usize); 4] = [
    (Role::Detector, "scan", 1),
    (Role::Landmarks, "look", 2),
    (Role::Liveness, "photo check", 1),
    (Role::Embedder, "embed", 1),
];

/// Inspects an image that was read from `path`, for boards at their usual clocks or at `clock_mhz`.
///
/// # Errors
/// When the image is not valid, or no costs were fitted for a board.
pub fn inspect(
    bytes: &AlignedBytes,
    path: &Path,
    boards: &[&Board],
    clock_mhz: Option<f64>,
) -> Result<ImageInspection> {
    ensure!(
        clock_mhz.is_none_or(|clock| clock > 0.0 && clock.is_finite()),
        "--clock must be a number of MHz above 0"
    );
    let image = bytes.image(path)?;
    let sections = header::parse(bytes.bytes())?;
    let models = || STEPS.into_iter().filter_map(|(role, ..)| Some((role, image.network(role)?)));
    let networks = models().map(|(role, model)| {
        let section_bytes = sections.get(format::Section::Network(role)).map_or(0, <[u8]>::len);
        NetworkRow::new(role, &model, section_bytes)
    });
    let is_colour = frame_is_colour(&image);
    let frame = is_colour.map(|is_colour| FrameNeeds {
        size: FRAME,
        colour_bytes: frame_bytes(true),
        grey_bytes: frame_bytes(false),
        is_colour,
    });
    let arena_bytes = models().map(|(_, model)| model.arena_bytes()).max().unwrap_or(0);
    let on_board = |board: &&Board| on_board(board, &image, bytes.bytes(), arena_bytes, clock_mhz);
    let signature = image.signature.map(|signature| SignatureRow {
        version: signature.version,
        key: hex(signature.key),
        is_sound: signed_version(&image, signature.key).is_ok(),
    });
    Ok(ImageInspection {
        image_bytes: bytes.bytes().len(),
        signature,
        networks: networks.collect(),
        arena_bytes,
        frame,
        boards: boards.iter().map(on_board).collect::<Result<_>>()?,
    })
}

impl NetworkRow {
    /// Of a network of this role whose section has so many bytes.
    pub fn new(role: Role, model: &Model<'_>, section_bytes: usize) -> Self {
        let layers: Vec<Layer> = model.layers().collect();
        let macs =
            layers.iter().map(|layer| op::macs(layer, &Inputs::of(layer, |input| layers[input].output)));
        let input = model.preprocess();
        NetworkRow {
            role: role.name(),
            network: model.name().to_string(),
            input: [input.height.into(), input.width.into(), input.colour.channels()],
            layers: layers.len(),
            macs: macs.sum(),
            arena_bytes: model.arena_bytes(),
            section_bytes,
        }
    }
}

fn on_board(
    board: &Board,
    image: &Image<'_>,
    bytes: &[u8],
    arena_bytes: usize,
    clock_mhz: Option<f64>,
) -> Result<ImageOnBoard> {
    let core = Core::of_board(&board.name)?;
    let clock_mhz = clock_mhz.unwrap_or(board.clock_mhz);
    let step = |(role, step, passes): (Role, &'static str, usize)| {
        let layers: Vec<Layer> = image.network(role)?.layers().collect();
        let once: Estimate = Work::of(&layers).iter().map(|work| core.estimate(work)).sum();
        let estimate: Estimate = std::iter::repeat_n(once, passes).sum();
        let Estimate { instructions, cycles } = estimate;
        Some(Step { step, passes, instructions, cycles, ms: estimate.milliseconds(clock_mhz) })
    };
    let budget = board.budget(Memory::External);
    let excesses = budget.excesses_of_image(image, bytes, |layer| format!("layer {layer}"));
    let firmware_bytes = firmware_bytes(board, &core);
    // The stack of a chip is what its linker script reserves; an emulated board has plenty.
    let stack_bytes = if board.chip.is_some() { board.stack_room().into() } else { core.stack_bytes };
    let used = UsedMemory {
        firmware_bytes: firmware_bytes as usize,
        statics_bytes: Sizes::of_board(&board.name).map(|sizes| sizes.statics_bytes as usize),
        image_bytes: bytes.len(),
        arena_bytes,
        stack_bytes: stack_bytes as usize,
        frame_bytes: frame_is_colour(image).map_or(0, frame_bytes),
    };
    Ok(ImageOnBoard {
        board: board.name.clone(),
        clock_mhz,
        steps: STEPS.into_iter().filter_map(step).collect(),
        stack_bytes,
        ram_bytes: arena_bytes as u64 + stack_bytes,
        ram_room: board.memory.ram.bytes,
        frame_room: budget.frame_bytes,
        flash_bytes: firmware_bytes + bytes.len() as u64,
        store: StoreRow::new(board, image.dimension()),
        fits: excesses.is_empty(),
        excesses: excesses.iter().map(Excess::to_string).collect(),
        memories: memories(board, &used),
    })
}

/// The image in a file, in any container, as far as its first bytes show it; `None` for everything else, which is read as a
/// network.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<Option<AlignedBytes>> {
    // A pipe can be read only once.
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let image = containers::unwrap(&bytes).ok().map(|(image, _)| image);
    Ok(image.filter(|image| image.starts_with(&header::MAGIC)).map(|image| AlignedBytes::copy(&image)))
}
