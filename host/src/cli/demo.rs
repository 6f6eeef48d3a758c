//! `host demo`: the whole way on the data of ./setup.sh.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::board::{self, Board};
use host::demo::door::Step;
use host::demo::{self, Demo, Probe};
use link::message::SightCost;

use super::show;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of the network and the photos.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Folder for crops and image.
    #[arg(short, long, default_value = "target/demo")]
    output: PathBuf,
    /// Emulated board.
    #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
    board: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { data, output, board, json } = arguments;
    let demo = demo::demo(data, output, Board::named(board)?)?;
    show(*json, &demo, print)?;
    demo::judge(&demo)
}

/// A table for people who see it for the first time.
fn print(out: &mut String, demo: &Demo) -> fmt::Result {
    let width = demo.probes.iter().map(|probe| probe.shows.chars().count()).max().unwrap_or(0);
    writeln!(out, "\n{:width$}  as it must be  what the board saw", "shown to the board")?;
    for Probe { shows, said, right, .. } in &demo.probes {
        writeln!(out, "{shows:width$}  {:13}  {}", if *right { "yes" } else { "NO" }, said.words)?;
    }
    let Demo { export, image, picture, board, probes, door } = demo;
    let right = probes.iter().filter(|probe| probe.right).count();
    let agrees = probes.iter().all(|probe| probe.simulator_agrees);
    writeln!(out)?;
    if let Some(point) = export.thresholds.at(export.people.len()) {
        writeln!(
            out,
            "Whoever is within {:.0}° of an enrolled person is accepted, if the next person is {:.0}° farther.",
            point.cosine.acos().to_degrees(),
            export.margin.radians.to_degrees()
        )?;
    }
    writeln!(
        out,
        "That is a cautious table: a real door wants {} strangers to measure it on, here are {}.",
        export.thresholds.strangers_needed, export.strangers
    )?;
    let most =
        |of: fn(&SightCost) -> u64| probes.iter().map(|probe| of(&probe.said.seen.cost)).max().unwrap_or(0);
    writeln!(
        out,
        "{right} of {} right. {board}: {} M instructions to scan a frame, {} M to decide on a face; {} bytes of arena, {} \
         bytes of stack; image of {} bytes.",
        probes.len(),
        most(|cost| cost.scan_instructions) / 1_000_000,
        most(|cost| {
            cost.look_instructions
                + cost.crop_instructions
                + cost.embed_instructions
                + cost.match_instructions
        }) / 1_000_000,
        most(|cost| cost.arena_bytes.into()),
        most(|cost| cost.stack_bytes.into()),
        export.image_bytes
    )?;
    writeln!(
        out,
        "The simulator on this computer {} Image: {}. Picture of the frames: {}",
        if agrees { "sees the same to the last bit." } else { "SEES OTHERWISE." },
        image.display(),
        picture.display()
    )?;
    let width = door.iter().map(|step| step.did.chars().count()).max().unwrap_or(0);
    if !door.is_empty() {
        writeln!(out, "\n{:width$}  as it must be  what came of it", "a device on this board")?;
    }
    for Step { did, came, right } in door {
        writeln!(out, "{did:width$}  {:13}  {came}", if *right { "yes" } else { "NO" })?;
    }
    Ok(())
}
