//! `host flash`: puts an image where a board reads it, and starts the board.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::board::{self, Board, Memory};
use host::recognise::board::{Place, connect};
use host::secret::hex;
use link::message::Hello;

use super::show;
use super::values::{MEMORIES, one_of};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Flash image.
    image: PathBuf,
    /// Board.
    #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
    board: String,
    /// Flash memory for the image.
    #[arg(long, value_parser = one_of(MEMORIES), default_value = "external")]
    memory: Memory,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, board, memory, json } = arguments;
    let place = Place::Emulated { board: Board::named(board)?, image: image.clone(), memory: *memory };
    let (client, _) = connect(&place)?;
    show(*json, client.hello(), print)
}

fn print(out: &mut String, hello: &Hello) -> fmt::Result {
    let [height, width, channels] = hello.crop;
    writeln!(out, "{} runs", hello.board)?;
    writeln!(out, "  network  {}, {} dimensions", hello.network, hello.dimension)?;
    writeln!(out, "  crops    {height} × {width} × {channels}")?;
    writeln!(out, "  people   {}", hello.people)?;
    let digest = hex(&hello.image);
    writeln!(out, "  image    {digest}")?;
    writeln!(out, "  started  in {:.1} M instructions", hello.start_instructions as f64 / 1e6)?;
    Ok(())
}
