//! The project's benchmark. Its networks are fixed: the default one, and those of `../shared` if they exist.
//!
//! * `run` measures all costs, together with those of other runtimes, and writes the book's tables of them. Build it
//!   with `--release`, or tract is timed without optimisation.
//! * `accuracy` measures accuracy on the faces of `../shared` and writes the book's tables of it.
//! * `check` counts instructions and arena on boards. It fails when a figure has grown by more than 2 % over
//!   `baseline.json`, or when the model of costs is off by more than 10 %.
//! * `device` counts what people in a store and sessions cost a board, beside their limits.
//! * `kills` kills an emulated device at random moments, and looks what it remembers.
//! * `film` makes a video of a person's photos, which the program for Linux can be timed with.
//! * `sizes` builds the program of every board and compares what it fills of the board's memories with `sizes.json`.
//! * `fit` fits that model.

mod accuracy;
mod baseline;
mod device;
mod figures;
mod fit;
mod kills;
mod networks;
mod sight;
mod sizes;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use host::bench::computer::Peers;
use host::bench::{GALLERIES, Scope, bench};
use host::board::emulated;
use host::photo::folder;

use crate::networks::Pinned;

#[derive(Debug, Parser)]
#[command(about = "The project's benchmark")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure costs and write the book's tables of them.
    Run {
        /// A Python that has onnxruntime and onnx.
        #[arg(long)]
        onnxruntime: Option<PathBuf>,
        /// Print only; leave the book unchanged.
        #[arg(long)]
        dry: bool,
    },
    /// Measure accuracy on the faces of ../shared and write the book's tables of it.
    Accuracy {
        /// Print only; leave the book unchanged.
        #[arg(long)]
        dry: bool,
    },
    /// Measure the board's eyes on the photos of ../shared and write the book's table of them.
    Sight {
        /// Print only; leave the book unchanged.
        #[arg(long)]
        dry: bool,
    },
    /// Fail when something has grown by more than 2 % over the baseline.
    Check {
        /// Write what is measured as the baseline instead.
        #[arg(long)]
        write: bool,
    },
    /// Count what people in a store and sessions cost a board.
    Device {
        /// Flash image of the default network; `host demo` leaves one.
        #[arg(long, default_value = "target/demo/device.geode")]
        image: PathBuf,
    },
    /// Kill an emulated device at random moments, and look whether it remembers what it has acknowledged.
    Kills {
        /// How often.
        #[arg(long, default_value_t = 300)]
        count: usize,
        /// Flash image with eyes; `host demo` leaves one.
        #[arg(long, default_value = "target/demo/device.geode")]
        image: PathBuf,
        /// Folder with photos of one person; `host demo` leaves one.
        #[arg(long, default_value = "target/demo/door")]
        faces: PathBuf,
    },
    /// Make a video of photos, 320 × 240 pixels, a frame for each.
    Film {
        /// Folder with photos; `host demo` leaves one.
        #[arg(long, default_value = "target/demo/door")]
        photos: PathBuf,
        /// The video.
        #[arg(long, short, default_value = "target/demo/film.y4m")]
        output: PathBuf,
    },
    /// Print what the programs fill of the boards' memories; fail when one has grown by more than 2 % over the baseline.
    Sizes {
        /// Write what is measured as the baseline, and into the book, instead.
        #[arg(long)]
        write: bool,
    },
    /// Fit the model of costs to counts, and its cycles to llvm-mca's models of the cores.
    Fit,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Run { onnxruntime, dry } => run(onnxruntime, dry),
        Command::Accuracy { dry } => accuracy::run(dry),
        Command::Sight { dry } => sight::run(dry),
        Command::Check { write } => baseline::check(write),
        Command::Device { image } => device::run(&image),
        Command::Kills { count, image, faces } => kills::run(count, &image, &faces),
        Command::Film { photos, output } => {
            suite::door::record(&output, &folder::list(&photos)?.found);
            Ok(())
        }
        Command::Sizes { write } => sizes::check(write),
        Command::Fit => fit::fit(),
    }
}

fn run(python: Option<PathBuf>, dry: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut measured = Vec::new();
    for Pinned { name, model, image, .. } in networks::real(folder.path())? {
        eprintln!("bench: {name}");
        let scope = Scope {
            boards: emulated().collect(),
            computer: Some(Peers { model: Some(model), python: python.clone() }),
            galleries: GALLERIES.to_vec(),
        };
        measured.push(bench(&image, &scope)?);
    }
    ensure!(!measured.is_empty(), "there are no networks: run ./setup.sh");
    let text = figures::costs(&measured, figures::engine()?);
    println!("{text}");
    if !dry {
        figures::write(figures::COSTS, &text)?;
    }
    Ok(())
}
