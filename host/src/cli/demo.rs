//! `host demo`: the whole way on the data of ./setup.sh.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::board::{self, Board};
use host::demo::{self, Demo, Probe};
use host::recognise::board::Timed;

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
    writeln!(out, "\n{:width$}  {:16} {:>15}  as it must be", "shown to the board", "it says", "nearest")?;
    for Probe { shows, said, right, .. } in &demo.probes {
        let person = said.answer.person.as_deref().unwrap_or("-");
        let says = if said.answer.accepted { format!("this is {person}") } else { "a stranger".to_string() };
        let nearest =
            said.answer.angle_degrees.map_or(String::new(), |angle| format!("{person} at {angle:.0}°"));
        writeln!(out, "{shows:width$}  {says:16} {nearest:>15}  {}", if *right { "yes" } else { "NO" })?;
    }
    let Demo { export, image, board, probes } = demo;
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
    let most = |of: fn(&Timed) -> u64| probes.iter().map(|probe| of(&probe.said)).max().unwrap_or(0);
    writeln!(
        out,
        "{right} of {} right. {board}: {} M instructions a face, {} bytes of arena, {} bytes of stack; image of {} bytes.",
        probes.len(),
        most(|said| said.embed_instructions + said.match_instructions) / 1_000_000,
        most(|said| said.arena_bytes.into()),
        most(|said| said.stack_bytes.into()),
        export.image_bytes
    )?;
    writeln!(
        out,
        "The simulator on this computer {} Image: {}",
        if agrees { "says the same to the last bit." } else { "SAYS OTHERWISE." },
        image.display()
    )?;
    Ok(())
}
