//! The end of the demo: a device enrols somebody itself, loses its power, still knows them, and forgets them for ever.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use format::PixelFormat;
use link::message::{PeopleRequest, Verdict};
use serde::Serialize;

use crate::board::Board;
use crate::device::camera::Mailbox;
use crate::device::keys::Keys;
use crate::device::people::{self, Stood};
use crate::device::place::Place;
use crate::device::session::Session;
use crate::people::change;
use crate::sight::camera::{Shot, Take};
use crate::{output, photo};

/// Who is enrolled on the device.
const NAME: &str = "Obama";

/// A step of the device's life, and whether it went as it must.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub did: String,
    /// What came of it.
    pub came: String,
    /// Whether that is right.
    pub right: bool,
}

/// Lets a device live through its day. `image` has other people enrolled; `output` has the photos of the folder `door`, and
/// gets the image's copy without the person and the device's memory.
///
/// # Errors
/// When the device does not answer.
pub fn live(board: &'static Board, image: &Path, output: &Path) -> Result<Vec<Step>> {
    let [alone, state, key] = ["device.geode", "device.state", "admin.key"].map(|file| output.join(file));
    for file in [&state, &key] {
        if file.exists() {
            std::fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    output::write_whole(&alone, &change::remove(image, &[NAME.to_string()])?.image)?;
    let place =
        Place::Emulated { board, image: Some(alone), is_flashed: false, maker_key: None, state, front: None };
    let mut keys = Keys::read_or_new(&key)?;
    let fingerprint = place.pair(&mut keys, None)?.fingerprint;
    let mut steps = vec![Step {
        did: "pair: press the button, compare the fingerprint, press again".to_string(),
        came: format!("this computer administers the device (fingerprint {fingerprint})"),
        right: true,
    }];

    let shots = shots(&output.join("door"))?;
    let mut taken = 0;
    let id = {
        let (mut session, mut mailbox) = open(&place, &keys)?;
        let all = shots.iter().cloned().map(Ok);
        people::enrol(&mut session, Some(&mut mailbox), NAME, all, |shot| taken = shot.taken)?
    };
    steps.push(Step {
        did: format!("enrol {NAME} in front of the camera"),
        came: format!("{taken} photos taken; number {id}, sealed in flash"),
        right: true,
    });

    let mut stand = |did: &str, must_know: bool| -> Result<()> {
        let (mut session, mut mailbox) = open(&place, &keys)?;
        let stood = people::stand(&mut session, &mut mailbox, &shots[0])?;
        let is_known = stood == Stood::Decided(Verdict::Accepted(id), true);
        let came = match stood {
            Stood::Decided(Verdict::Accepted(id), is_open) => {
                format!("accepted: number {id}; the door is {}", if is_open { "open" } else { "SHUT" })
            }
            Stood::Decided(Verdict::NotAccepted, _) => "not accepted; the door is shut".to_string(),
            Stood::Undecided => "no decision".to_string(),
            Stood::Locked(seconds) => format!("locked for {seconds} s"),
        };
        let is_stranger = matches!(stood, Stood::Decided(Verdict::NotAccepted, false));
        let right = if must_know { is_known } else { is_stranger };
        steps.push(Step { did: did.to_string(), came, right });
        Ok(())
    };
    stand("pull the plug, start again, and stand there", true)?;
    {
        let (mut session, _mailbox) = open(&place, &keys)?;
        people::order(&mut session, &PeopleRequest::Delete(id))?;
        ensure!(people::find(&mut session, NAME).is_err(), "{NAME} is still enrolled");
    }
    stand("delete, pull the plug, start again, and stand there", false)?;
    Ok(steps)
}

/// What the camera shows of a person: the photos of a folder.
///
/// # Errors
/// When there are none.
pub fn shots(folder: &Path) -> Result<Vec<Shot>> {
    let photos = photo::folder::list(folder)?.found;
    photos.iter().map(|path| Take::Photo(path.clone(), PixelFormat::Rgb565).read()).collect()
}

/// The device, started anew.
fn open(place: &Place, keys: &Keys) -> Result<(Session, Mailbox)> {
    let (session, mailbox) = place.open(keys, None)?;
    Ok((session, mailbox.context("an emulated device has a camera")?))
}
