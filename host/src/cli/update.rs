//! `host update`: sends a signed image to a device.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::device::update::{self, Update, Updated};
use serde::Serialize;

use super::device::At;
use super::show;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Signed flash image.
    #[arg(value_name = "IMAGE", required_unless_present = "cancel", conflicts_with = "cancel")]
    update: Option<PathBuf>,
    /// Go on even if the image has another network, so that the device forgets all people whom it has enrolled.
    #[arg(long)]
    enrol_again: bool,
    /// Forget an update that has not been finished.
    #[arg(long)]
    cancel: bool,
    #[command(flatten)]
    place: At,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// No update is going on any more.
#[derive(Serialize)]
struct Cancelled {
    cancelled: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { update, enrol_again, place, json, .. } = arguments;
    // The files are looked at first, so that an emulator is not started for nothing.
    let keys = place.keys()?;
    let update = update.as_deref().map(Update::read).transpose()?;
    let (mut session, _mailbox) = place.open_with(&keys)?;
    match update {
        Some(update) => show(*json, &update.send(&mut session, &keys, *enrol_again)?, print),
        None => {
            update::cancel(&mut session)?;
            show(*json, &Cancelled { cancelled: true }, |out, _| {
                writeln!(out, "the device has forgotten the update")
            })
        }
    }
}

fn print(out: &mut String, updated: &Updated) -> fmt::Result {
    let Updated { image, version, sent_bytes, was_running, enrol_again, .. } = updated;
    let image = image.display();
    if *was_running {
        return writeln!(out, "the device runs {image} already");
    }
    writeln!(
        out,
        "{sent_bytes} bytes sent; the device has tested {image}, and runs it as version {version}"
    )?;
    match enrol_again {
        0 => Ok(()),
        people => writeln!(out, "{people} people must be enrolled again: the image has another network"),
    }
}
