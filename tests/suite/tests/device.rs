//! A device on an emulated Cortex-M7, as a user meets it: paired, people enrolled by its own eyes, nothing lost and nothing
//! kept that should not be when the power goes. Every command starts the machine anew on the same flash.
//!
//! Without QEMU or a compiler for the board the tests are ignored, or fail if `GEODE_BOARDS=required` is set, as in
//! `./test.sh`.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command as Program, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use fm22x::message::{Enrol, Name};
use fm22x::{Command, Decoder, Outcome, Reply};

use host::board::{Board, DEFAULT};
use host::demo::door::shots;
use host::device::keys::Keys;
use host::device::people::{self, Stood};
use host::device::place::Place;
use link::message::{LogEntry, PeopleRequest, Verdict};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use suite::command::{fails, succeeds};
use suite::documented::check;
use suite::door::built;
use suite::program;
use tempfile::TempDir;

/// The image's people have numbers from here on.
const FIRST_OF_IMAGE: u64 = 1 << 31;
/// Place of the flash for people in the file of the board's memory, its log and its halves.
const STORE: usize = 0xe8_0000;
const LOG_BYTES: usize = 2 * 4096;
const HALF_BYTES: usize = 31 * 4096;

/// A device, and an administrator's computer in a folder.
struct Door {
    folder: Rc<TempDir>,
    image: String,
    state: &'static str,
    key: &'static str,
}

impl Door {
    /// Paired, in its own folder.
    fn new() -> Door {
        let door = Door::unpaired();
        door.json(&["pair"]);
        door
    }

    /// That nobody has paired with, in its own folder.
    fn unpaired() -> Door {
        let image = built().join("door.geode").display().to_string();
        Door { folder: Rc::new(tempfile::tempdir().unwrap()), image, state: "state", key: "admin.key" }
    }

    /// Another device with the same administrator, who calls it so.
    fn beside(&self, name: &'static str) -> Door {
        let door =
            Door { folder: self.folder.clone(), image: self.image.clone(), state: name, key: self.key };
        door.json(&["pair", "--name", name]);
        door
    }

    /// The same device, and another computer that is paired with it.
    fn seen_from(&self, key: &'static str) -> Door {
        let door = Door { folder: self.folder.clone(), image: self.image.clone(), state: self.state, key };
        door.json(&["pair"]);
        door
    }

    fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let place = ["--image", &self.image, "--state", self.state, "--key", self.key];
        [&["device"][..], command, &place].concat()
    }

    /// A command that succeeds; what it printed.
    fn does(&self, command: &[&str]) -> String {
        succeeds(self.folder.path(), &self.arguments(command))
    }

    /// A command that fails; what it said.
    fn refuses(&self, command: &[&str]) -> String {
        fails(self.folder.path(), &self.arguments(command))
    }

    fn json(&self, command: &[&str]) -> Value {
        let printed = self.does(&[command, &["--json"]].concat());
        let documented = match command[0] {
            "enrol" | "rename" => "enrol, rename",
            "unlock" => "info",
            command => command,
        };
        check(&format!("host device {documented}"), &printed);
        serde_json::from_str(&printed).unwrap()
    }

    /// A command that runs until it is ended.
    fn starts(&self, command: &[&str]) -> Child {
        let mut program = Program::new(program());
        let program = program.args(self.arguments(command)).current_dir(self.folder.path());
        program.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Numbers of the people whom the device accepts in each photo; `None` where it accepts nobody.
    fn accepted(&self, photos: &[&str]) -> Vec<Option<u64>> {
        let photos: Vec<String> =
            photos.iter().map(|photo| built().join(photo).display().to_string()).collect();
        let photos: Vec<&str> = photos.iter().map(String::as_str).collect();
        let answers = self.json(&[&["recognise", "--frames"], &photos[..]].concat());
        let answers = answers.as_array().unwrap();
        for answer in answers {
            assert_eq!(answer["is_open"].as_bool().unwrap(), !answer["accepted"].is_null(), "{answer}");
        }
        answers.iter().map(|answer| answer["accepted"].as_u64()).collect()
    }

    /// The flash for people.
    fn flash(&self) -> Vec<u8> {
        let memory = std::fs::read(self.folder.path().join(self.state)).unwrap();
        memory[STORE..STORE + LOG_BYTES + 2 * HALF_BYTES].to_vec()
    }
}

