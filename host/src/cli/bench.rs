//! `host bench`: the cost of an image's network and gallery.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::bench::boards::{Cost, Matching, Start};
use host::bench::computer::{Peers, Time};
use host::bench::{self, Bench, Crowded, GALLERIES, Scope};
use host::board::{self, Board};

use super::show;

/// Count the instructions of an image's network on emulated boards, and time it on this computer.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Flash image.
    pub image: PathBuf,
    /// Boards to count on, separated by commas.
    #[arg(
        long = "board",
        alias = "boards",
        value_parser = board::names(),
        value_delimiter = ',',
        default_values = board::emulated_names()
    )]
    pub boards: Vec<String>,
    /// Print every layer.
    #[arg(long)]
    pub layers: bool,
    /// Also count matching against galleries of 10 to 10,000 people.
    #[arg(long)]
    pub matching: bool,
    /// Do not time this computer.
    #[arg(long)]
    pub no_computer: bool,
    /// ONNX file that the image was exported from: also time tract with it, in float.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// A Python with onnxruntime and onnx: also time ONNX Runtime, in float and quantised.
    #[arg(long, requires = "model")]
    pub onnxruntime: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let scope = Scope {
        boards: arguments.boards.iter().map(|name| Board::named(name)).collect::<Result<_>>()?,
        computer: (!arguments.no_computer)
            .then(|| Peers { model: arguments.model.clone(), python: arguments.onnxruntime.clone() }),
        galleries: if arguments.matching { GALLERIES.to_vec() } else { Vec::new() },
    };
    let measured = bench::bench(&arguments.image, &scope)?;
    show(arguments.json, &measured, |out, measured| print(out, measured, arguments.layers))
}

fn print(out: &mut String, bench: &Bench, layers: bool) -> fmt::Result {
    writeln!(out, "{}, {} dimensions, image of {} bytes", bench.network, bench.dimension, bench.image_bytes)?;
    writeln!(out)?;
    writeln!(
        out,
        "{:10} {:>14} {:>8} {:>9} {:>8} {:>9} {:>9}",
        "board", "instructions", "per MAC", "arena", "stack", "runtime", "firmware"
    )?;
    for (cost, code) in bench.boards.iter().zip(&bench.code) {
        writeln!(
            out,
            "{:10} {:>14} {:>8.3} {:>9} {:>8} {:>9} {:>9}",
            cost.board,
            cost.instructions,
            cost.instructions_per_mac(),
            cost.arena_bytes,
            cost.stack_bytes,
            code.runtime_bytes,
            code.firmware_bytes
        )?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "{:10} {:>14} {:>14} {:>12} {:>12} {:>10}",
        "start", "instructions", "digests", "checks", "network", "RAM"
    )?;
    for Cost { board, start, recogniser_bytes, .. } in &bench.boards {
        let Start { instructions, digests, checks, network } = start;
        writeln!(
            out,
            "{board:10} {instructions:>14} {digests:>14} {checks:>12} {network:>12} {recogniser_bytes:>10}"
        )?;
    }
    if layers {
        writeln!(out)?;
        write!(out, "{:>4}  {:10} {:>10} {:>10}", "", "layer", "rows", "MACs")?;
        for cost in &bench.boards {
            write!(out, " {:>12}", cost.board)?;
        }
        writeln!(out)?;
        for (index, work) in bench.work.iter().enumerate() {
            write!(out, "{index:>4}  {:10} {:>10} {:>10}", work.kind.name(), work.rows, work.macs)?;
            for cost in &bench.boards {
                write!(out, " {:>12}", cost.layers[index])?;
            }
            writeln!(out)?;
        }
    }
    if !bench.matching.is_empty() {
        writeln!(out)?;
        writeln!(
            out,
            "{:10} {:>8} {:>12} {:>12} {:>12} {:>12}",
            "matching", "people", "decide", "and certify", "confidence", "show"
        )?;
        for Crowded { board, matching } in &bench.matching {
            let Matching { people, decide, certify, confidence, show, .. } = matching;
            let certify = certify.map_or("-".to_string(), |count| count.to_string());
            writeln!(out, "{board:10} {people:>8} {decide:>12} {certify:>12} {confidence:>12} {show:>12}")?;
        }
    }
    if !bench.computer.is_empty() {
        writeln!(out)?;
        writeln!(out, "{:28} {:>8}", "this computer, one thread", "ms")?;
        for Time { runtime, ms } in &bench.computer {
            writeln!(out, "{runtime:28} {ms:>8.3}")?;
        }
    }
    Ok(())
}
