//! `host inspect`: the operators of a network and its needs on a board; the needs of an image.

mod image;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use host::board::{self, Board};
use host::inspect::image::ImageOnBoard;
use host::inspect::{self, Inspection};
use host::output::{self, Named, Planned};
use host::report::map::map;
use host::usage::ensure_use;

use super::part::Part;
use super::show;
use super::values::positive;

#[derive(Debug, Args)]
pub struct Arguments {
    /// ONNX file, or a flash image.
    #[arg(value_name = "MODEL_OR_IMAGE")]
    model: PathBuf,
    /// Which part of the file is taken.
    #[command(flatten)]
    part: Part,
    /// Boards to estimate it for, between commas; one that cannot run it is a failure [default: all, whether they can or not]
    #[arg(long, value_parser = board::names(), value_delimiter = ',')]
    board: Vec<String>,
    /// Clock of the boards, MHz [default: typical for the core].
    #[arg(long, value_parser = positive::<f64>)]
    clock: Option<f64>,
    /// Draw the memories of one --board with an image, to scale: an SVG or a PNG file.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { model, part, board, clock, map, json } = arguments;
    let boards: Vec<&Board> = match board.is_empty() {
        true => board::all().collect(),
        false => board.iter().map(|name| Board::named(name)).collect::<Result<_>>()?,
    };
    if let Some(bytes) = inspect::image::read(model)? {
        ensure_use(!part.is_chosen(), || {
            format!("--size and --embedding are for ONNX files, {} is an image", model.display())
        })?;
        ensure_use(map.is_none() || boards.len() == 1, || {
            "--map draws the memories of one board: give it with --board".to_string()
        })?;
        let inspection = inspect::image::inspect(&bytes, model, &boards, *clock)?;
        if let (Some(path), [row]) = (map, &*inspection.boards) {
            draw(path, model, row)?;
        }
        show(*json, &inspection, |out, inspection| image::print(out, model, inspection))?;
        return ensure_run(board, inspection.boards.iter().map(|row| (&*row.board, row.fits)));
    }
    ensure_use(map.is_none(), || format!("--map is for images, and {} is none", model.display()))?;
    let inspection = inspect::inspect(model, &part.cut(), &boards, *clock)?;
    show(*json, &inspection, |out, inspection| print(out, model, inspection))?;
    ensure_run(board, inspection.boards.iter().map(|row| (&*row.board, row.fits)))
}

/// Fails when boards were chosen and one of them cannot run what was inspected. The reasons are printed already.
fn ensure_run<'a>(chosen: &[String], boards: impl Iterator<Item = (&'a str, bool)>) -> Result<()> {
    let unfit: Vec<&str> = boards.filter(|&(_, fits)| !fits).map(|(name, _)| name).collect();
    ensure!(
        chosen.is_empty() || unfit.is_empty(),
        "too much for {}, for the reasons above; `host inspect` without --board says which boards can run it",
        unfit.join(", ")
    );
    Ok(())
}

/// Draws the memories of a board.
fn draw(path: &Path, image: &Path, row: &ImageOnBoard) -> Result<()> {
    let is = |kind: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(kind));
    ensure_use(is("svg") || is("png"), || {
        format!("--map {}: give a file that ends in .svg or .png", path.display())
    })?;
    Planned {
        outputs: vec![Named::new("--map", path)],
        inputs: vec![Named::new("IMAGE", image)],
        ..Planned::default()
    }
    .check()?;
    let name = image.file_name().unwrap_or(image.as_os_str()).to_string_lossy();
    let plot = map(&row.board, &name, &row.memories)?;
    output::write_whole(path, if is("svg") { plot.svg.as_bytes() } else { &plot.png })
}

fn print(out: &mut String, path: &Path, inspection: &Inspection) -> fmt::Result {
    let [h, w, c] = inspection.input;
    writeln!(out, "{}", path.display())?;
    writeln!(out, "  input       {h} × {w} × {c}, embedding of {} dimensions", inspection.dimension)?;
    let operators: Vec<String> =
        inspection.operators.iter().map(|(name, count)| format!("{name} {count}")).collect();
    writeln!(out, "  operators   {} (all supported)", operators.join(", "))?;
    writeln!(out, "  parameters  {}", inspection.parameters)?;
    writeln!(out, "  MACs        {:.1} M an embedding", inspection.macs as f64 / 1e6)?;
    writeln!(out, "  arena       {} bytes of RAM", inspection.arena_bytes)?;
    writeln!(out, "  flash       {} bytes of weights", inspection.flash_bytes)?;
    writeln!(out)?;
    writeln!(out, "  board       instructions          at     an embedding takes      stack       flash")?;
    for row in &inspection.boards {
        let [low, high] = row.ms;
        writeln!(
            out,
            "  {:10} {:>11.1} M {:>7} MHz {:>9.0} to {:>5.0} ms {:>8} B {:>9} B{}",
            row.board,
            row.instructions / 1e6,
            row.clock_mhz,
            low,
            high,
            row.stack_bytes,
            row.flash_bytes,
            if row.fits { "" } else { "  does not fit" }
        )?;
    }
    for row in &inspection.boards {
        for excess in &row.excesses {
            writeln!(out, "  {} cannot run it: {excess}", row.board)?;
        }
    }
    writeln!(
        out,
        "  Estimates: fitted to counts under emulation and to models of the cores; from memory that never waits to"
    )?;
    writeln!(
        out,
        "  weights in quad serial flash. Flash is firmware and weights, without people. All tensors are taken"
    )?;
    writeln!(
        out,
        "  to have 8 bits: a layer that export gives 16 bits costs two to thirty times as much; `host export` prints the sum."
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "{:>4}  {:10} {:>16} {:>10} {:>10}  node",
        "", "operator", "tensor", "M MACs", "rows kept"
    )?;
    for (index, layer) in inspection.layers.iter().enumerate() {
        let [h, w, c] = layer.shape;
        writeln!(
            out,
            "{index:>4}  {:10} {:>16} {:>10.2} {:>7}/{h:<3} {}",
            layer.operator,
            format!("{h}×{w}×{c}"),
            layer.macs as f64 / 1e6,
            layer.rows_kept,
            layer.name
        )?;
    }
    Ok(())
}
