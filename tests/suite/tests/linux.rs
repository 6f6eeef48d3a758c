//! The device as a program for Linux, run as its user runs it: over its socket, with video on its standard input, killed in
//! between. What it sees and decides is what the simulator and an emulated Cortex-M7 see and decide in the same frames, bit for bit.
//!
//! `GEODE_DOOR` names another program than that of this computer, and `GEODE_DOOR_RUNNER` an emulator that runs it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use host::board::{Board, DEFAULT};
use host::device::keys::Keys;
use host::device::people::{self, Stood};
use host::device::place::Place;
use host::device::session::{Event, Session};
use host::people::change;
use host::photo;
use host::recognise::frames::Simulated;
use host::sight::camera::{Settings, Shot, takes};
use host::signing::{self, generate, signed};
use host::simulator::AlignedBytes;
use image::RgbImage;
use link::message::{
    Attention, Begin, LogEntry, MAX_CHUNK_BYTES, Mode, Notice, PeopleReply, PeopleRequest, Person, Progress,
    Ruling, Seen, SightCost, Target, UpdateReply, UpdateRequest, UpdateStage, Verdict,
};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use suite::command::{fails, run, succeeds};
use suite::documented::check;
use suite::door::{Recorder, built, record};
use tempfile::TempDir;

/// The image's people have numbers from here on.
const FIRST_OF_IMAGE: u32 = 1 << 31;
/// How often a photo is shown: a face is examined in its third frame, and two of three decisions open the door.
const SHOWINGS: usize = 6;
/// Time for whatever the device does, also in an emulator on a busy computer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The device's program, as a command.
fn door() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| match std::env::var_os("GEODE_DOOR") {
        Some(path) => path.into(),
        None => suite::built("geode-door"),
    });
    match std::env::var_os("GEODE_DOOR_RUNNER") {
        Some(runner) => {
            let mut command = Command::new(runner);
            command.arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// A photo of [`built`].
fn photo(name: &str) -> RgbImage {
    photo::load(&built().join(name)).unwrap()
}

/// The photos of the person who is enrolled.
fn photos() -> Vec<PathBuf> {
    photo::folder::list(&built().join("obama")).unwrap().found
}

/// Photos as the frames of a video, as the device's camera gives them.
fn shots(photos: &[PathBuf]) -> Vec<Shot> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    record(&path, photos);
    let takes = takes(&[path], &Settings::default(), true).unwrap();
    let shots = takes.iter().map(|take| Shot { attention: Attention::Photo, ..take.read().unwrap() });
    shots.collect()
}

/// A device's folder, its maker, and an administrator's computer.
struct Home {
    folder: TempDir,
}

impl Home {
    /// The image is signed as version 3.
    fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap() };
        generate(&home.at("maker.key")).unwrap();
        home.sign(&fs::read(built().join("door.geode")).unwrap(), 3, "door.geode");
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, image: &[u8], version: u32, name: &str) {
        let key = signing::read(&self.at("maker.key")).unwrap();
        fs::write(self.at(name), signed(image, &key, version).unwrap()).unwrap();
    }

    fn command(&self, options: &[&str]) -> Command {
        let maker = signing::public(&signing::read(&self.at("maker.key")).unwrap());
        let mut command = door();
        command.current_dir(self.folder.path()).args(["run", "--state", "state"]).args(options);
        command.args(["--maker-key", &host::secret::hex(&maker.0)]);
        // Whatever started the tests is not the device's service manager.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            command.env_remove(name);
        }
        command
    }

    fn place(&self) -> Place {
        Place::Port { path: self.at("state/link").display().to_string(), baud: 115_200 }
    }

    fn open(&self) -> Session {
        self.place().open(&Keys::read(&self.at("admin.key")).unwrap(), None).unwrap().0
    }

    /// Waits until a device that was started answers.
    fn reaches(&self, running: &mut Running) {
        let start = Instant::now();
        while self.place().reach().is_err() {
            assert_eq!(running.0.try_wait().unwrap(), None, "the device ended");
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Pairs while the button's window is open. A busy computer opens it late.
    fn pair(&self, running: &Running) {
        running.press();
        let (arguments, start) = (Self::arguments(&["device", "pair", "--json"]), Instant::now());
        let printed = loop {
            let output = run(self.folder.path(), &arguments);
            if output.status.success() {
                break output.stdout;
            }
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("does not pair now") && start.elapsed() < PATIENCE, "{said}");
        };
        assert!(serde_json::from_slice::<Value>(&printed).is_ok());
        running.press();
    }

    fn arguments<'a>(command: &[&'a str]) -> Vec<&'a str> {
        [command, &["--port", "state/link", "--key", "admin.key"]].concat()
    }

    fn json(&self, command: &[&str]) -> Value {
        let printed = succeeds(self.folder.path(), &Self::arguments(&[command, &["--json"]].concat()));
        serde_json::from_str(&printed).unwrap()
    }

    /// Results of the device's tests of itself by their names.
    fn tests_itself(&self, options: &[&str]) -> Vec<(String, String)> {
        let report = self.json(&[&["device", "selftest"], options].concat());
        assert_eq!(report["is_sound"], true, "{report}");
        let text = |value: &Value| value.as_str().unwrap().to_string();
        let rows = report["tests"].as_array().unwrap().iter();
        rows.map(|row| (text(&row["test"]), text(&row["result"]))).collect()
    }

    /// Starts the device with a video on its standard input, and waits until it answers.
    fn start(&self) -> Door<'_> {
        let mut command = self.command(&["--image", "door.geode", "--camera", "-", "--controller", "front"]);
        let mut running = Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let film = Recorder::new(running.0.stdin.take().unwrap());
        let (sender, said) = channel();
        let output = BufReader::new(running.0.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut door = Door { home: self, running, film, said };
        self.reaches(&mut door.running);
        door.hears(r#"{"door":"closed"}"#);
        door
    }

    /// A start that must fail; what it said, and why in the end.
    fn refuses(&self, options: &[&str]) -> String {
        let Output { status, stderr, .. } = self.command(options).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.lines().last().unwrap().starts_with("geode-door: error: "), "{said}");
        said
    }
}