/// A controller on the second line of a device that runs as long as this.
struct Controller {
    running: Child,
    line: UnixStream,
    decoder: Decoder<{ fm22x::frame::MAX_REPLY_FRAME_BYTES }>,
}

impl Controller {
    /// In a window of ten minutes, in front of these photos.
    fn new(door: &Door, photos: &str) -> Controller {
        let mut running = door.starts(&["window", "600", "--frames", photos, "--front", "front", "--json"]);
        check("host device window", &first_value(&mut running));
        let socket = door.folder.path().join("front");
        let start = Instant::now();
        let line = loop {
            assert_eq!(running.try_wait().unwrap(), None);
            assert!(start.elapsed() < PATIENCE);
            match UnixStream::connect(&socket) {
                Ok(line) => break line,
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        line.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        Controller { running, line, decoder: Decoder::new() }
    }

    /// The reply to a command, which is sent again while nobody hears it or it is not permitted yet.
    fn ask(&mut self, command: &Command) -> Reply {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "{command:?} is not answered");
            self.line.write_all(&command.emit()).unwrap();
            // One that came while nobody listened yet is lost. One that is asked again while it is carried out is refused.
            let answered = self.reply(if matches!(command, Command::Enrol(_) | Command::Verify { .. }) {
                PATIENCE / 4
            } else {
                Duration::from_secs(2)
            });
            match answered {
                Some(Reply::Failed(_, Outcome::Rejected)) | None => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Some(reply) => return reply,
            }
        }
    }

    fn reply(&mut self, patience: Duration) -> Option<Reply> {
        let start = Instant::now();
        let mut byte = [0];
        while start.elapsed() < patience {
            if self.line.read(&mut byte).is_ok_and(|count| count == 1)
                && let Some(frame) = self.decoder.push(byte[0])
                && let Ok(reply) = Reply::parse(frame)
            {
                return Some(reply);
            }
        }
        None
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        end(&mut self.running);
    }
}

/// Ends a command. It is not killed, so that it ends its emulator.
fn end(running: &mut Child) {
    if let Some(number) = i32::try_from(running.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(number, Signal::TERM);
    }
    let _ = running.wait();
}

/// The first value of JSON that a command prints.
fn first_value(running: &mut Child) -> String {
    let values = serde_json::Deserializer::from_reader(running.stdout.take().unwrap()).into_iter::<Value>();
    values.map(|value| value.unwrap().to_string()).next().expect("the command prints a value")
}

/// Time in which a controller is answered.
const PATIENCE: Duration = Duration::from_secs(240);

