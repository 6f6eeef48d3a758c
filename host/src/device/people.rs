//! What is asked of a device about people.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use link::message::{
    Device, LogEntry, Mode, Notice, PeopleReply, PeopleRequest, Person, PersonId, Seen, Shot, ShotResult,
    Verdict, View,
};
use link::session::PublicKey;
use serde::Serialize;

use super::camera::Mailbox;
use super::session::{Event, Session, surprised};
use crate::name::{self, composed, visible};
use crate::secret::{hex, short};
use crate::sight::camera;

/// How often an emulated device is shown a photo before the next one: it follows a face through three frames, and examines
/// it from the third on.
const SHOWINGS: usize = 8;
/// Time in which a device looks at a frame.
const LOOKING: Duration = Duration::from_secs(60);
/// Time in which somebody in front of a real device gives the next usable photo.
const POSING: Duration = Duration::from_secs(90);

/// Somebody on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Somebody {
    /// Their number.
    pub id: PersonId,
    /// Their name.
    pub name: String,
}

impl Somebody {
    fn of(person: &Person) -> Self {
        Somebody { id: person.id, name: person.name.to_string() }
    }
}

/// Everybody who is enrolled, on the device and in its image.
///
/// # Errors
/// When the device does not answer.
pub fn list(session: &mut Session) -> Result<Vec<Person>> {
    let mut people: Vec<Person> = Vec::new();
    loop {
        let after = people.last().map(|person| person.id);
        match session.people(&PeopleRequest::List(after))? {
            PeopleReply::People(some) if some.is_empty() => return Ok(people),
            PeopleReply::People(some) => people.extend(some),
            reply => return Err(surprised(&reply)),
        }
    }
}

/// How the device is.
///
/// # Errors
/// As [`list`].
pub fn condition(session: &mut Session) -> Result<Device> {
    match session.people(&PeopleRequest::Status)? {
        PeopleReply::Device(device) => Ok(device),
        reply => Err(surprised(&reply)),
    }
}

/// The last decisions.
///
/// # Errors
/// As [`list`].
pub fn log(session: &mut Session) -> Result<Vec<LogEntry>> {
    let mut entries: Vec<LogEntry> = Vec::new();
    loop {
        let from = entries.last().map_or(0, |entry| entry.number.saturating_add(1));
        match session.people(&PeopleRequest::Log(from))? {
            PeopleReply::Log(some) if some.is_empty() => return Ok(entries),
            PeopleReply::Log(some) => {
                ensure!(some.iter().all(|entry| entry.number >= from), "the device repeats its log");
                entries.extend(some);
            }
            reply => return Err(surprised(&reply)),
        }
    }
}

/// Asks for something that is done or refused.
///
/// # Errors
/// What the device refuses; as [`list`].
pub fn order(session: &mut Session, request: &PeopleRequest<'_>) -> Result<()> {
    match session.people(request)? {
        PeopleReply::Done => Ok(()),
        reply => Err(surprised(&reply)),
    }
}

/// The keys of all administrators.
///
/// # Errors
/// As [`list`].
pub fn administrators(session: &mut Session) -> Result<Vec<PublicKey>> {
    match session.people(&PeopleRequest::Administrators)? {
        PeopleReply::Administrators(keys) => Ok(keys.to_vec()),
        reply => Err(surprised(&reply)),
    }
}

/// Removes the administrator whose key begins with these hexadecimal digits; `own` only with all of them. Returns the key.
///
/// # Errors
/// When there is none, more than one, or only this one; as [`list`].
pub fn remove_administrator(session: &mut Session, own: &PublicKey, digits: &str) -> Result<PublicKey> {
    let keys = administrators(session)?;
    let digits = digits.to_ascii_lowercase();
    let mut found = keys.iter().filter(|key| hex(*key).starts_with(&digits));
    let (Some(key), None) = (found.next(), found.next()) else {
        let all: Vec<_> = keys.iter().map(short).collect();
        bail!(
            "not one administrator's key begins with {digits}; the keys of the administrators begin with {}",
            all.join(", ")
        );
    };
    ensure!(
        keys.len() > 1,
        "this is the device's last administrator; pair another computer first, or erase the device's store"
    );
    ensure!(
        key != own || digits.len() == 2 * own.len(),
        "{} is this computer's own key: without it, it administers the device no more. If that is meant, give all digits: {}",
        short(key),
        hex(key)
    );
    order(session, &PeopleRequest::RemoveAdministrator(*key))?;
    Ok(*key)
}

/// The person of the device with this name or number.
///
/// # Errors
/// When there is none, or the image holds it.
pub fn find(session: &mut Session, who: &str) -> Result<Person> {
    find_in(&list(session)?, who).cloned()
}