/// A program that ends with its test, whatever becomes of that.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id() as i32).unwrap(), signal).unwrap();
    }

    /// Presses the button, and waits until that was seen.
    fn press(&self) {
        self.signal(Signal::USR1);
        std::thread::sleep(Duration::from_millis(500));
    }

    /// Tells it to end, which it does in order.
    fn end(mut self) {
        self.signal(Signal::TERM);
        let start = Instant::now();
        loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break assert!(status.success(), "{status}"),
                None => assert!(start.elapsed() < PATIENCE, "it does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A device that runs.
struct Door<'h> {
    home: &'h Home,
    running: Running,
    film: Recorder<ChildStdin>,
    /// Lines of its standard output.
    said: Receiver<String>,
}

impl Door<'_> {
    fn open(&self) -> Session {
        self.home.open()
    }

    /// Pulls the plug.
    fn kill(self) {
        drop(self.running);
    }

    /// Tells it to end, which it does in order.
    fn end(self) {
        self.running.end();
        assert!(!self.home.at("state/link").exists());
    }

    /// Waits for a line on standard output, and skips others.
    fn hears(&self, line: &str) {
        while self.said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line {line}")) != line {}
    }

    fn json(&self, command: &[&str]) -> Value {
        self.home.json(command)
    }

    fn fails(&self, command: &[&str]) -> String {
        fails(self.home.folder.path(), &Home::arguments(command))
    }

    fn pair(&self) {
        self.home.pair(&self.running);
    }

    fn show(&mut self, picture: &RgbImage, times: usize) {
        for _ in 0..times {
            self.film.record(picture).unwrap();
        }
    }

    /// Enrols somebody by what the camera shows.
    fn enrol(&mut self, name: &str, photos: &[PathBuf]) -> u32 {
        let mut session = self.open();
        // A device that has not had a frame for some seconds is blind until it gets one, and enrols nobody.
        self.show(&RgbImage::new(320, 240), 1);
        let start = Instant::now();
        while people::condition(&mut session).unwrap().mode == Mode::Service {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }
        people::order(&mut session, &PeopleRequest::Enrol(name)).unwrap();
        for photo in photos {
            self.show(&photo::load(photo).unwrap(), SHOWINGS);
        }
        loop {
            match session.event(PATIENCE).unwrap().expect("a shot") {
                Event::Shot(shot) if shot.taken == shot.needed => break,
                _ => {}
            }
        }
        match session.people(&PeopleRequest::Commit).unwrap() {
            PeopleReply::Committed(id) => id,
            reply => panic!("{reply:?}"),
        }
    }

    /// What the device decides on somebody who stands before it and goes; waits until the door is closed again.
    fn stand(&mut self, session: &mut Session, picture: &RgbImage) -> Verdict {
        let empty = RgbImage::new(320, 240);
        self.show(&empty, 1);
        self.show(picture, SHOWINGS);
        self.show(&empty, 2);
        let verdict = loop {
            if let Event::Notice(Notice::Verdict(verdict)) =
                session.event(PATIENCE).unwrap().expect("a verdict")
            {
                break verdict;
            }
        };
        match verdict {
            Verdict::Accepted(id) => {
                self.hears(&format!(r#"{{"door":"open","person":{id}}}"#));
                self.hears(r#"{"door":"closed"}"#);
            }
            Verdict::NotAccepted => self.hears(r#"{"door":"rejected"}"#),
        }
        verdict
    }

    /// People whom the device enrolled, and their names.
    fn list(&self) -> Vec<(u32, String)> {
        let people: Vec<Person> = people::list(&mut self.open()).unwrap();
        let own = people.iter().filter(|person| !person.is_of_image);
        own.map(|person| (person.id, person.name.to_string())).collect()
    }
}

/// What was seen, without its cost.
fn without_cost(seen: &Seen) -> Seen {
    Seen { cost: SightCost::default(), ..seen.clone() }
}

/// The person who is accepted in a frame.
fn accepted(seen: &Seen) -> Option<&str> {
    let decided = seen.face.as_ref()?.look.as_ref()?.decided.as_ref()?;
    let best = decided.decision.best.as_ref()?;
    (decided.decision.ruling == Ruling::Accepted).then_some(best.name.as_str())
}

/// Frames with somebody who is enrolled in the image, somebody who is not, a stranger, and nobody.
fn looked_at() -> Vec<Shot> {
    let names = ["biden.png", "obama/0.png", "strangers/7.png"];
    let mut photos: Vec<PathBuf> = names.iter().map(|name| built().join(name)).collect();
    let folder = tempfile::tempdir().unwrap();
    let nobody = folder.path().join("nobody.png");
    suite::picture(3, [240, 320]).save(&nobody).unwrap();
    photos.push(nobody);
    shots(&photos)
}

#[test]
fn life_with_kills_in_between_is_what_the_simulator_says() {
    let home = Home::new();
    let mut door = home.start();
    assert!(door.fails(&["device", "pair"]).contains("press its button"));
    door.pair();
    assert_eq!(door.json(&["device", "info"])["board"], "linux");

    // The same frames in the simulator, which knows the people of the image.
    let path = home.at("door.geode");
    let image = AlignedBytes::read(&path).unwrap();
    let mut simulator = Simulated::new(&image, &path).unwrap();
    let mut session = door.open();
    let mut names = Vec::new();
    for shot in looked_at() {
        let seen = people::see(&mut session, &shot).unwrap();
        let expected = simulator.see(&shot).unwrap();
        assert_eq!(without_cost(&seen), without_cost(&expected), "{}", shot.name);
        assert!(seen.cost.scan_instructions > 0 && seen.cost.stack_bytes > 0);
        names.push(accepted(&expected).map(str::to_string));
    }
    assert_eq!(names, [Some("Biden".to_string()), None, None, None]);
    drop(session);

    // A controller on the second line.
    let mut controller = UnixStream::connect(home.at("front")).unwrap();
    controller.set_read_timeout(Some(PATIENCE)).unwrap();
    controller.write_all(&fm22x::Command::Version.emit()).unwrap();
    let mut decoder = fm22x::Decoder::<{ fm22x::frame::MAX_REPLY_FRAME_BYTES }>::new();
    let mut byte = [0];
    loop {
        controller.read_exact(&mut byte).unwrap();
        if let Some(frame) = decoder.push(byte[0])
            && matches!(fm22x::Reply::parse(frame), Ok(fm22x::Reply::Version(_)))
        {
            break;
        }
    }

    let id = door.enrol("Obama", &photos());
    assert!(id < FIRST_OF_IMAGE);
    door.kill();
    let mut door = home.start();
    assert_eq!(door.list(), [(id, "Obama".to_string())]);
    let mut session = door.open();
    for (name, verdict) in [
        ("obama/1.png", Verdict::Accepted(id)),
        ("biden.png", Verdict::Accepted(FIRST_OF_IMAGE)),
        ("strangers/7.png", Verdict::NotAccepted),
    ] {
        assert_eq!(door.stand(&mut session, &photo(name)), verdict, "{name}");
    }
    drop(session);

    let deleted = door.json(&["device", "delete", "Obama"]);
    assert_eq!(deleted[0]["id"].as_u64(), Some(id.into()));
    door.kill();
    let mut door = home.start();
    let mut session = door.open();
    assert_eq!(door.stand(&mut session, &photo("obama/1.png")), Verdict::NotAccepted);
    drop(session);
    door.end();
    // The log is that of three starts, of which the first one made no decision.
    let door = home.start();
    let log: Vec<LogEntry> = serde_json::from_value(door.json(&["device", "log"])).unwrap();
    let verdicts: Vec<(u32, Verdict)> = log.iter().map(|entry| (entry.starts, entry.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            (2, Verdict::Accepted(id)),
            (2, Verdict::Accepted(FIRST_OF_IMAGE)),
            (2, Verdict::NotAccepted),
            (3, Verdict::NotAccepted),
        ]
    );
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn people_are_enrolled_and_recognised_as_on_an_emulated_cortex_m7() {
    let home = Home::new();
    let mut door = home.start();
    door.pair();
    let id = door.enrol("Obama", &photos());

    let mut keys = Keys::read_or_new(&home.at("emulated.key")).unwrap();
    let place = Place::Emulated {
        board: Board::named(DEFAULT).unwrap(),
        image: Some(home.at("door.geode")),
        is_flashed: false,
        maker_key: None,
        state: home.at("emulated.state"),
        front: None,
    };
    place.pair(&mut keys, None).unwrap();
    let (mut emulated, mailbox) = place.open(&keys, None).unwrap();
    let mut mailbox = mailbox.unwrap();
    let poses = shots(&photos());
    let all = poses.iter().cloned().map(Ok);
    assert_eq!(people::enrol(&mut emulated, Some(&mut mailbox), "Obama", all, |_| {}).unwrap(), id);

    let mut session = door.open();
    let mut names = Vec::new();
    for shot in looked_at().iter().chain([&poses[3]]) {
        let seen = people::see(&mut session, shot).unwrap();
        let expected = people::see(&mut emulated, shot).unwrap();
        // With the cosines to whom the devices enrolled themselves.
        assert_eq!(without_cost(&seen), without_cost(&expected), "{}", shot.name);
        names.push(accepted(&seen).map(str::to_string));
    }
    let [obama, biden] = ["Obama", "Biden"].map(|name| Some(name.to_string()));
    assert_eq!(names, [biden, obama.clone(), None, None, obama]);

    for name in ["obama/1m.png", "strangers/7.png", "biden.png"] {
        let path = built().join(name);
        let verdict = door.stand(&mut session, &photo(name));
        let stood = people::stand(&mut emulated, &mut mailbox, &shots(&[path])[0]).unwrap();
        assert_eq!(stood, Stood::Decided(verdict, verdict != Verdict::NotAccepted), "{name}");
    }
}

#[test]
fn update_that_was_killed_goes_on_and_the_program_starts_itself_anew() {
    let home = Home::new();
    let mut door = home.start();
    door.pair();
    let id = door.enrol("Obama", &photos());
    let without = change::remove(&home.at("door.geode"), &["Biden".to_string()]).unwrap().image;
    home.sign(&without, 4, "next.geode");
    let image = fs::read(home.at("next.geode")).unwrap();

    let mut session = door.open();
    let digest = Sha256::digest(&image).into();
    let begin = Begin { target: Target::Image, bytes: image.len() as u32, digest, version: 4 };
    let progress = |offset: usize| {
        UpdateReply::Progress(Progress { stage: UpdateStage::Receiving, offset: offset as u32 })
    };
    assert_eq!(session.update(&UpdateRequest::Begin(begin)).unwrap(), progress(0));
    let sent = image.len() / 2;
    for start in (0..sent).step_by(MAX_CHUNK_BYTES) {
        let end = start + MAX_CHUNK_BYTES;
        let chunk = UpdateRequest::Chunk(start as u32, &image[start..end]);
        assert_eq!(session.update(&chunk).unwrap(), progress(end));
    }
    drop(session);
    door.kill();

    let door = home.start();
    let updated = door.json(&["update", "next.geode"]);
    check("host update", &updated.to_string());
    let resumed = updated["resumed_bytes"].as_u64().unwrap() as usize;
    assert!(resumed > sent - 2 * 4096 && resumed < image.len(), "{resumed} of {sent}");
    assert_eq!(door.json(&["device", "info"])["image_version"], 4);
    assert!(door.said.try_iter().any(|line| line == r#"{"door":"closed"}"#), "it was closed anew");
    // Killed after the trial, it starts the image that it kept.
    door.kill();
    let mut door = home.start();
    assert_eq!(door.json(&["device", "info"])["image_version"], 4);
    let people: Vec<Person> = people::list(&mut door.open()).unwrap();
    assert!(people.iter().all(|person| !person.is_of_image));
    let mut session = door.open();
    assert_eq!(door.stand(&mut session, &photo("biden.png")), Verdict::NotAccepted);
    assert_eq!(door.stand(&mut session, &photo("obama/0.png")), Verdict::Accepted(id));
    drop(session);
    home.sign(&without, 2, "old.geode");
    assert!(door.fails(&["update", "old.geode"]).contains("older than version 4"));
}

#[test]
fn files_that_are_not_as_they_must_be_are_refused_and_left_as_they_are() {
    let home = Home::new();
    record(&home.at("film.y4m"), &photos()[..1]);
    let run = ["--image", "door.geode", "--camera", "film.y4m"];
    let refuses = |wrong: &[&str]| home.refuses(wrong);
    assert!(refuses(&["--camera", "film.y4m"]).contains("has no image yet; give the one"));
    assert!(!home.at("state/images").exists());
    fs::write(home.at("letter"), "a letter").unwrap();
    assert!(refuses(&["--image", "letter", "--camera", "film.y4m"]).contains("letter cannot be used"));
    // As long as two slots are.
    fs::write(home.at("long"), vec![0; 16 << 20]).unwrap();
    assert!(refuses(&["--image", "long", "--camera", "film.y4m"]).contains("there is room for"));
    assert!(!home.at("state/images").exists());

    let camera = |path: &str| refuses(&["--image", "door.geode", "--camera", path]);
    assert!(camera("no-such-film.y4m").contains("cannot open the camera"));
    assert!(camera("letter").contains("letter: this is no YUV4MPEG2 video"));
    assert!(camera("/dev/null").contains("/dev/null"));
    fs::write(home.at("large.y4m"), "YUV4MPEG2 W1920 H1080\n").unwrap();
    assert!(camera("large.y4m").contains("there is room for 614400"));
    assert!(camera("-").contains("standard input: this is no"));

    let mode = |name: &str| fs::metadata(home.at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("state"), mode("state/keys"), mode("state/people")], [0o700, 0o600, 0o600]);
    fs::set_permissions(home.at("state/keys"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refuses(&run).contains("mode 640"));
    fs::set_permissions(home.at("state/keys"), fs::Permissions::from_mode(0o600)).unwrap();
    // With a start that succeeds all files are there.
    home.start().end();
    for name in ["keys", "people", "images", "log"] {
        let path = home.at("state").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let said = refuses(&run);
        assert!(said.contains(&format!("state/{name} has {} bytes", whole.len() / 2)), "{said}");
        assert_eq!(fs::read(&path).unwrap(), whole[..whole.len() / 2]);
        fs::write(&path, whole).unwrap();
    }
    fs::rename(home.at("state/keys"), home.at("kept")).unwrap();
    assert!(refuses(&run).contains("without it nobody can open state/people"));
    fs::rename(home.at("kept"), home.at("state/keys")).unwrap();
    home.sign(&fs::read(built().join("door.geode")).unwrap(), 9, "other.geode");
    assert!(refuses(&["--image", "other.geode", "--camera", "film.y4m"]).contains("`host update`"));

    let door = home.start();
    let said = refuses(&run);
    assert!(said.contains("a device runs already in state"), "{said}");
    // A second computer while one is connected.
    door.pair();
    let session = door.open();
    assert!(door.fails(&["device", "info"]).contains("another program is connected"));
    drop(session);
    door.json(&["device", "info"]);
    door.end();
}

#[test]
fn full_disk_is_told_at_the_first_start_and_leaves_nothing_half_made() {
    let home = Home::new();
    record(&home.at("film.y4m"), &photos()[..1]);
    let limited = |kilobytes: u32| {
        let mut command = Command::new("sh");
        let program = home.command(&["--image", "door.geode", "--camera", "film.y4m"]);
        // A limit of file sizes fails as a full disk does, in the middle of a file.
        let line = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * kilobytes);
        command
            .current_dir(home.folder.path())
            .args(["-c", &line])
            .arg(program.get_program())
            .args(program.get_args());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = limited(1024);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot make state/images with"), "{said}");
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&home.at("state")), ["keys", "lock"]);
    home.start().end();
}

#[test]
fn video_that_ends_blinds_the_device_until_it_is_started_with_another() {
    let home = Home::new();
    let door = home.start();
    door.pair();
    let Door { running, film, said: _said, .. } = door;
    drop(film);
    let start = Instant::now();
    loop {
        if people::condition(&mut home.open()).unwrap().mode == Mode::Service {
            break;
        }
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(200));
    }
    running.end();
}

#[test]
fn camera_that_is_silent_stops_neither_the_link_nor_the_end() {
    let home = Home::new();
    let mut command = home.command(&["--image", "door.geode", "--camera", "-"]);
    let mut running = Running(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let _silent = running.0.stdin.take();
    home.reaches(&mut running);
    home.pair(&running);
    assert_eq!(home.json(&["device", "info"])["board"], "linux");
    running.end();
}

#[test]
fn reader_that_does_not_read_stops_neither_the_link_nor_the_end_and_keeps_the_door_closed() {
    let home = Home::new();
    record(&home.at("film.y4m"), &photos()[..1]);
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut filled = 0;
    while let Ok(count) = writer.write(&[0; 4096]) {
        filled += count;
    }
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    let mut command = home.command(&["--image", "door.geode", "--camera", "film.y4m", "--repeat"]);
    let mut running = Running(command.stdin(Stdio::null()).stdout(writer).spawn().unwrap());
    // It has the other copy of the pipe's end.
    drop(command);
    home.reaches(&mut running);
    home.pair(&running);
    assert_eq!(people::condition(&mut home.open()).unwrap().mode, Mode::Service);
    running.end();
    let mut heard = Vec::new();
    reader.read_to_end(&mut heard).unwrap();
    assert_eq!(heard.len(), filled, "nothing is told later");
}

#[test]
fn device_tests_itself_and_the_service_manager_is_its_watchdog() {
    let home = Home::new();
    record(&home.at("film.y4m"), &photos()[..1]);
    let command = || {
        let mut command = home.command(&["--image", "door.geode", "--camera", "film.y4m", "--repeat"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let expected = |watchdog: &str| {
        let done = ["Golden", "Camera", "Flash", "Random", "Store", "Stack"].map(|name| (name, "passed"));
        let all = done.into_iter().chain([("Watchdog", watchdog)]);
        all.map(|(name, result)| (name.to_string(), result.to_string())).collect::<Vec<_>>()
    };
    let mut running = Running(command().spawn().unwrap());
    home.reaches(&mut running);
    home.pair(&running);
    assert_eq!(home.tests_itself(&[]), expected("skipped"));
    assert_eq!(home.tests_itself(&["--watchdog"]), expected("skipped"), "there is none");
    running.end();

    let manager = UnixDatagram::bind(home.at("notify")).unwrap();
    let hears = |within: Duration| {
        manager.set_read_timeout(Some(within)).unwrap();
        let mut words = [0; 64];
        let count = manager.recv(&mut words).ok()?;
        Some(String::from_utf8(words[..count].to_vec()).unwrap())
    };
    let watchdog = Duration::from_secs(8);
    let managed = || {
        let mut command = command();
        command.env("NOTIFY_SOCKET", home.at("notify"));
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        let mut running = Running(command.spawn().unwrap());
        assert_eq!(hears(PATIENCE).as_deref(), Some("READY=1"));
        home.reaches(&mut running);
        running
    };
    let running = managed();
    let tested = std::thread::scope(|scope| {
        let tested = scope.spawn(|| home.tests_itself(&["--watchdog"]));
        while let Some(words) = hears(watchdog) {
            assert_eq!(words, "WATCHDOG=1");
            assert!(!tested.is_finished(), "it does not stand still");
        }
        // As systemd does.
        running.signal(Signal::ABORT);
        drop(running);
        let running = managed();
        let tested = tested.join().unwrap();
        running.end();
        tested
    });
    assert_eq!(tested, expected("passed"));
}
