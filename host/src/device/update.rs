//! Sends an image to a device, which checks it, tries it, and keeps it or goes back.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use link::message::{
    Begin, MAX_CHUNK_BYTES, Progress, Target, UpdateRefusal, UpdateReply, UpdateRequest, UpdateStage,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::keys::Keys;
use super::people;
use super::session::Session;
use crate::output;
use crate::simulator::AlignedBytes;

/// Time in which a device restarts and tests the image, three times if it has to.
const TRIAL: Duration = Duration::from_secs(120);
/// How often a transfer goes on after the device has stopped answering.
const TRIES: u32 = 4;
/// Between two questions whether it has restarted.
const PAUSE: Duration = Duration::from_millis(500);

/// A signed image to be sent.
pub struct Update {
    path: PathBuf,
    bytes: AlignedBytes,
    begin: Begin,
    digest: [u8; 32],
}

/// An update that a device keeps.
#[derive(Clone, Debug, Serialize)]
pub struct Updated {
    /// The file.
    pub image: PathBuf,
    /// Its version.
    pub version: u32,
    /// Bytes that the device had from an earlier try.
    pub resumed_bytes: u32,
    /// Bytes that were sent.
    pub sent_bytes: u32,
    /// Whether the device ran this image before.
    pub was_running: bool,
    /// People who were enrolled with another network, and must be enrolled again.
    pub enrol_again: u16,
}

impl Update {
    /// An image from a file.
    ///
    /// # Errors
    /// When it is no image, or is not signed.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = AlignedBytes::read(path)?;
        let image = bytes.image(path)?;
        let signature = image.signature.with_context(|| {
            format!("{} is not signed, and no device takes it: `host sign` signs it", path.display())
        })?;
        let (version, digest) = (signature.version, image.digest);
        let length = bytes.bytes().len();
        let begin = Begin {
            target: Target::Image,
            bytes: length.try_into().with_context(|| format!("{}: {length} bytes", path.display()))?,
            digest: Sha256::digest(bytes.bytes()).into(),
            version,
        };
        Ok(Update { path: path.to_path_buf(), bytes, begin, digest })
    }

    /// Sends the image, has the device check it, and waits until it has tried it. People who would have to be enrolled
    /// again are told before anything changes; then the update goes on only if `may_forget`.
    ///
    /// # Errors
    /// What the device refuses, or that it went back to the image before. An update that is interrupted goes on where it
    /// stopped when it is sent again.
    pub fn send(&self, session: &mut Session, keys: &Keys, may_forget: bool) -> Result<Updated> {
        let path = self.path.display();
        let image = self.path.clone();
        let version = self.begin.version;
        let (was_running, starts) = self.is_running(session)?;
        if was_running {
            return Ok(Updated {
                image,
                version,
                resumed_bytes: 0,
                sent_bytes: 0,
                was_running,
                enrol_again: 0,
            });
        }
        let resumed = self.transfer_patiently(session, keys)?;
        let enrol_again = match ask(session, &UpdateRequest::Finish).with_context(|| path.to_string())? {
            UpdateReply::Verified { enrol_again } => enrol_again,
            reply => bail!(unexpected(reply)),
        };
        if enrol_again > 0 && !may_forget {
            let people = people::list(session)?;
            let names: Vec<String> = people
                .iter()
                .filter(|person| !person.is_of_image)
                .map(|person| person.name.to_string())
                .collect();
            bail!(
                "{path} has another network. With it the device forgets {enrol_again} people, who must be enrolled again: {}. \
                 Nothing is changed yet; to go on, start again with --enrol-again",
                output::some_of(&names)
            );
        }
        ask(session, &UpdateRequest::Confirm)?;
        self.wait_for_trial(session, keys, starts)?;
        let sent_bytes = self.begin.bytes - resumed;
        Ok(Updated { image, version, resumed_bytes: resumed, sent_bytes, was_running: false, enrol_again })
    }

    /// Whether the device runs the image and keeps its version, and how often it has started. A signature does not change an
    /// image's digest.
    fn is_running(&self, session: &mut Session) -> Result<(bool, u32)> {
        let condition = people::condition(session)?;
        let is_running =
            session.hello().image == self.digest && condition.image_version == self.begin.version;
        Ok((is_running, condition.starts))
    }

    /// Sends what the device does not have yet, also when it restarts meanwhile or a cable is pulled for a moment. Returns how
    /// much it had.
    fn transfer_patiently(&self, session: &mut Session, keys: &Keys) -> Result<u32> {
        for _ in 1..TRIES {
            match self.transfer(session) {
                Err(error) if error.downcast_ref::<Refused>().is_none() => {
                    output::step(&format!("{error:#}; going on where it stopped"));
                    session.reopen(keys)?;
                }
                ended => return ended,
            }
        }
        self.transfer(session)
    }

    /// Sends what the device does not have yet. Returns how much it had.
    fn transfer(&self, session: &mut Session) -> Result<u32> {
        let begun = ask(session, &UpdateRequest::Begin(self.begin))
            .with_context(|| self.path.display().to_string())?;
        let progress = progress(begun)?;
        ensure!(progress.offset <= self.begin.bytes, "the device says that it has more than there is");
        if progress.stage != UpdateStage::Receiving {
            return Ok(self.begin.bytes);
        }
        if progress.offset > 0 {
            output::step(&format!(
                "the device has {} of {} bytes already",
                progress.offset, self.begin.bytes
            ));
        }
        let bytes = self.bytes.bytes();
        let bar = output::bar(bytes.len(), "sending the image");
        let mut offset = progress.offset;
        while offset < self.begin.bytes {
            bar.set_position(offset.into());
            let rest = bytes.get(offset as usize..).unwrap_or_default();
            let chunk = rest.get(..MAX_CHUNK_BYTES).unwrap_or(rest);
            let next = self::progress(ask(session, &UpdateRequest::Chunk(offset, chunk))?)?.offset;
            ensure!(next > offset, "the device takes no bytes of the update");
            offset = next;
        }
        bar.finish_and_clear();
        Ok(progress.offset)
    }

    /// Waits until the device has restarted, and runs the image.
    fn wait_for_trial(&self, session: &mut Session, keys: &Keys, starts: u32) -> Result<()> {
        let spinner = output::spinner("the device tries the image".to_string());
        let deadline = Instant::now() + TRIAL;
        let is_running = loop {
            std::thread::sleep(PAUSE);
            match session.reopen(keys).and_then(|()| self.is_running(session)) {
                Ok((is_running, now)) if now > starts => break is_running,
                Ok(_) => {}
                Err(error) if Instant::now() >= deadline => {
                    return Err(error.context("the device does not come back from its restart; reset it"));
                }
                Err(_) => {}
            }
            ensure!(Instant::now() < deadline, "the device does not restart; reset it");
        };
        spinner.finish_and_clear();
        let trouble = &session.hello().trouble;
        ensure!(
            is_running || session.hello().image != self.digest || trouble.is_empty(),
            "{}: the device runs the image, but could not note that it keeps it: {trouble}",
            self.path.display()
        );
        ensure!(
            is_running,
            "{}: the device tried the image and went back to the one before: the new one failed its self-test, or did not \
             start{}",
            self.path.display(),
            if trouble.is_empty() { String::new() } else { format!(" ({trouble})") }
        );
        Ok(())
    }
}