/// All runs of 12 bytes in the halves behind their headers, but those that are mostly blank: of what ends before blank flash, the last
/// bytes may be equal by chance.
fn runs(flash: &[u8]) -> HashSet<&[u8]> {
    let halves = flash[LOG_BYTES..].chunks_exact(HALF_BYTES);
    let runs = halves.flat_map(|half| half[64..].windows(12));
    runs.filter(|run| run.iter().filter(|&&byte| byte != 0xff).count() >= 8).collect()
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn people_outlive_power_cuts_and_deletion_is_final() {
    let door = Door::new();
    let photos = built().join("obama").display().to_string();
    let enrolled = door.json(&["enrol", "Obama", "--frames", &photos]);
    let id = enrolled["id"].as_u64().unwrap();
    assert!(id < FIRST_OF_IMAGE);
    let list = door.json(&["list"]);
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|person| person["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Obama", "Biden"]);
    // Each command was a power cut.
    let accepted = door.accepted(&["obama/0.png", "biden.png", "strangers/7.png"]);
    assert_eq!(accepted, [Some(id), Some(FIRST_OF_IMAGE), None]);
    assert!(door.refuses(&["delete", "Biden"]).contains("enrolled in the image"));

    let before = door.flash();
    door.json(&["rename", "Obama", "Barack"]);
    let deleted = door.json(&["delete", "Barack"]);
    assert_eq!(deleted[0]["id"].as_u64(), Some(id));
    let after = door.flash();
    let sealed = runs(&before);
    assert!(!sealed.is_empty(), "people lie elsewhere in the flash");
    let left: Vec<_> = sealed.intersection(&runs(&after)).map(|run| run.to_vec()).collect();
    assert_eq!(left, Vec::<Vec<u8>>::new(), "nothing sealed stays");
    assert_eq!(door.accepted(&["obama/0.png", "biden.png"]), [None, Some(FIRST_OF_IMAGE)]);
    // The number is not used again.
    let again = door.json(&["enrol", "Obama", "--frames", &photos]);
    assert!(again["id"].as_u64().unwrap() > id);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn strangers_lock_the_door_until_an_administrator_unlocks_it() {
    let door = Door::new();
    let strangers: Vec<String> = (0..6).map(|_| "strangers/7.png".to_string()).collect();
    let strangers: Vec<&str> = strangers.iter().map(String::as_str).collect();
    assert_eq!(door.accepted(&strangers), [None; 6]);
    // A power cut does not help.
    let info = door.json(&["info"]);
    assert_eq!(info["mode"], "Locked");
    assert_eq!(door.accepted(&["biden.png"]), [None]);
    door.json(&["unlock"]);
    assert_eq!(door.json(&["info"])["mode"], "Idle");
    assert_eq!(door.accepted(&["biden.png"]), [Some(FIRST_OF_IMAGE)]);
    // Each command started the device anew, and the log went on.
    let log: Vec<LogEntry> = serde_json::from_str(&door.does(&["log", "--json"])).unwrap();
    let (last, strangers) = log.split_last().unwrap();
    assert_eq!(last.verdict, Verdict::Accepted(FIRST_OF_IMAGE as u32));
    assert!(strangers.len() >= 5 && strangers.iter().all(|entry| entry.verdict == Verdict::NotAccepted));
    assert!(strangers[0].starts < last.starts);
    assert!(log.iter().map(|entry| entry.number).eq(0..log.len() as u32));
    check("host device log", &serde_json::to_string(&[last]).unwrap());
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn people_move_to_another_board_through_a_computer_that_reads_nothing() {
    let door = Door::new();
    let gate = door.beside("gate");
    let photos = built().join("obama").display().to_string();
    door.json(&["enrol", "Obama", "--frames", &photos]);
    let backed_up = door.json(&["backup", "gate.people", "--for", "gate"]);
    assert_eq!((&backed_up["people"], &backed_up["to"]["name"]), (&1.into(), &"gate".into()));
    let path = door.folder.path().join("gate.people");
    let file = std::fs::read(&path).unwrap();
    assert!(!file.windows(5).any(|bytes| bytes == b"Obama"));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let said = door.refuses(&["restore", "gate.people"]);
    assert!(
        said.contains("is sealed for the board with key") && said.contains("gate in the key file"),
        "{said}"
    );
    std::fs::write(&path, &file[..file.len() - 1]).unwrap();
    assert!(gate.refuses(&["restore", "gate.people"]).contains("it is cut"));
    let mut changed = file.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    let said = gate.refuses(&["restore", "gate.people"]);
    assert!(said.contains("after 1 of 1 people") && said.contains("make the backup again"), "{said}");
    std::fs::write(&path, file).unwrap();

    let restored = gate.json(&["restore", "gate.people"]);
    assert_eq!((&restored[0]["name"], &restored[0]["result"]), (&"Obama".into(), &"there".into()));
    let id = restored[0]["id"].as_u64();
    assert_eq!(gate.accepted(&["obama/0.png", "biden.png"]), [id, Some(FIRST_OF_IMAGE)]);
    // Twice under two names, they would keep each other out.
    gate.json(&["rename", "Obama", "Barack"]);
    let restored = gate.json(&["restore", "gate.people"]);
    assert_eq!((&restored[0]["result"], restored[0]["id"].as_u64()), (&"left out".into(), id));
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn backup_brings_people_back_on_its_own_board() {
    let door = Door::new();
    let photos = built().join("obama").display().to_string();
    door.json(&["enrol", "Obama", "--frames", &photos]);
    door.json(&["backup", "people"]);
    door.json(&["delete", "--all"]);
    let restored = door.json(&["restore", "people"]);
    assert_eq!(restored[0]["result"], "restored");
    assert_eq!(door.accepted(&["obama/0.png"]), [restored[0]["id"].as_u64()]);
    let said = door.refuses(&["backup", "admin.key"]);
    assert!(said.contains("are one file"), "{said}");
    // A file from a board that this computer does not know.
    let path = door.folder.path().join("people");
    let mut file = std::fs::read(&path).unwrap();
    file[32..64].fill(7);
    std::fs::write(&path, file).unwrap();
    assert!(door.refuses(&["restore", "people"]).contains("which the key file does not have"));
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn administrators_are_removed_for_good_but_for_the_last() {
    let door = Door::new();
    let thief = door.seen_from("thief.key");
    let all = door.json(&["administrators"]);
    let key_of = |is_mine: bool| {
        let all = all.as_array().unwrap();
        all.iter().find(|one| one["is_mine"] == is_mine).unwrap()["key"].as_str().unwrap().to_string()
    };
    assert!(thief.refuses(&["administrators", "--remove", "xyz"]).contains(&key_of(true)[..16]));
    let said = door.refuses(&["administrators", "--remove", &key_of(true)[..12]]);
    assert!(said.contains("this computer's own key") && said.contains(&key_of(true)), "{said}");
    let removed: Value =
        serde_json::from_str(&door.does(&["administrators", "--remove", &key_of(false)[..12], "--json"]))
            .unwrap();
    assert_eq!((removed["key"].as_str(), &removed["is_mine"]), (Some(&*key_of(false)), &false.into()));
    assert!(thief.refuses(&["list"]).contains("does not know this administrator"));
    let said = door.refuses(&["administrators", "--remove", &key_of(true)]);
    assert!(said.contains("last administrator; pair another computer first"), "{said}");
    assert_eq!(door.json(&["info"])["administrators"], 1);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn controller_of_a_module_enrols_recognises_and_deletes_in_a_window() {
    let door = Door::new();
    let photos = built().join("obama").display().to_string();
    let id = {
        let mut controller = Controller::new(&door, &photos);
        assert!(matches!(controller.ask(&Command::Version), Reply::Version(_)));
        let name: Name = "Obama".try_into().unwrap();
        let enrol = Enrol {
            number: 0x1d,
            is_admin: false,
            name: name.clone(),
            direction: None,
            may_repeat: false,
            seconds: 240,
        };
        let Reply::Enrolled { id, .. } = controller.ask(&Command::Enrol(enrol)) else { panic!() };
        assert_eq!(controller.ask(&Command::Ids), Reply::Ids([id].into_iter().collect()));
        let Reply::Verified(user) = controller.ask(&Command::Verify { is_last: false, seconds: 120 }) else {
            panic!()
        };
        assert_eq!((user.id, user.name), (id, name));
        id
    };
    // The device was stopped, and the person is the device's as any other.
    assert_eq!(door.json(&["list"])[0]["id"].as_u64(), Some(id.into()));
    let mut controller = Controller::new(&door, &photos);
    assert_eq!(controller.ask(&Command::Delete(id)), Reply::Done(0x20));
    assert_eq!(controller.ask(&Command::Ids), Reply::Ids(Default::default()));
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn monitor_tells_that_a_device_without_a_picture_lets_nobody_in() {
    let door = Door::new();
    let mut running = door.starts(&["monitor", "--json"]);
    let value = first_value(&mut running);
    end(&mut running);
    assert_eq!(value, r#"{"mode":"Service"}"#);
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn machine_that_outlived_its_program_is_not_run_beside_another() {
    let door = Door::new();
    let mut running = door.starts(&["monitor", "--json"]);
    first_value(&mut running);
    // Without a chance to end its emulator.
    running.kill().unwrap();
    running.wait().unwrap();
    let number = std::fs::read_to_string(door.folder.path().join("state.pid")).unwrap();
    let number = number.trim();
    let said = door.refuses(&["list"]);
    assert!(said.contains("outlived the program") && said.contains(&format!("`kill {number}`")), "{said}");
    kill_process(Pid::from_raw(number.parse().unwrap()).unwrap(), Signal::TERM).unwrap();
    let start = Instant::now();
    while fails_to_list(&door) {
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(!door.folder.path().join("state.pid").exists());
}

/// Whether the device is still in use.
fn fails_to_list(door: &Door) -> bool {
    let mut program = Program::new(program());
    let program = program.args(door.arguments(&["list"])).current_dir(door.folder.path());
    !program.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn nobody_but_an_administrator_is_heard() {
    let door = Door::new();
    let other = Door::unpaired();
    std::fs::copy(door.folder.path().join("state"), other.folder.path().join("state")).unwrap();
    assert!(other.refuses(&["list"]).contains("host device pair"));
    // Somebody who is paired with another device.
    let stranger = Door::new();
    std::fs::copy(stranger.folder.path().join("admin.key"), other.folder.path().join("admin.key")).unwrap();
    let before = other.flash();
    assert!(other.refuses(&["delete", "--all"]).contains("does not know this administrator"));
    let changed = runs(&before).symmetric_difference(&runs(&other.flash())).count();
    assert_eq!(changed, 0, "nothing was written but the count of starts");
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn device_tests_itself_and_its_watchdog_starts_it_anew() {
    let door = Door::new();
    let starts = door.json(&["info"])["starts"].as_u64().unwrap();
    let report = door.json(&["selftest", "--watchdog"]);
    // The command's own start, and that of the watchdog.
    assert_eq!((report["is_sound"].as_bool(), report["starts"].as_u64()), (Some(true), Some(starts + 2)));
    let tests = report["tests"].as_array().unwrap();
    let row = |name: &str| tests.iter().find(|row| row["test"] == name).unwrap();
    for name in ["Golden", "Camera", "Flash", "Random", "Store", "Stack", "Watchdog"] {
        assert_eq!(row(name)["result"], "passed", "{}", row(name));
    }
    let words = row("Camera")["words"].as_str().unwrap();
    assert!(words.contains("320×240 rgb565") && words.contains("luminance 0 to 2"), "{words}");
    // The administrator alone.
    assert_eq!(row("Store")["figures"][0], 1);
    assert!(row("Stack")["figures"][0].as_u64().unwrap() > 20_000);
    // The device still does all that it did, and a camera that shows nothing fails the test.
    let black = image::RgbImage::new(320, 240);
    black.save(door.folder.path().join("black.png")).unwrap();
    let said = door.refuses(&["selftest", "--frames", "black.png"]);
    assert!(said.contains("the self-test failed: camera"), "{said}");
    assert_eq!(door.json(&["info"])["starts"].as_u64(), Some(starts + 4));
}

/// Most bytes of stack: 48 KiB without the statics of the program `door`, which the suite `audit` holds.
const STACK_BYTES: u32 = 48 * 1024 - 6_860;

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn stack_suffices_for_everything_that_a_device_does() {
    let door = Door::new();
    let at = |name: &str| door.folder.path().join(name);
    let place = Place::Emulated {
        board: Board::named(DEFAULT).unwrap(),
        image: None,
        is_flashed: false,
        maker_key: None,
        state: at("state"),
        front: None,
    };
    let (mut session, mailbox) = place.open(&Keys::read(&at("admin.key")).unwrap(), None).unwrap();
    let mut mailbox = mailbox.unwrap();
    let shots = shots(&built().join("obama")).unwrap();
    let all = shots.iter().cloned().map(Ok);
    let id = people::enrol(&mut session, Some(&mut mailbox), "Obama", all, |_| {}).unwrap();
    // More photos of somebody who is there.
    let all = shots.iter().rev().cloned().map(Ok);
    assert_eq!(people::enrol(&mut session, Some(&mut mailbox), "Obama", all, |_| {}).unwrap(), id);
    let stood = people::stand(&mut session, &mut mailbox, &shots[0]).unwrap();
    assert_eq!(stood, Stood::Decided(Verdict::Accepted(id), true));
    for request in [PeopleRequest::Rename(id, "Barack"), PeopleRequest::Delete(id), PeopleRequest::DeleteAll]
    {
        people::order(&mut session, &request).unwrap();
    }
    let seen = people::see(&mut session, &shots[0]).unwrap();
    let stack_bytes = seen.cost.stack_bytes;
    println!("{stack_bytes} bytes of stack, from the start of the device to here");
    assert!(stack_bytes > 20_000, "the stack was not measured: {stack_bytes}");
    assert!(stack_bytes <= STACK_BYTES, "{stack_bytes} bytes of stack, at most {STACK_BYTES}");
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn memory_of_another_board_or_another_file_is_refused() {
    let door = Door::new();
    let at = |name: &str| door.folder.path().join(name);
    std::fs::rename(at("state"), at("kept")).unwrap();
    std::fs::write(at("state"), "a letter").unwrap();
    assert!(door.refuses(&["list"]).contains("is no memory of the board"));
    assert_eq!(std::fs::read(at("state")).unwrap(), b"a letter");
}
