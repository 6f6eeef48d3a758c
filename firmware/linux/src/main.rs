//! The device as a program for Linux, such as on a Raspberry Pi: what a board has as peripherals is files, a socket, a camera
//! and lines of GPIO here. The device itself is [`app`], as on every board, and decides the same to the last bit.
//!
//! # Layers
//!
//! * [`flash`]: a file in the place of NOR flash.
//! * [`state`]: the folder with all that a device keeps: keys, images, people, the log.
//! * [`mod@line`]: bytes of a Unix socket or a serial port.
//! * [`camera`]: frames of a video, a pipe, or Video4Linux.
//! * [`panel`]: relay, light and button.
//! * [`outlet`]: lines on standard output and standard error.
//! * [`service`]: the service manager, and its watchdog.
//! * [`board`]: these together as the device's platform, and its loop.
//! * [`mod@bench`]: how many frames a second this computer sees.
//!
//! # Rules
//!
//! * What the device believes to be written is on the disk. A disk that fails once is not trusted until the program is started
//!   again.
//! * One program at a time has a folder.
//! * The door is closed before anything else is done. Nobody outside stops the loop.
//! * A device that is lost, a serial port or a camera, is said, and tried again until it is back.

mod bench;
mod board;
mod camera;
mod flash;
mod line;
mod outlet;
mod panel;
mod service;
mod state;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use panel::Place;

/// A device that recognises faces and opens a door.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the device until it is told to end (SIGTERM, or Ctrl-C).
    Run(Box<Run>),
    /// See a video as fast as possible, and print how long that takes.
    Bench {
        /// The image.
        image: PathBuf,
        /// The video, a file .y4m.
        video: PathBuf,
    },
}

/// What the device has.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// Folder in which the device keeps keys, images, people and the log. It is made at the first start.
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// The image with which the device begins. Not needed later: other images come with `host update`.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// The maker's public key, 64 hexadecimal digits: images must be signed with it. Without, any image runs and no update is
    /// taken.
    #[arg(long, value_name = "KEY", value_parser = maker_key)]
    maker_key: Option<[u8; 32]>,
    /// What the camera is: a device of Video4Linux such as /dev/video0, a video .y4m, or - for such a video on standard input.
    #[arg(long, value_name = "PATH")]
    camera: PathBuf,
    /// Begin a video anew where it ends.
    #[arg(long)]
    repeat: bool,
    /// The link for `host --port`: a serial port, or the path at which a socket is made [default: FOLDER/link].
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// A line for a controller that knows modules HLK-FM22x: a serial port, or the path at which a socket is made.
    #[arg(long, value_name = "PATH")]
    controller: Option<PathBuf>,
    /// Bits per second of serial ports.
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
    /// The line of the relay, such as /dev/gpiochip0:17. With :low behind it the relay is on when the line is low.
    #[arg(long, value_name = "CHIP:LINE")]
    relay: Option<Place>,
    /// The line of a light that is on while the door is open.
    #[arg(long, value_name = "CHIP:LINE")]
    light: Option<Place>,
    /// The line of the button. The signal SIGUSR1 presses it shortly, too.
    #[arg(long, value_name = "CHIP:LINE")]
    button: Option<Place>,
}

fn maker_key(digits: &str) -> Result<[u8; 32], &'static str> {
    app::device::key_of(digits).ok_or("a key has 64 hexadecimal digits, as `host keygen` prints them")
}

fn run() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(wanted) => board::run(&wanted),
        Command::Bench { image, video } => bench::run(&image, &video),
    }
}

fn main() -> ExitCode {
    // The door is closed after the hook, which must not wait.
    std::panic::set_hook(Box::new(|info| say(format_args!("{info}"))));
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Says something to whoever looks after the device.
fn say(words: std::fmt::Arguments<'_>) {
    // Nobody may be there to hear it.
    let _ = outlet::put(std::io::stderr(), &format!("geode-door: {words}\n"));
}
