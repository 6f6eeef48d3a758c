//! `host bench`: what an image's network and gallery cost, counted on emulated boards and timed on this computer.

use std::path::Path;

use anyhow::{Context, Result};
use format::preprocess::Preprocess;
use serde::Serialize;

use crate::bench::boards::{self, Code, Cost, Matching, Start};
use crate::bench::computer::{self, Peers, Time};
use crate::board::Board;
use crate::cost::Work;
use crate::quantize::Preprocessing;
use crate::sections::{Enrolled, quantise_centre};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{cli, gallery, output};

/// Sizes of galleries that matching is counted with.
pub const GALLERIES: [usize; 4] = [10, 100, 1000, 10_000];

/// What was measured.
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
    /// One a board.
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

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Boards.
    pub boards: Vec<&'static Board>,
    /// Whether to time this computer, and beside what.
    pub computer: Option<Peers>,
    /// Sizes of galleries.
    pub galleries: Vec<usize>,
}

/// Measures.
///
/// # Errors
/// When the image cannot be used, a board's program does not build or run, or another runtime fails.
pub fn bench(image: &Path, plan: &Plan) -> Result<Bench> {
    let bytes = AlignedBytes::read(image)?;
    let view = bytes.image(image)?;
    let simulator = Simulator::new(&view.model)?;
    let layers = simulator.network().layers();
    let spinner = output::spinner("counting instructions on emulated boards".to_string());
    let mut measured = Bench {
        network: view.model.head().name.to_string(),
        dimension: simulator.network().dimension(),
        image_bytes: bytes.bytes().len(),
        work: Work::of(layers),
        boards: Vec::new(),
        code: Vec::new(),
        computer: Vec::new(),
        matching: Vec::new(),
    };
    for board in &plan.boards {
        measured.boards.push(boards::run(board, image)?);
        measured.code.push(boards::code(board)?);
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let crowded = folder.path().join("crowded.geode");
    for &people in &plan.galleries {
        std::fs::write(
            &crowded,
            gallery::with_people(&view, bytes.bytes(), crowd(people, measured.dimension))?,
        )?;
        for board in &plan.boards {
            let Cost { board, matching, .. } = boards::run(board, &crowded)?;
            measured.matching.push(Crowded { board, matching });
        }
    }
    spinner.finish_and_clear();
    if let Some(peers) = &plan.computer {
        let Preprocess { mean, scale, .. } = view.preprocess;
        measured.computer = computer::run(&simulator, Preprocessing { mean, scale }, peers)?;
    }
    Ok(measured)
}

/// People in all directions.
fn crowd(people: usize, dimension: usize) -> Vec<Enrolled> {
    let mut state = 7u32;
    let mut random = |_| {
        // The sum of a few uniform numbers is nearly normal, and a vector of such points in any direction alike.
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

/// The command.
///
/// # Errors
/// As [`bench()`].
pub fn run(arguments: &cli::Bench) -> Result<()> {
    let boards = arguments.boards.iter().map(|name| Board::named(name)).collect::<Result<_>>()?;
    let plan = Plan {
        boards,
        computer: (!arguments.no_computer)
            .then(|| Peers { model: arguments.model.clone(), python: arguments.onnxruntime.clone() }),
        galleries: if arguments.matching { GALLERIES.to_vec() } else { Vec::new() },
    };
    let measured = bench(&arguments.image, &plan)?;
    output::show(arguments.json, &measured, |measured| print(measured, arguments.layers))
}

/// Prints tables; with `layers` also one a layer.
pub fn print(bench: &Bench, layers: bool) {
    println!("{}, {} dimensions, image of {} bytes", bench.network, bench.dimension, bench.image_bytes);
    println!();
    println!(
        "{:10} {:>14} {:>8} {:>9} {:>8} {:>9} {:>9}",
        "board", "instructions", "per MAC", "arena", "stack", "runtime", "firmware"
    );
    for (cost, code) in bench.boards.iter().zip(&bench.code) {
        println!(
            "{:10} {:>14} {:>8.3} {:>9} {:>8} {:>9} {:>9}",
            cost.board,
            cost.instructions,
            cost.instructions_per_mac(),
            cost.arena_bytes,
            cost.stack_bytes,
            code.runtime_bytes,
            code.firmware_bytes
        );
    }
    println!();
    println!(
        "{:10} {:>14} {:>14} {:>12} {:>12} {:>10}",
        "start", "instructions", "digests", "checks", "network", "RAM"
    );
    for Cost { board, start, recogniser_bytes, .. } in &bench.boards {
        let Start { instructions, digests, checks, network } = start;
        println!(
            "{board:10} {instructions:>14} {digests:>14} {checks:>12} {network:>12} {recogniser_bytes:>10}"
        );
    }
    if layers {
        println!();
        print!("{:>4}  {:10} {:>10} {:>10}", "", "layer", "rows", "MACs");
        for cost in &bench.boards {
            print!(" {:>12}", cost.board);
        }
        println!();
        for (index, work) in bench.work.iter().enumerate() {
            print!("{index:>4}  {:10} {:>10} {:>10}", work.kind.name(), work.rows, work.macs);
            for cost in &bench.boards {
                print!(" {:>12}", cost.layers[index]);
            }
            println!();
        }
    }
    if !bench.matching.is_empty() {
        println!();
        println!(
            "{:10} {:>8} {:>12} {:>12} {:>12} {:>12}",
            "matching", "people", "decide", "and certify", "confidence", "show"
        );
        for Crowded { board, matching } in &bench.matching {
            let Matching { people, decide, certify, confidence, show, .. } = matching;
            let certify = certify.map_or("-".to_string(), |count| count.to_string());
            println!("{board:10} {people:>8} {decide:>12} {certify:>12} {confidence:>12} {show:>12}");
        }
    }
    if !bench.computer.is_empty() {
        println!();
        println!("{:28} {:>8}", "this computer, one thread", "ms");
        for Time { runtime, ms } in &bench.computer {
            println!("{runtime:28} {ms:>8.3}");
        }
    }
}