/// The one of these people with this name, in any spelling, or number.
fn find_in<'a>(people: &'a [Person], who: &str) -> Result<&'a Person> {
    let name = composed(who);
    let is_meant = |person: &&Person| composed(&person.name) == name || person.id.to_string() == who;
    let mut meant = people.iter().filter(is_meant);
    let who = visible(who);
    let Some(person) = meant.next() else {
        let names: Vec<String> =
            people.iter().filter(|person| !person.is_of_image).map(|person| visible(&person.name)).collect();
        bail!(
            "nobody is called {who} or has this number; enrolled on the device: {}",
            match names.is_empty() {
                true => "nobody".to_string(),
                false => names.join(", "),
            }
        );
    };
    if let Some(other) = meant.next() {
        let both = [person, other].map(|person| format!("{} (number {})", visible(&person.name), person.id));
        bail!("{who} can be {}; give the name or the number of which only one is meant", both.join(" or "));
    }
    ensure!(
        !person.is_of_image,
        "{} is enrolled in the image; remove them with `host gallery remove` and flash the image",
        visible(&person.name)
    );
    Ok(person)
}

/// A name as a device is given it.
///
/// # Errors
/// When the name is none, or could be meant as a person's number.
pub fn new_name(name: &str) -> Result<String> {
    let name = name::checked(name)?;
    ensure!(
        !name.bytes().all(|digit| digit.is_ascii_digit()),
        "the name {name} could not be told from a person's number; give another"
    );
    Ok(name)
}

/// Deletes people by their names or numbers. Everybody is found before anybody is deleted.
///
/// # Errors
/// As [`find`] and [`order`].
pub fn delete(session: &mut Session, people: &[String]) -> Result<Vec<Somebody>> {
    let found: Vec<Person> = people.iter().map(|who| find(session, who)).collect::<Result<_>>()?;
    let mut deleted: Vec<Somebody> = Vec::new();
    for person in &found {
        if deleted.iter().all(|one| one.id != person.id) {
            order(session, &PeopleRequest::Delete(person.id))?;
            deleted.push(Somebody::of(person));
        }
    }
    Ok(deleted)
}

/// Deletes everybody whom the device enrolled.
///
/// # Errors
/// As [`order`].
pub fn delete_all(session: &mut Session) -> Result<Vec<Somebody>> {
    let people = list(session)?;
    order(session, &PeopleRequest::DeleteAll)?;
    Ok(people.iter().filter(|person| !person.is_of_image).map(Somebody::of).collect())
}

/// Gives the person with this name or number another name.
///
/// # Errors
/// As [`new_name`], [`find`] and [`order`].
pub fn rename(session: &mut Session, who: &str, name: &str) -> Result<Somebody> {
    let name = new_name(name)?;
    let person = find(session, who)?;
    order(session, &PeopleRequest::Rename(person.id, &name))?;
    Ok(Somebody { id: person.id, name })
}

/// Enrols somebody from what stands before the device's camera: before a real one a person, before an emulated one these
/// frames. `told` hears of every photo.
///
/// # Errors
/// When there are too few usable photos, or the device refuses.
pub fn enrol(
    session: &mut Session,
    mailbox: Option<&mut Mailbox>,
    name: &str,
    shots: impl Iterator<Item = Result<camera::Shot>>,
    mut told: impl FnMut(&Shot),
) -> Result<PersonId> {
    order(session, &PeopleRequest::Enrol(name))?;
    let is_complete = match mailbox {
        Some(mailbox) => pose(session, mailbox, shots, &mut told),
        None => wait_for_shots(session, &mut told),
    };
    match is_complete {
        Ok(true) => {}
        Ok(false) => {
            order(session, &PeopleRequest::Discard)?;
            bail!(
                "too few usable photos; nobody was enrolled. Give more photos, of different looks of one person"
            );
        }
        Err(error) => {
            // The device gives the enrolment up by itself if it does not hear this.
            let _ = order(session, &PeopleRequest::Discard);
            return Err(error);
        }
    }
    match session.people(&PeopleRequest::Commit)? {
        PeopleReply::Committed(id) => Ok(id),
        reply => Err(surprised(&reply)),
    }
}

/// Shows an emulated device one photo after another. Returns whether all shots are taken.
fn pose(
    session: &mut Session,
    mailbox: &mut Mailbox,
    shots: impl Iterator<Item = Result<camera::Shot>>,
    told: &mut impl FnMut(&Shot),
) -> Result<bool> {
    for shot in shots {
        let shot = shot?;
        for _ in 0..SHOWINGS {
            mailbox.show(&shot)?;
            ensure!(mailbox.is_taken_within(LOOKING)?, "the emulated device does not look at the frame");
            let mut is_next = false;
            while let Some(event) = session.event(Duration::from_millis(20))? {
                if let Event::Shot(said) = event {
                    told(&said);
                    if said.taken >= said.needed {
                        return Ok(true);
                    }
                    is_next = true;
                }
            }
            if is_next {
                break;
            }
        }
    }
    Ok(false)
}

/// Waits until a real device has all shots.
fn wait_for_shots(session: &mut Session, told: &mut impl FnMut(&Shot)) -> Result<bool> {
    while let Some(event) = session.event(POSING)? {
        if let Event::Shot(said) = event {
            told(&said);
            if said.taken >= said.needed {
                return Ok(true);
            }
            if said.result == ShotResult::NoFace {
                return Ok(false);
            }
        }
    }
    Ok(false)
}

