//! `host device`: a device that remembers people and opens a door.

mod parcel;

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use format::PixelFormat;
use host::board::{self, Board};
use host::device::camera::Mailbox;
use host::device::keys::Keys;
use host::device::people::{self, Somebody, Stood};
use host::device::place::{self, Place};
use host::device::selftest::{self, SelfTestReport, TestResult};
use host::device::session::{Event, Session};
use host::name::visible;
use host::output;
use host::secret::hex;
use host::sight::camera::{Settings, Shot, Take, takes};
use host::signing::{self, PublicKey};
use host::transport::{self, PortOfBoard};
use link::message::{Device, LogEntry, Mode, Notice, PeopleRequest, Person, PersonId, ShotResult, Verdict};
use serde::Serialize;

use super::show;
use super::values::{formats, positive};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Become an administrator of a device: press its button, start this, compare the fingerprint, press the button again.
    Pair {
        #[command(flatten)]
        place: At,
        /// Name for the device in the key file [default: the board's].
        #[arg(long)]
        name: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// How the device is.
    Info {
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have the device test itself: golden embedding, camera, flash, random numbers, store, stack. The exit code is 1 if
    /// something fails; the report, with --json, is for whoever makes the board.
    Selftest {
        /// Test the watchdog, too: the device closes its door, stands still, and is started anew.
        #[arg(long)]
        watchdog: bool,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Who is enrolled.
    List {
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Enrol the person in front of the camera; somebody enrolled under this name gets more photos.
    Enrol {
        /// Name.
        person: String,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete people. Nothing of them stays on the device.
    Delete {
        /// Names or numbers.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        people: Vec<String>,
        /// Delete everybody whom the device enrolled.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give somebody another name.
    Rename {
        /// Name or number.
        person: String,
        /// The new name.
        name: String,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stand in front of an emulated device: what it decides on frames, and whether it opens.
    Recognise {
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print decisions as they are made, until it is interrupted.
    Monitor {
        #[command(flatten)]
        place: At,
        /// Print JSON, a value a line.
        #[arg(long)]
        json: bool,
    },
    /// The last decisions.
    Log {
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write everybody whom the device enrolled to a file that only one board can open: this one, or another.
    Backup {
        /// The file.
        file: PathBuf,
        /// The board that shall open it, as the key file calls it; the device's button has to be pressed then [default: this one].
        #[arg(long = "for", value_name = "NAME")]
        receiver: Option<String>,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Enrol everybody in a file of `backup`. Nobody who is there is changed.
    Restore {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Who administers the device: the keys of their computers.
    Administrators {
        /// Remove the administrator whose key begins with these hexadecimal digits.
        #[arg(long, value_name = "KEY")]
        remove: Option<String>,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a lock-out.
    Unlock {
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a controller on the device's second line, a lock or Home Assistant, enrol and delete people for a time.
    Window {
        /// Seconds, at most 600; 0 ends it.
        #[arg(value_parser = clap::value_parser!(u16).range(..=600))]
        seconds: u16,
        #[command(flatten)]
        shown: Shown,
        #[command(flatten)]
        place: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What the camera of an emulated device shows.
#[derive(Debug, Args)]
pub struct Shown {
    /// What the camera of an emulated device shows: photos or folders of photos, each put whole into a frame of 320 × 240
    /// pixels, or videos (.y4m).
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "state")]
    frames: Vec<PathBuf>,
    /// Format of the frames' pixels. A video says its own.
    #[arg(long, value_parser = formats(), requires = "frames", default_value = "rgb565")]
    frame_format: PixelFormat,
}

/// Where a device is, and who asks.
#[derive(Debug, Args)]
pub struct At {
    /// Serial port of a real device, or the socket of one that is a program [default: the only port that is a board by its
    /// identity on USB].
    #[arg(long, conflicts_with_all = ["board", "image", "flash", "maker_key", "state", "front"])]
    port: Option<String>,
    /// Bits per second of the port.
    #[arg(long, default_value_t = 115_200, requires = "port", value_parser = positive::<u32>)]
    baud: u32,
    /// Emulated board to start.
    #[arg(long, value_parser = board::with_store(), default_value = board::DEFAULT)]
    board: String,
    /// Flash image with which an emulated board begins. Not needed once --state has it; later images come with `host update`.
    #[arg(long, requires = "state")]
    image: Option<PathBuf>,
    /// Put --image in the place of those that an emulated board has, as a probe would.
    #[arg(long, requires = "image")]
    flash: bool,
    /// The maker's public key, which an emulated board trusts from now on: 64 hexadecimal digits. It then starts only images
    /// that are signed with it. Real boards have it in their firmware.
    #[arg(long, requires = "state", value_name = "KEY", value_parser = signing::public_key)]
    maker_key: Option<PublicKey>,
    /// File in which an emulated board keeps images, people and counters between two starts.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Where the second line of an emulated board leads: a terminal, or a path at which a Unix socket is made. A controller
    /// that speaks to a module HLK-FM22x uses it.
    #[arg(long, value_name = "PATH", requires = "state")]
    front: Option<PathBuf>,
    /// The administrator's key; `pair` makes it.
    #[arg(long, default_value = "geode-admin.key")]
    key: PathBuf,
    /// The device in the key file, where it has several [default: the one that answers].
    #[arg(long)]
    device: Option<String>,
}

impl At {
    fn place(&self) -> Result<Place> {
        match (&self.port, &self.state) {
            (Some(path), _) => Ok(Place::Port { path: path.clone(), baud: self.baud }),
            (None, Some(state)) => Ok(Place::Emulated {
                board: Board::named(&self.board)?,
                image: self.image.clone(),
                is_flashed: self.flash,
                maker_key: self.maker_key,
                state: state.clone(),
                front: self.front.clone(),
            }),
            (None, None) => {
                let (path, board) = transport::only_board()?;
                output::step(&format!("{path} is the board {board}"));
                Ok(Place::Port { path, baud: self.baud })
            }
        }
    }

    /// A session with the device.
    fn open(&self) -> Result<(Session, Option<Mailbox>)> {
        self.open_with(&self.keys()?)
    }

    /// The administrator's keys.
    pub fn keys(&self) -> Result<Keys> {
        Keys::read(&self.key)
    }

    /// A session as this administrator.
    pub fn open_with(&self, keys: &Keys) -> Result<(Session, Option<Mailbox>)> {
        self.place()?.open(keys, self.device.as_deref())
    }
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Pair { place, name, json } => pair(place, name.as_deref(), *json),
        Command::Info { place, json } => {
            let (mut session, _) = place.open()?;
            let device = people::condition(&mut session)?;
            let info = Info {
                port: place.port.as_deref().map(transport::port_of_board),
                ..Info::new(&session, device)
            };
            show(*json, &info, |out, info| info.print(out))
        }
        Command::Selftest { watchdog, shown, place, json } => test(*watchdog, shown, place, *json),
        Command::List { place, json } => {
            let people = people::list(&mut place.open()?.0)?;
            show(*json, &people, |out, people| print_people(out, people))
        }
        Command::Enrol { person, shown, place, json } => enrol(person, shown, place, *json),
        Command::Delete { people: names, all, place, json } => {
            let (mut session, _) = place.open()?;
            let deleted = match all {
                true => people::delete_all(&mut session)?,
                false => people::delete(&mut session, names)?,
            };
            show(*json, &deleted, |out, deleted| {
                deleted
                    .iter()
                    .try_for_each(|one| writeln!(out, "deleted {} (number {})", visible(&one.name), one.id))
            })
        }
        Command::Rename { person, name, place, json } => {
            // Before a device is started for nothing.
            let name = people::new_name(name)?;
            let renamed = people::rename(&mut place.open()?.0, person, &name)?;
            show(*json, &renamed, |out, one| {
                writeln!(out, "number {} is called {} from now on", one.id, visible(&one.name))
            })
        }
        Command::Recognise { shown, place, json } => recognise(shown, place, *json),
        Command::Monitor { place, json } => monitor(&mut place.open()?.0, *json),
        Command::Log { place, json } => {
            let entries = people::log(&mut place.open()?.0)?;
            show(*json, &entries, |out, entries| print_log(out, entries))
        }
        Command::Backup { file, receiver, place, json } => {
            parcel::back_up(file, receiver.as_deref(), place, *json)
        }
        Command::Restore { file, place, json } => parcel::restore(file, place, *json),
        Command::Administrators { remove, place, json } => administrators(remove.as_deref(), place, *json),
        Command::Unlock { place, json } => {
            let (mut session, _) = place.open()?;
            people::order(&mut session, &PeopleRequest::Unlock)?;
            let device = people::condition(&mut session)?;
            show(*json, &Info::new(&session, device), |out, info| info.print(out))
        }
        Command::Window { seconds, shown, place, json } => window(*seconds, shown, place, *json),
    }
}

#[derive(Serialize)]
struct Paired {
    name: String,
    fingerprint: String,
    key: PathBuf,
}

fn pair(place: &At, name: Option<&str>, json: bool) -> Result<()> {
    let mut keys = Keys::read_or_new(&place.key)?;
    let place::Paired { name, fingerprint, is_confirmed } = place.place()?.pair(&mut keys, name)?;
    if !is_confirmed {
        output::step(&format!(
            "the fingerprint is {fingerprint}; if the device shows the same, press its button again within a minute. If it \
             shows another, do not: somebody is in between"
        ));
    }
    let paired = Paired { name, fingerprint: fingerprint.to_string(), key: place.key.clone() };
    show(json, &paired, |out, Paired { name, fingerprint, key }| {
        writeln!(out, "paired with {} (fingerprint {fingerprint}); key in {}", visible(name), key.display())
    })
}

fn test(has_watchdog: bool, shown: &Shown, place: &At, json: bool) -> Result<()> {
    let keys = place.keys()?;
    let shots = shots(shown)?.unwrap_or_default();
    let (mut session, mut mailbox) = place.open_with(&keys)?;
    let report = selftest::run(&mut session, mailbox.as_mut(), &keys, shots.first(), has_watchdog)?;
    show(json, &report, print_report)?;
    let failed = report.tests.iter().filter(|row| row.result == TestResult::Failed);
    let failed: Vec<String> = failed.map(|row| format!("{:?}", row.test).to_lowercase()).collect();
    ensure!(report.is_sound, "the self-test failed: {}", failed.join(", "));
    Ok(())
}

fn print_report(out: &mut String, report: &SelfTestReport) -> fmt::Result {
    let SelfTestReport { board, firmware, network, image, starts, trouble, tests, .. } = report;
    writeln!(out, "{}, firmware {}, start {starts}", visible(board), visible(firmware))?;
    writeln!(out, "image {image}, network {}", visible(network))?;
    if !trouble.is_empty() {
        writeln!(out, "trouble: {}", visible(trouble))?;
    }
    for row in tests {
        let result = match row.result {
            TestResult::Passed => "passed",
            TestResult::Failed => "FAILED",
            TestResult::Skipped => "skipped",
        };
        let test = format!("{:?}", row.test).to_lowercase();
        writeln!(out, "  {test:9} {result:8} {}", row.words)?;
    }
    Ok(())
}

/// The frames that stand for somebody in front of the camera.
fn shots(shown: &Shown) -> Result<Option<Vec<Shot>>> {
    if shown.frames.is_empty() {
        return Ok(None);
    }
    let settings = Settings { format: Some(shown.frame_format), size: None };
    takes(&shown.frames, &settings, true)?.iter().map(Take::read).collect::<Result<_>>().map(Some)
}

fn enrol(person: &str, shown: &Shown, place: &At, json: bool) -> Result<()> {
    let person = &people::new_name(person)?;
    let shots = shots(shown)?;
    let (mut session, mut mailbox) = place.open()?;
    if mailbox.is_some() != shots.is_some() {
        bail!(
            "an emulated device needs --frames, photos of the person; a real one looks with its own camera"
        );
    }
    let shots = shots.unwrap_or_default().into_iter().map(Ok);
    if mailbox.is_none() {
        output::step("look into the camera, and move your head a little after each photo");
    }
    let id = people::enrol(&mut session, mailbox.as_mut(), person, shots, |shot| {
        output::step(&format!("photo {} of {}: {}", shot.taken, shot.needed, words(shot.result)));
    })?;
    let enrolled = Somebody { id, name: person.to_string() };
    show(json, &enrolled, |out, enrolled| {
        writeln!(out, "enrolled {} as number {}", visible(&enrolled.name), enrolled.id)
    })
}

fn words(result: ShotResult) -> String {
    match result {
        ShotResult::Taken => "taken".to_string(),
        ShotResult::NoFace => "no usable face in time".to_string(),
        ShotResult::Unfit(refusal) => refusal.to_string(),
        ShotResult::TooAlike => "nearly the same as one before; move a little".to_string(),
        ShotResult::OtherPerson => "somebody else than before".to_string(),
        ShotResult::Known(id) => format!("enrolled already, as number {id}"),
    }
}

#[derive(Serialize)]
struct Answer {
    frame: String,
    /// The person's number; none if nobody was accepted.
    accepted: Option<PersonId>,
    is_decided: bool,
    is_open: bool,
    /// Seconds for which the device lets nobody in; 0 if it is not locked.
    locked_seconds: u32,
}

fn recognise(shown: &Shown, place: &At, json: bool) -> Result<()> {
    let shots = shots(shown)?.context("give --frames: what the camera shows")?;
    let (mut session, mailbox) = place.open()?;
    let mut mailbox =
        mailbox.context("a real device looks with its own camera; see `host device monitor`")?;
    let mut all = Vec::new();
    for shot in &shots {
        let frame = shot.name.clone();
        let none = Answer { frame, accepted: None, is_decided: false, is_open: false, locked_seconds: 0 };
        all.push(match people::stand(&mut session, &mut mailbox, shot)? {
            Stood::Decided(Verdict::Accepted(id), is_open) => {
                Answer { accepted: Some(id), is_decided: true, is_open, ..none }
            }
            Stood::Decided(Verdict::NotAccepted, is_open) => Answer { is_decided: true, is_open, ..none },
            Stood::Undecided => none,
            Stood::Locked(locked_seconds) => Answer { locked_seconds, ..none },
        });
    }
    show(json, &all, |out, all| {
        for stood in all {
            let said = match (stood.accepted, stood.is_decided) {
                (Some(id), _) => format!("accepted: number {id}"),
                (None, true) => "not accepted".to_string(),
                (None, false) if stood.locked_seconds > 0 => {
                    format!("locked for {} s more: too many strangers", stood.locked_seconds)
                }
                (None, false) => "no decision: no usable face".to_string(),
            };
            let door = if stood.is_open { "; the door is open" } else { "" };
            writeln!(out, "{}: {said}{door}", stood.frame)?;
        }
        Ok(())
    })
}

/// What a monitor prints of a notice.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Happening {
    Verdict(Verdict),
    Mode(Mode),
}

fn monitor(session: &mut Session, json: bool) -> Result<()> {
    loop {
        let happening = match session.event(Duration::from_secs(1))? {
            Some(Event::Notice(Notice::Verdict(verdict))) => Happening::Verdict(verdict),
            Some(Event::Notice(Notice::Mode(mode))) => Happening::Mode(mode),
            Some(Event::Shot(_)) | None => continue,
        };
        let mut line = match (json, &happening) {
            (true, happening) => serde_json::to_string(happening)?,
            (false, Happening::Verdict(verdict)) => verdict_text(*verdict),
            (false, Happening::Mode(mode)) => mode_text(*mode).to_string(),
        };
        line.push('\n');
        output::print(line.as_bytes())?;
    }
}

fn verdict_text(verdict: Verdict) -> String {
    match verdict {
        Verdict::Accepted(id) => format!("accepted: number {id}"),
        Verdict::NotAccepted => "not accepted".to_string(),
    }
}

#[derive(Serialize)]
struct Opened {
    seconds: u16,
}

fn window(seconds: u16, shown: &Shown, place: &At, json: bool) -> Result<()> {
    let shots = shots(shown)?.unwrap_or_default();
    let (mut session, mailbox) = place.open()?;
    people::open_window(&mut session, seconds)?;
    show(json, &Opened { seconds }, |out, Opened { seconds }| {
        writeln!(out, "a controller on the second line may change people for {seconds} s")
    })?;
    // An emulated device stops with this program.
    mailbox.map_or(Ok(()), |mut mailbox| {
        people::keep_showing(&mut session, &mut mailbox, &shots, Duration::from_secs(seconds.into()))
    })
}

/// Somebody who administers a device.
#[derive(Serialize)]
struct Administrator {
    key: String,
    is_mine: bool,
}

fn administrators(remove: Option<&str>, place: &At, json: bool) -> Result<()> {
    let keys = Keys::read(&place.key)?;
    let own = *keys.pair().public();
    let administrator = |key: &[u8; 32]| Administrator { key: hex(key), is_mine: *key == own };
    let (mut session, _) = place.open_with(&keys)?;
    if let Some(digits) = remove {
        let removed = administrator(&people::remove_administrator(&mut session, &own, digits)?);
        return show(json, &removed, |out, removed| {
            writeln!(out, "removed the administrator {}", removed.key)
        });
    }
    let all: Vec<_> = people::administrators(&mut session)?.iter().map(administrator).collect();
    show(json, &all, |out, all| {
        all.iter().try_for_each(|one| {
            writeln!(out, "{}{}", one.key, if one.is_mine { "  this computer" } else { "" })
        })
    })
}

fn mode_text(mode: Mode) -> &'static str {
    match mode {
        Mode::Idle => "idle",
        Mode::Scan => "looking at a face",
        Mode::Open => "open",
        Mode::Locked => "locked: too many strangers",
        Mode::Enrol => "enrolling",
        Mode::Update => "updating",
        Mode::Service => "service: it lets nobody in until it is looked after",
    }
}

#[derive(Serialize)]
struct Info {
    name: String,
    board: String,
    network: String,
    /// Why it lets nobody in; empty if it does.
    trouble: String,
    /// The port that was given, and what it is on USB.
    port: Option<PortOfBoard>,
    #[serde(flatten)]
    device: Device,
}

impl Info {
    fn new(session: &Session, device: Device) -> Self {
        let hello = session.hello();
        let texts = [session.name(), &hello.board, &hello.network, &hello.trouble];
        let [name, board, network, trouble] = texts.map(str::to_string);
        Info { name, board, network, trouble, port: None, device }
    }

    fn print(&self, out: &mut String) -> fmt::Result {
        let Device { people, places, strangers, locked_seconds, starts, seconds, administrators, .. } =
            self.device;
        let Device { erasures, cycles, .. } = self.device;
        writeln!(
            out,
            "{} ({}), firmware {}",
            visible(&self.name),
            visible(&self.board),
            self.device.firmware
        )?;
        if let Some(PortOfBoard { path, usb, boards }) = &self.port {
            let on_usb = usb.as_ref().map_or("not on USB".to_string(), |usb| format!("USB {usb}"));
            let said = if boards.is_empty() {
                "no board's identity".to_string()
            } else {
                format!("the identity of {}", boards.join(" or "))
            };
            writeln!(out, "port            {path}, {on_usb}, {said}")?;
        }
        writeln!(out, "network         {}", visible(&self.network))?;
        writeln!(out, "image           version {} or higher", self.device.image_version)?;
        writeln!(out, "mode            {}", mode_text(self.device.mode))?;
        if !self.trouble.is_empty() {
            writeln!(out, "trouble         {}", visible(&self.trouble))?;
        }
        if locked_seconds > 0 {
            writeln!(out, "locked for      {locked_seconds} s more")?;
        }
        writeln!(
            out,
            "people          {people} on the device, room for {places} more with three centres each"
        )?;
        let worn = 100.0 * f64::from(erasures) / f64::from(cycles.max(1));
        writeln!(
            out,
            "flash           no page erased more than {erasures} times, {worn:.2} % of the {cycles} that it can be"
        )?;
        writeln!(out, "strangers       {strangers} since somebody was let in")?;
        writeln!(out, "administrators  {administrators}")?;
        writeln!(out, "starts          {starts}, the last one {seconds} s ago")
    }
}

fn print_people(out: &mut String, people: &[Person]) -> fmt::Result {
    if people.is_empty() {
        return writeln!(out, "nobody is enrolled");
    }
    writeln!(out, "{:>10}  {:>7}  {:6}  name", "number", "centres", "where")?;
    for person in people {
        let place = if person.is_of_image { "image" } else { "device" };
        writeln!(out, "{:>10}  {:>7}  {place:6}  {}", person.id, person.centres, visible(&person.name))?;
    }
    Ok(())
}

fn print_log(out: &mut String, entries: &[LogEntry]) -> fmt::Result {
    if entries.is_empty() {
        return writeln!(out, "no decision yet");
    }
    for entry in entries {
        let said = verdict_text(entry.verdict);
        writeln!(out, "{:>6}  start {:>4}  {:>8} s  {said}", entry.number, entry.starts, entry.seconds)?;
    }
    Ok(())
}