/// Forgets an update that has not been started.
///
/// # Errors
/// When the device refuses.
pub fn cancel(session: &mut Session) -> Result<()> {
    ask(session, &UpdateRequest::Cancel).map(drop)
}

fn progress(reply: UpdateReply) -> Result<Progress> {
    match reply {
        UpdateReply::Progress(progress) => Ok(progress),
        reply => Err(unexpected(reply)),
    }
}

fn unexpected(reply: UpdateReply) -> anyhow::Error {
    anyhow!("the device answers something else than was asked ({reply:?})")
}

fn ask(session: &mut Session, request: &UpdateRequest<'_>) -> Result<UpdateReply> {
    match session.update(request)? {
        UpdateReply::Refused(why) => Err(Refused(why).into()),
        reply => Ok(reply),
    }
}

/// What the device refuses.
#[derive(Debug)]
struct Refused(UpdateRefusal);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device: {}{}", self.0, advice(self.0))
    }
}

impl std::error::Error for Refused {}

/// What helps.
fn advice(why: UpdateRefusal) -> String {
    match why {
        UpdateRefusal::NoKey => {
            "; firmware that takes updates is built with the maker's public key (an emulated device: --maker-key)"
        }
        UpdateRefusal::Signature => "; `host verify IMAGE --key …` says what is wrong with it",
        UpdateRefusal::Version(_) => "; sign it with a higher --version",
        UpdateRefusal::Unusable => "; `host verify` and `host inspect` say why",
        UpdateRefusal::Digest => "; send it again",
        UpdateRefusal::TooLong(_) => "; make the image smaller: fewer people or strangers, or a smaller network",
        UpdateRefusal::Flash => "; start again, and if it fails again have the board's flash replaced",
        UpdateRefusal::Stage(UpdateStage::Trial) => "; it is on trial: restart the device, and start again",
        UpdateRefusal::Stage(_) => "; start again from the beginning",
        UpdateRefusal::Busy => "; end what it does, an enrolment for example, and start again",
        _ => "",
    }
    .to_string()
}
