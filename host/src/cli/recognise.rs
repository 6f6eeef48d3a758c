//! `host recognise`: recognises photos on a board.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::board::{self, Board, Memory};
use host::output;
use host::recognise::Answer;
use host::recognise::board::{Place, Timed, recognise};
use host::recognise::frames::on_board;
use host::transport::likely_port;

use super::frames::{Frames, print_costs};
use super::photos::Photos;
use super::values::{MEMORIES, one_of, positive};
use super::{answers, show};

#[derive(Debug, Args)]
#[command(mut_arg("aligned", |arg| arg.conflicts_with("detector")))]
pub struct Arguments {
    /// Flash image on the board.
    image: PathBuf,
    /// Photos.
    #[arg(required_unless_present = "frames")]
    photos: Vec<PathBuf>,
    /// Frames instead of them.
    #[command(flatten)]
    frames: Frames,
    /// Send frames over the link also to an emulated board, which otherwise shares memory with this program.
    #[arg(long, requires = "frames")]
    frames_over_link: bool,
    /// How they are read.
    #[command(flatten)]
    reading: Photos,
    /// Emulated board to start [default: qemu-m7].
    #[arg(long, value_parser = board::names(), conflicts_with = "port")]
    board: Option<String>,
    /// Which flash of the emulated board the image lies in.
    #[arg(long, value_parser = one_of(MEMORIES), default_value = "external")]
    memory: Memory,
    /// Serial port of a board whose program has no door; for a device: `host device recognise`.
    #[arg(long)]
    port: Option<String>,
    /// Bits per second of the port.
    #[arg(long, default_value_t = 115_200, requires = "port", value_parser = positive::<u32>)]
    baud: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { image, photos, frames, frames_over_link, reading, board, memory, port, baud, json } =
        arguments;
    if let (None, None, Some(likely)) = (&port, &board, likely_port()) {
        output::step(&format!("an emulated board is started; for a real one give {likely}"));
    }
    let board = board.as_deref().unwrap_or(board::DEFAULT);
    let place = match port {
        Some(path) => Place::Port { path, baud, image },
        None => Place::Emulated { board: Board::named(board)?, image, memory },
    };
    if let Some(film) = frames.film(reading.is_strict()) {
        let sightings = on_board(&place, &film, frames_over_link)?;
        return show(json, &sightings, |out, sightings| print_costs(out, sightings));
    }
    show(json, &recognise(&place, &photos, &reading.source())?, |out, timed| print(out, timed))
}

/// A table of answers, and the cost of each.
fn print(out: &mut String, timed: &[Timed]) -> fmt::Result {
    let plain: Vec<Answer> = timed.iter().map(|timed| timed.answer.clone()).collect();
    answers::print(out, &plain)?;
    let most = |of: fn(&Timed) -> u64| timed.iter().map(of).max().unwrap_or(0);
    let millions = |of: fn(&Timed) -> u64| most(of) as f64 / 1e6;
    writeln!(
        out,
        "\nper photo: {:.1} M instructions to embed, {:.2} M to match; {} bytes of arena, {} bytes of stack at most; {:.1} M \
         instructions to start",
        millions(|timed| timed.embed_instructions),
        millions(|timed| timed.match_instructions),
        most(|timed| timed.arena_bytes.into()),
        most(|timed| timed.stack_bytes.into()),
        millions(|timed| timed.start_instructions)
    )?;
    Ok(())
}