/// Lets a controller on the device's second line change people for so many seconds; 0 ends it.
///
/// # Errors
/// When the device has no second line; as [`list`].
pub fn open_window(session: &mut Session, seconds: u16) -> Result<()> {
    order(session, &PeopleRequest::Window(seconds))
}

/// Keeps an emulated device running for a time, and shows it frames in turn.
///
/// # Errors
/// When the link or the emulator fails.
pub fn keep_showing(
    session: &mut Session,
    mailbox: &mut Mailbox,
    shots: &[camera::Shot],
    time: Duration,
) -> Result<()> {
    let end = Instant::now() + time;
    let mut shots = shots.iter().cycle();
    while Instant::now() < end {
        if let Some(shot) = shots.next() {
            mailbox.show(shot)?;
        }
        session.event(Duration::from_millis(20))?;
    }
    Ok(())
}

/// What became of somebody who stood in front of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stood {
    /// The device decided, and the door is open or not.
    Decided(Verdict, bool),
    /// The device came to no decision: no usable face.
    Undecided,
    /// The device lets nobody in for this many seconds.
    Locked(u32),
}

/// What an emulated device decides on a frame that its camera shows, as if somebody stood there. Waits until the door is
/// closed first, and shows an empty frame before and after.
///
/// # Errors
/// When the link or the emulator fails.
pub fn stand(session: &mut Session, mailbox: &mut Mailbox, shot: &camera::Shot) -> Result<Stood> {
    let deadline = Instant::now() + LOOKING;
    while mailbox.is_open()? {
        ensure!(Instant::now() < deadline, "the emulated device does not close the door");
        session.event(Duration::from_millis(20))?;
    }
    let condition = condition(session)?;
    if condition.mode == Mode::Locked {
        return Ok(Stood::Locked(condition.locked_seconds));
    }
    // Whoever stood there before is gone.
    let empty = camera::Shot { pixels: vec![0; shot.pixels.len()], ..shot.clone() };
    mailbox.show(&empty)?;
    let mut stood = Stood::Undecided;
    for _ in 0..SHOWINGS {
        mailbox.show(shot)?;
        ensure!(mailbox.is_taken_within(LOOKING)?, "the emulated device does not look at the frame");
        if let Some(verdict) = verdict(session)? {
            stood = Stood::Decided(verdict, mailbox.is_open()?);
            break;
        }
    }
    if !mailbox.is_open()? && self::condition(session)?.mode != Mode::Locked {
        mailbox.show(&empty)?;
        ensure!(mailbox.is_taken_within(LOOKING)?, "the emulated device does not look at the frame");
        // Whoever leaves in the middle of a vote is decided on, too.
        if let (Stood::Undecided, Some(verdict)) = (stood, verdict(session)?) {
            stood = Stood::Decided(verdict, mailbox.is_open()?);
        }
    }
    Ok(stood)
}

/// The next verdict, if there is one soon.
fn verdict(session: &mut Session) -> Result<Option<Verdict>> {
    while let Some(event) = session.event(Duration::from_millis(20))? {
        if let Event::Notice(Notice::Verdict(verdict)) = event {
            return Ok(Some(verdict));
        }
    }
    Ok(None)
}

/// What the device sees in a frame that goes over the link, with all figures.
///
/// # Errors
/// When the frame is refused, or the link fails.
pub fn see(session: &mut Session, shot: &camera::Shot) -> Result<Seen> {
    let camera::Shot { width, height, format, attention, .. } = *shot;
    session.see(View { width, height, format, is_sent: true, attention }, &shot.pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: PersonId, name: &str) -> Person {
        Person { id, name: name.try_into().unwrap(), centres: 1, is_of_image: id > 9 }
    }

    #[test]
    fn names_that_could_be_numbers_are_not_given() {
        assert_eq!(new_name("Ada 2").unwrap(), "Ada 2");
        assert!(new_name("42").unwrap_err().to_string().contains("a person's number"));
        assert!(new_name("").is_err());
    }

    #[test]
    fn person_is_found_by_any_spelling_or_number_and_never_by_chance() {
        let people = [person(1, "Jos\u{e9}"), person(2, "3"), person(3, "Ada"), person(10, "Eve")];
        let found = |who| find_in(&people, who).map(|person| person.id).map_err(|error| error.to_string());
        assert_eq!([found("Jose\u{301}"), found("1"), found("Ada")], [Ok(1), Ok(1), Ok(3)]);
        let both = found("3").unwrap_err();
        assert!(both.contains("3 (number 2) or Ada (number 3)"), "{both}");
        assert!(found("10").unwrap_err().contains("host gallery remove"));
        let nobody = found("a\nb\u{1b}").unwrap_err();
        assert!(!nobody.contains(['\n', '\u{1b}']) && nobody.contains("Ada"), "{nobody}");
    }
}
