//! Recognition of photos by a board: their pixels go over the link, and its answers come back.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use format::preprocess::Preprocess;
use link::message::{Cost, Recognised};
use serde::Serialize;

use super::Answer;
use crate::board::{Board, Memory};
use crate::client::Client;
use crate::crops::{Loader, Photo, Source};
use crate::interrupt::TemporaryFolder;
use crate::output;
use crate::shared::SharedRam;
use crate::simulator::AlignedBytes;
use crate::transport::Transport;

/// Where the board is.
#[derive(Clone, Debug)]
pub enum Place {
    /// Emulated here, with this image.
    Emulated {
        /// Which board.
        board: &'static Board,
        /// Its flash image.
        image: PathBuf,
        /// Flash memory for the image.
        memory: Memory,
    },
    /// On a serial port, or at a socket. The size of crops is read from the image.
    Port {
        /// Path of the port.
        path: String,
        /// Bits per second.
        baud: u32,
        /// The image the board was flashed with.
        image: PathBuf,
    },
}

/// An answer and its cost.
#[derive(Clone, Debug, Serialize)]
pub struct Timed {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// Instructions of the embedding; cycles on boards that count cycles.
    pub embed_instructions: u64,
    /// The same for the decision and the confidence.
    pub match_instructions: u64,
    /// The same for the board's start, before the first photo.
    pub start_instructions: u64,
    /// Bytes of arena.
    pub arena_bytes: u32,
    /// Most bytes of stack ever in use.
    pub stack_bytes: u32,
}

impl Place {
    /// The image's file.
    pub fn image(&self) -> &Path {
        match self {
            Place::Emulated { image, .. } | Place::Port { image, .. } => image,
        }
    }
}

/// Starts or opens the board and greets it.
///
/// # Errors
/// When the firmware cannot be built, QEMU not started, the port not opened, or nobody answers.
pub fn connect(place: &Place) -> Result<(Client, Preprocess)> {
    let (client, preprocess, _) = open(place, false)?;
    Ok((client, preprocess))
}

/// [`connect`], and the RAM into which frames can be put, if that is asked for and the board has it.
pub(super) fn open(place: &Place, has_ram: bool) -> Result<(Client, Preprocess, Option<SharedRam>)> {
    let path = place.image();
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let folder = TemporaryFolder::new()?;
    let mut ram = None;
    let transport = match place {
        Place::Emulated { board, memory, .. } => {
            // Said before anything is built.
            board.machine_name()?;
            let name = |layer| format!("layer {layer}");
            let room = board.room(*memory);
            room.check(&room.budget.excesses_of_image(&image, bytes.bytes(), name))?;
            // The emulator takes the image itself, not the container it may be in, and reads it once, at its start.
            let plain = folder.path().join("image.geode");
            output::write_whole(&plain, bytes.bytes())?;
            ram = if has_ram { SharedRam::new(board)? } else { None };
            match &ram {
                Some(ram) => Transport::qemu_with_ram(board, &board.build()?, &plain, *memory, ram)?,
                None => Transport::qemu(board, &board.build()?, &plain, *memory)?,
            }
        }
        Place::Port { path, baud, .. } => Transport::port(path, *baud)?,
    };
    let client = Client::connect(transport)?;
    if client.hello().image != image.digest {
        bail!(
            "the board holds another image (network {}) than {}; flash it first, or give the one it holds",
            client.hello().network,
            path.display()
        );
    }
    Ok((client, image.embedder.preprocess(), ram))
}

/// Lets a board recognise photos. Photos without a usable face are reported on standard error and left out.
///
/// # Errors
/// As [`connect`]; when a photo cannot be used or the link fails.
pub fn recognise(place: &Place, photos: &[PathBuf], source: &Source) -> Result<Vec<Timed>> {
    ensure!(!photos.is_empty(), "no photos");
    // Photos are read first, so that a board is not started for nothing.
    let path = place.image();
    let bytes = AlignedBytes::read(path)?;
    let usable = Loader::of_image(&bytes, path, source)?.load_usable(photos)?;

    let (mut client, _) = connect(place)?;
    let bar = output::bar(usable.len(), "recognising on the board");
    let answers = usable.iter().map(|Photo { path, crop }| {
        let answer = ask(&mut client, path, crop);
        bar.inc(1);
        answer
    });
    let answers = answers.collect();
    bar.finish_and_clear();
    answers
}

fn ask(client: &mut Client, photo: &Path, crop: &[u8]) -> Result<Timed> {
    let Recognised { decision, cost } = client.recognise(crop)?;
    let Cost { embed_instructions, match_instructions, arena_bytes, stack_bytes } = cost;
    let answer = Answer::new(photo, decision);
    let start_instructions = client.hello().start_instructions;
    Ok(Timed { answer, embed_instructions, match_instructions, start_instructions, arena_bytes, stack_bytes })
}
