//! What the firmware of a device may do: panic in known places only, take no more flash and RAM than it has, and close the
//! door when it panics all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use app::device::mailbox;
use audit::panics::Place;
use audit::program::Program;
use audit::{boards, panics, sizes};

/// Crates that may panic nowhere.
const FREE: [&str; 10] =
    ["app", "face", "fm22x", "format", "link", "matcher", "nn", "seal", "store", "vision"];

/// Whether a file is of a crate that may panic nowhere.
fn is_free(file: &str) -> bool {
    FREE.iter()
        .any(|name| file.starts_with(&format!("firmware/{name}/")) || file.starts_with(&format!("{name}::")))
}

/// The places from which a program of a board may panic. The program has code of the kernel set `set`.
fn places(board: &str, example: &str, set: &str) -> BTreeMap<Place, BTreeSet<String>> {
    let facts = boards::facts(board).unwrap();
    let elf = std::fs::read(boards::build(&facts, example).unwrap()).unwrap();
    let program = Program::parse(&elf).unwrap();
    assert!(program.functions.values().any(|function| function.name.contains(set)), "no code of {set}");
    let places = panics::places(&program, &boards::root().unwrap().display().to_string()).unwrap();
    assert!(!places.is_empty(), "a program that never panics was not read");
    places
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn crates_that_may_panic_nowhere_do_not_with_helium_either() {
    // A whole device for a Cortex-M55, which no machine emulates.
    let places = places("stm32n657", "door", "nn::kernels::helium");
    let found: Vec<String> = places
        .iter()
        .filter(|(place, _)| is_free(&place.file))
        .map(|(place, lines)| format!("{place}: {lines:?}"))
        .collect();
    assert!(found.is_empty(), "the firmware can panic:\n{}", found.join("\n"));
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn firmware_panics_in_known_places_only() {
    let list = std::fs::read_to_string(boards::root().unwrap().join("tests/audit/panics.txt")).unwrap();
    let allowed = panics::allowed(&list, is_free).unwrap();
    let places = places("qemu-m7", "probe", "nn::kernels::dsp");
    let unknown: Vec<String> = places
        .iter()
        .filter(|(place, _)| is_free(&place.file) || !allowed.iter().any(|entry| entry.allows(place)))
        .map(|(place, lines)| format!("{place}: {lines:?}"))
        .collect();
    assert!(unknown.is_empty(), "the firmware can panic:\n{}", unknown.join("\n"));
    let unneeded: Vec<String> = allowed
        .iter()
        .filter(|entry| !places.keys().any(|place| entry.allows(place)))
        .map(ToString::to_string)
        .collect();
    assert!(unneeded.is_empty(), "panics.txt allows what does not occur:\n{}", unneeded.join("\n"));
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn door_stays_within_its_budgets() {
    let facts = boards::facts("qemu-m7").unwrap();
    let elf = std::fs::read(boards::build(&facts, "door").unwrap()).unwrap();
    let program = Program::parse(&elf).unwrap();
    let root = boards::root().unwrap().display().to_string();
    let budget = sizes::Budget::of(&program, &root).unwrap();
    println!("{budget}");
    assert!(budget.device_bytes() <= sizes::MOST_DEVICE_BYTES, "{budget}");
    assert!(budget.static_bytes() + sizes::STACK_BYTES <= sizes::MOST_RAM_BYTES, "{budget}");
}

/// An emulated device that ends with the test.
struct Device {
    child: Child,
    ram: File,
    mailbox: u64,
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Device {
    fn read(&mut self, place: usize) -> u32 {
        let mut word = [0; 4];
        self.ram.seek(SeekFrom::Start(self.mailbox + place as u64)).unwrap();
        self.ram.read_exact(&mut word).unwrap();
        u32::from_le_bytes(word)
    }

    fn write(&mut self, place: usize, value: u32) {
        self.ram.seek(SeekFrom::Start(self.mailbox + place as u64)).unwrap();
        self.ram.write_all(&value.to_le_bytes()).unwrap();
    }

    /// Waits until a condition holds.
    fn wait(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited for: {what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn device_that_panics_closes_the_door_and_starts_anew() {
    closes_the_door_and_starts_anew("crash");
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn device_whose_stack_overflows_closes_the_door_and_starts_anew() {
    closes_the_door_and_starts_anew("overflow");
}

fn closes_the_door_and_starts_anew(example: &str) {
    for board in ["qemu-m4", "qemu-m7"] {
        let facts = boards::facts(board).unwrap();
        let elf = boards::build(&facts, example).unwrap();
        let (shared, frame) = (facts.qemu_ram.unwrap(), facts.memory.frame.unwrap());
        let mut ram = tempfile::NamedTempFile::new().unwrap();
        ram.as_file_mut().set_len(shared.bytes as u64).unwrap();
        let mut qemu = boards::device(&facts, &elf, ram.path()).unwrap();
        let child = qemu.stdin(Stdio::null()).spawn().unwrap();
        let mailbox = u64::from(frame.address - shared.address) + (frame.bytes - mailbox::BYTES) as u64;
        let mut device = Device { child, ram: ram.reopen().unwrap(), mailbox };

        let is_open = |device: &mut Device| device.read(mailbox::OUTPUT) == 1;
        device.wait("an open door", is_open);
        device.wait("a watchdog that is fed", |device| device.read(mailbox::ALIVE) > 3);
        device.write(mailbox::BUTTON, 1);
        device.wait("a closed door", |device| !is_open(device));
        let fed = device.read(mailbox::ALIVE);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(
            (device.read(mailbox::ALIVE), is_open(&mut device)),
            (fed, false),
            "{board}: it stands still"
        );
        device.write(mailbox::BUTTON, 0);
        device.wait("another start", is_open);
        device.wait("a watchdog that is fed again", |device| device.read(mailbox::ALIVE) > fed + 3);
        assert!(device.child.try_wait().unwrap().is_none(), "{board}: the emulator still runs");
    }
}
