//! The cost of an image's network and gallery: [`boards`] counts instructions on emulated boards, [`computer`] times
//! this computer and other runtimes.

use std::path::Path;

use anyhow::Result;
use format::layer::Layer;
use format::preprocess::Preprocess;
use serde::Serialize;

use self::boards::{Code, Cost, Matching};
use self::computer::{Peers, Time};
use crate::board::Board;
use crate::cost::Work;
use crate::interrupt::TemporaryFolder;
use crate::output;
use crate::people::gallery::with_people;
use crate::quantize::Preprocessing;
use crate::sections::{Enrolled, quantise_centre};
use crate::simulator::{AlignedBytes, Simulator};

pub mod boards;
pub mod computer;

/// Sizes of galleries for which matching is counted.
pub const GALLERIES: [usize; 4] = [10, 100, 1000, 10_000];

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Bench {
    /// Name of the network.
    pub network: String,
    /// Elements of an embedding.
    pub dimension: usize,
    /// Bytes of the image.
    pub image_bytes: usize,
    /// The layers' work, in order.
    pub work: Vec<Work>,
    /// One for each board.
    pub boards: Vec<Cost>,
    /// Firmware of each board.
    pub code: Vec<Code>,
    /// Milliseconds on this computer, one thread.
    pub computer: Vec<Time>,
    /// Matching, on each board for each size of gallery.
    pub matching: Vec<Crowded>,
}

/// Matching on one board with one gallery, in which everybody has one centre.
#[derive(Clone, Debug, Serialize)]
pub struct Crowded {
    /// Board.
    pub board: String,
    /// Instructions.
    #[serde(flatten)]
    pub matching: Matching,
}

/// The measurements to make.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Boards.
    pub boards: Vec<&'static Board>,
    /// The runtimes to compare with, or `None` to not time this computer.
    pub computer: Option<Peers>,
    /// Sizes of galleries.
    pub galleries: Vec<usize>,
}

/// Makes the measurements.
///
/// # Errors
/// When the image cannot be used, a board's program does not build or run, or another runtime fails.
pub fn bench(image: &Path, scope: &Scope) -> Result<Bench> {
    let bytes = AlignedBytes::read(image)?;
    let view = bytes.image(image)?;
    let simulator = Simulator::new(&view.embedder)?;
    let layers: Vec<Layer> = view.embedder.layers().collect();
    let spinner = output::spinner("counting instructions on emulated boards".to_string());
    let mut measured = Bench {
        network: view.embedder.name().to_string(),
        dimension: view.dimension(),
        image_bytes: bytes.bytes().len(),
        work: Work::of(&layers),
        boards: Vec::new(),
        code: Vec::new(),
        computer: Vec::new(),
        matching: Vec::new(),
    };
    // A board reads the image itself, not a container of the image.
    let folder = TemporaryFolder::new()?;
    let plain = folder.path().join("image.geode");
    output::write_whole(&plain, bytes.bytes())?;
    for board in &scope.boards {
        measured.boards.push(boards::run(board, &plain)?);
        measured.code.push(boards::code(board)?);
    }
    let crowded = folder.path().join("crowded.geode");
    for &people in &scope.galleries {
        std::fs::write(&crowded, with_people(&view, bytes.bytes(), crowd(people, measured.dimension))?)?;
        for board in &scope.boards {
            let Cost { board, matching, .. } = boards::run(board, &crowded)?;
            measured.matching.push(Crowded { board, matching });
        }
    }
    spinner.finish_and_clear();
    if let Some(peers) = &scope.computer {
        let Preprocess { mean, scale, .. } = view.embedder.preprocess();
        measured.computer = computer::run(&simulator, Preprocessing { mean, scale }, peers)?;
    }
    Ok(measured)
}

/// People whose centres have random directions.
fn crowd(people: usize, dimension: usize) -> Vec<Enrolled> {
    let mut state = 7u32;
    let mut random = |_| {
        // The sum of a few uniform numbers is nearly normal. A vector of such numbers has every direction with equal
        // probability.
        (0..4).fold(0.0, |sum, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sum + (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
    };
    (0..people)
        .map(|number| {
            let centre: Vec<f32> = (0..dimension).map(&mut random).collect();
            Enrolled { name: format!("{number:05}"), photos: 1, centres: vec![quantise_centre(&centre)] }
        })
        .collect()
}
