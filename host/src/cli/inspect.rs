//! `host inspect`: the operators of a network and its needs on a board.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use host::board::{self, Board};
use host::inspect::{self, Inspection};

use super::show;

#[derive(Debug, Args)]
pub struct Arguments {
    /// ONNX file.
    model: PathBuf,
    /// Boards to estimate for, separated by commas.
    #[arg(long, value_parser = board::names(), value_delimiter = ',', default_values = board::names())]
    board: Vec<String>,
    /// Clock of the boards, MHz [default: typical for the core].
    #[arg(long)]
    clock: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { model, board, clock, json } = arguments;
    let boards: Vec<&Board> = board.iter().map(|name| Board::named(name)).collect::<Result<_>>()?;
    let inspection = inspect::inspect(model, &boards, *clock)?;
    show(*json, &inspection, |inspection| print(model, inspection))
}

fn print(path: &Path, inspection: &Inspection) {
    let [h, w, c] = inspection.input;
    println!("{}", path.display());
    println!("  input       {h} × {w} × {c}, embedding of {} dimensions", inspection.dimension);
    let operators: Vec<String> =
        inspection.operators.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!("  operators   {} (all supported)", operators.join(", "));
    println!("  parameters  {}", inspection.parameters);
    println!("  MACs        {:.1} M an embedding", inspection.macs as f64 / 1e6);
    println!("  arena       {} bytes of RAM", inspection.arena_bytes);
    println!("  flash       {} bytes of weights", inspection.flash_bytes);
    println!();
    println!("  board       instructions          at     an embedding takes      stack       flash");
    for row in &inspection.boards {
        let [low, high] = row.ms;
        println!(
            "  {:10} {:>11.1} M {:>7} MHz {:>9.0} to {:>5.0} ms {:>8} B {:>9} B{}",
            row.board,
            row.instructions / 1e6,
            row.clock_mhz,
            low,
            high,
            row.stack_bytes,
            row.flash_bytes,
            if row.fits { "" } else { "  does not fit" }
        );
    }
    for row in &inspection.boards {
        for excess in &row.excesses {
            println!("  {} cannot run it: {excess}", row.board);
        }
    }
    println!(
        "  Estimates: fitted to counts under emulation and to models of the cores; from memory that never waits to"
    );
    println!("  weights in quad serial flash. Flash is firmware and weights, without people.");
    println!();
    println!("{:>4}  {:10} {:>16} {:>10} {:>10}  node", "", "operator", "tensor", "M MACs", "rows kept");
    for (index, layer) in inspection.layers.iter().enumerate() {
        let [h, w, c] = layer.shape;
        println!(
            "{index:>4}  {:10} {:>16} {:>10.2} {:>7}/{h:<3} {}",
            layer.operator,
            format!("{h}×{w}×{c}"),
            layer.macs as f64 / 1e6,
            layer.rows_kept,
            layer.name
        );
    }
}
