//! `host flash`: puts firmware and an image where a board reads them, and starts the board.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::board::{self, Board, Memory};
use host::flash::{Checked, FlashPlan, Flashed, Wanted, flash};
use host::recognise::board::{Place, connect};
use host::secret::hex;
use host::usage::{ensure_use, wrong_use};
use link::message::Hello;

use super::show;
use super::values::{MEMORIES, one_of};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Flash image.
    #[arg(required_unless_present = "firmware")]
    image: Option<PathBuf>,
    /// Board. An emulated one starts, a real one is written to: through the drive of its loader, and if this program was built
    /// with the feature `probes` through a probe or a loader of the class DFU.
    #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
    board: String,
    /// Flash memory for the image.
    #[arg(long, value_parser = one_of(MEMORIES), default_value = "external")]
    memory: Memory,
    /// Firmware for a real board: the ELF file that `cargo build` leaves.
    #[arg(long, value_name = "ELF")]
    firmware: Option<PathBuf>,
    /// Folder of the drive that the board's loader is [default: the only such drive that is mounted].
    #[arg(long, value_name = "FOLDER")]
    drive: Option<PathBuf>,
    /// Write a UF2 file instead, to be dragged to the drive of the board's loader later.
    #[arg(long, value_name = "FILE", conflicts_with = "drive")]
    save: Option<PathBuf>,
    /// Serial number of the probe [default: the only one].
    #[arg(long, value_name = "SERIAL", conflicts_with_all = ["drive", "save"])]
    probe: Option<String>,
    /// Serial number of the chip whose loader of the class DFU writes [default: the only one].
    #[arg(long, value_name = "SERIAL", conflicts_with_all = ["drive", "save", "probe"])]
    dfu: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, board, memory, firmware, drive, save, probe, dfu, json } = arguments;
    let board = Board::named(board)?;
    if board.chip.is_none() {
        let is_for_chips = [firmware, drive, save].iter().any(|path| path.is_some());
        ensure_use(!is_for_chips && probe.is_none() && dfu.is_none(), || {
            format!(
                "--firmware, --drive, --save, --probe and --dfu are for real boards, and {} is emulated: its firmware is built when it \
                 starts",
                board.name
            )
        })?;
        let image = image.clone().ok_or_else(|| wrong_use("give an image"))?;
        let (client, _) = connect(&Place::Emulated { board, image, memory: *memory })?;
        return show(*json, client.hello(), print_hello);
    }
    let plan = FlashPlan::new(board, firmware.as_deref(), image.as_deref(), *memory)?;
    let flashed = match save {
        Some(path) => plan.save(path)?,
        None => flash(&plan, &Wanted { drive: drive.clone(), probe: probe.clone(), dfu: dfu.clone() })?,
    };
    show(*json, &flashed, print)
}

fn print(out: &mut String, flashed: &Flashed) -> fmt::Result {
    for part in &flashed.parts {
        let (kind, file) = (part.kind, part.file.display());
        writeln!(out, "{kind:8}  {:>9} bytes at {:#010x}  {file}", part.bytes, part.address)?;
    }
    let checked = match flashed.checked {
        Checked::ReadBack => "read back and found the same; the board has started",
        Checked::Taken => "the loader has taken all of it, and has started the board",
        Checked::NotYet => {
            "drag it to the drive that appears when the board is plugged in with its boot button held"
        }
    };
    writeln!(out, "{}, {}: {checked}", flashed.board, flashed.way)
}

fn print_hello(out: &mut String, hello: &Hello) -> fmt::Result {
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
