//! Kills an emulated device at random moments, and looks whether it remembers what it has acknowledged. What the store does
//! at every step of a cut is tested with the simulated flash; here the whole way is cut: link, session, device, store, and
//! a file that the emulator shares.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host::board::Board;
use host::device::keys::Keys;
use host::device::people;
use host::device::place::{Place, Reached};
use link::message::PeopleRequest;

/// Longest time from a request to the kill: a commit takes some milliseconds.
const WITHIN: Duration = Duration::from_millis(30);
/// Longest time from a start to the kill, where the start is cut.
const STARTING: Duration = Duration::from_millis(400);

/// What was found.
#[derive(Debug, Default)]
struct Tally {
    /// Kills while a request was carried out, or before it.
    in_requests: usize,
    /// Kills while the device started.
    in_starts: usize,
    /// Requests that were acknowledged before the kill.
    acknowledged: usize,
    /// Requests that were not, and are in force all the same.
    in_force: usize,
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }

    fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(longest.as_micros() as u64))
    }
}

/// Kills the device `count` times.
///
/// # Errors
/// When something acknowledged is lost, something deleted comes back, a counter goes back, or the device does not start.
pub fn run(count: usize, image: &Path, faces: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let board = Board::named(host::board::DEFAULT)?;
    let state = folder.path().join("state");
    let place = Place::Emulated {
        board,
        image: Some(image.to_path_buf()),
        is_flashed: false,
        maker_key: None,
        state,
        front: None,
    };
    let mut keys = Keys::read_or_new(&folder.path().join("admin.key"))?;
    place.pair(&mut keys, None)?;

    let shots = host::demo::door::shots(faces)?;
    let enrol = |name: &str| -> Result<u32> {
        let (mut session, mut mailbox) = place.open(&keys, None)?;
        people::enrol(&mut session, mailbox.as_mut(), name, shots.iter().cloned().map(Ok), |_| {})
    };
    let mut name = "person 0".to_string();
    let mut id = enrol(&name)?;
    let (mut random, mut tally, mut starts) = (Random(1), Tally::default(), 0);
    for number in 1..=count {
        if random.below(4) == 0 {
            tally.in_starts += 1;
            place.reach_until(random.within(STARTING))?;
        } else {
            tally.in_requests += 1;
            let next = format!("person {number}");
            let is_deletion = random.below(12) == 0;
            let Reached { greeted, process, mailbox } = place.reach()?;
            let mut session = greeted.open(&keys, None)?;
            let killer = kill_after(process.context("a process")?, random.within(WITHIN));
            let request = match is_deletion {
                true => PeopleRequest::Delete(id),
                false => PeopleRequest::Rename(id, &next),
            };
            let is_acknowledged = people::order(&mut session, &request).is_ok();
            killer.join().ok().context("the killer ended")?;
            drop((session, mailbox));
            tally.acknowledged += usize::from(is_acknowledged);
            let (mut session, _mailbox) = place.open(&keys, None)?;
            let found: Vec<_> =
                people::list(&mut session)?.into_iter().filter(|person| !person.is_of_image).collect();
            let is_new = match found.as_slice() {
                [] => is_deletion,
                [person] => {
                    ensure!(person.id == id, "kill {number}: the person has another number");
                    ensure!(*person.name == *name || *person.name == *next, "kill {number}: another name");
                    !is_deletion && *person.name == *next
                }
                _ => anyhow::bail!("kill {number}: {} people, there was one", found.len()),
            };
            ensure!(
                is_new || !is_acknowledged,
                "kill {number}: an acknowledged change is lost ({request:?})"
            );
            ensure!(is_new || !found.is_empty(), "kill {number}: a person is lost");
            tally.in_force += usize::from(is_new && !is_acknowledged);
            drop((session, _mailbox));
            if is_new && is_deletion {
                let again = enrol(&next)?;
                ensure!(again > id, "kill {number}: number {again} was used before");
                (id, name) = (again, next);
            } else if is_new {
                name = next;
            }
        }
        let (mut session, _mailbox) = place.open(&keys, None)?;
        let condition = people::condition(&mut session)?;
        ensure!(
            condition.starts > starts,
            "kill {number}: the count of starts went back to {}",
            condition.starts
        );
        ensure!(condition.people == 1 && condition.administrators == 1, "kill {number}: {condition:?}");
        starts = condition.starts;
        if number.is_multiple_of(25) {
            eprintln!("bench: {number} of {count} kills, {starts} starts");
        }
    }
    println!(
        "{count} kills of an emulated {}: {} while it started, {} around a request. {} requests were acknowledged before the \
         kill and none of them is lost; {} were in force without an acknowledgement. It started every time, {starts} times.",
        board.name, tally.in_starts, tally.in_requests, tally.acknowledged, tally.in_force
    );
    Ok(())
}

/// Kills a process after a time.
fn kill_after(process: u32, after: Duration) -> std::thread::JoinHandle<()> {
    let at = Instant::now() + after;
    std::thread::spawn(move || {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        host::interrupt::kill(process);
    })
}
