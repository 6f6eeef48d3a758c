//! `host flash`: puts an image where a board reads it and starts the board.
//!
//! The boards here are emulated: the firmware is built if need be, the image is placed in the board's image region, and
//! the board is asked who it is.

use std::path::Path;

use anyhow::Result;
use link::message::Hello;

use super::recognise::{Place, connect};
use crate::board::{Board, Memory};

/// Flashes and starts a board; gives what it says of itself.
///
/// # Errors
/// As [`connect`].
pub fn flash(image: &Path, board: &'static Board, memory: Memory) -> Result<Hello> {
    let (client, _) = connect(&Place::Emulated { board, image: image.to_path_buf(), memory })?;
    Ok(client.hello().clone())
}

/// Prints what a board says of itself.
pub fn print(hello: &Hello) {
    let [height, width, channels] = hello.crop;
    println!("{} runs", hello.board);
    println!("  network  {}, {} dimensions", hello.network, hello.dimension);
    println!("  crops    {height} × {width} × {channels}");
    println!("  people   {}", hello.people);
    let digest: String = hello.image.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("  image    {digest}");
    println!("  started  in {:.1} M instructions", hello.start_instructions as f64 / 1e6);
}
