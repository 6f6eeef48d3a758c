//! The command line, one command in each file: arguments (their documentation is the help), a call of the library,
//! printing.

mod align;
mod answers;
mod bench;
mod demo;
mod device;
mod evaluate;
mod export;
mod flash;
mod frames;
mod gallery;
mod inspect;
mod keygen;
mod part;
mod photos;
mod recognise;
mod rewrite;
mod sign;
mod simulate;
mod update;
mod values;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};
use host::agreement::Agreement;
use host::output::{self, Named};
use host::report;
use serde::Serialize;

/// Face recognition that runs whole on a microcontroller: a network and photos in, a flash image out.
#[derive(Debug, Parser)]
#[command(name = "host", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the operators of a network, or the networks of an image, and the needs on a board.
    Inspect(inspect::Arguments),
    /// Show the whole way with the network and photos of ./setup.sh, on an emulated board.
    Demo(demo::Arguments),
    /// Cut the faces out of photos, upright and at the network's size.
    Align(align::Arguments),
    /// Make a flash image from a network and photos.
    Export(export::Arguments),
    /// Recognise photos on this computer, with the board's own code and the same bits.
    Simulate(simulate::Arguments),
    /// Start a board with an image. The boards here are emulated by QEMU.
    Flash(flash::Arguments),
    /// Recognise photos on a board: sends their pixels over the link and prints the answers.
    Recognise(recognise::Arguments),
    /// Administer a device that remembers people and opens a door.
    Device {
        #[command(subcommand)]
        command: device::Command,
    },
    /// Measure the accuracy of the image's network and of the float network, or of its eyes and its photo check.
    Evaluate(evaluate::Arguments),
    /// Count the instructions of an image's network on emulated boards, and time it on this computer.
    Bench(bench::Arguments),
    /// Show and change who is enrolled in an image.
    Gallery {
        #[command(subcommand)]
        command: gallery::Command,
    },
    /// Make a key that signs images.
    Keygen(keygen::Arguments),
    /// Sign an image for updates of boards in use.
    // Its --version is the image's.
    #[command(disable_version_flag = true)]
    Sign(sign::Arguments),
    /// Send a signed image to a device, which tries it and goes back if it fails.
    Update(update::Arguments),
    /// Check an image as a board checks an update: signature, version, and whether it runs.
    Verify(verify::Arguments),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// An error with a message for the user.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Inspect(arguments) => inspect::run(&arguments),
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Align(arguments) => align::run(arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Simulate(arguments) => simulate::run(&arguments),
            Command::Flash(arguments) => flash::run(&arguments),
            Command::Recognise(arguments) => recognise::run(arguments),
            Command::Device { command } => device::run(&command),
            Command::Evaluate(arguments) => evaluate::run(&arguments),
            Command::Bench(arguments) => bench::run(&arguments),
            Command::Gallery { command } => gallery::run(&command),
            Command::Keygen(arguments) => keygen::run(&arguments),
            Command::Sign(arguments) => sign::run(&arguments),
            Command::Update(arguments) => update::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
        }
    }
}

/// The folder of a report's plots, if a report is written.
fn plots(report: Option<&PathBuf>) -> Vec<Named> {
    report.map(|file| Named::new("--report", &report::plots_folder(file))).into_iter().collect()
}

/// Prints a result: as JSON for programs, or for people.
fn show<T: Serialize + ?Sized>(
    json: bool,
    value: &T,
    print: impl Fn(&mut String, &T) -> fmt::Result,
) -> Result<()> {
    Ok(output::print(text(json, value, print)?.as_bytes())?)
}

/// Prints the result of a command that wrote a file: on standard error where that file is standard output.
fn show_beside<T: Serialize + ?Sized>(
    file: &Path,
    json: bool,
    value: &T,
    print: impl Fn(&mut String, &T) -> fmt::Result,
) -> Result<()> {
    if !output::is_standard_output(file) {
        return show(json, value, print);
    }
    output::step(text(json, value, print)?.trim_end());
    Ok(())
}

fn text<T: Serialize + ?Sized>(
    json: bool,
    value: &T,
    print: impl Fn(&mut String, &T) -> fmt::Result,
) -> Result<String> {
    let mut text = String::new();
    if json {
        text = serde_json::to_string_pretty(value)?;
        text.push('\n');
    } else {
        print(&mut text, value)?;
        text = output::harmless(&text);
    }
    Ok(text)
}

/// The angle that quantisation is taken to move an embedding by, and which of all photos it is.
fn angle_text(agreement: &Agreement) -> String {
    let degrees = agreement.reach().to_degrees();
    match agreement.angle_p999 {
        Some(_) => format!("angle at the 99.9th percentile {degrees:.2}°"),
        None => format!("largest angle {degrees:.2}° (too few photos for a percentile)"),
    }
}

/// The mean cosine after subtracting the direction that all photos have in common.
fn centred_text(agreement: &Agreement) -> String {
    agreement.centred_mean_cosine.map_or(String::new(), |cosine| format!(", centred {cosine:.4}"))
}
