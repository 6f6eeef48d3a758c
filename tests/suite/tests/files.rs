//! Files, pipes and signals behave as users of Unix tools expect.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use host::containers::{self, Container, Wrapping};
use rustix::process::{Pid, Signal, kill_process};
use serialport::{SerialPort as _, TTYPort};
use suite::command::{EXPORT, fails, folder, run, succeeds};
use suite::{picture, program, write_faces};
use tempfile::TempDir;

/// [`EXPORT`] with another output, and with more arguments.
fn export_to<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = EXPORT.to_vec();
    *arguments.last_mut().unwrap() = output;
    arguments.extend(more);
    arguments
}

/// A folder with an image.
fn exported() -> TempDir {
    let folder = folder();
    succeeds(folder.path(), &EXPORT);
    folder
}

/// Runs the program in a shell, after some shell commands.
fn run_by_shell(folder: &Path, before: &str, arguments: &[&str]) -> Output {
    let script = format!("{before}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(program()).args(arguments).current_dir(folder).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn entries(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn names(folder: &Path, image: &str) -> BTreeSet<String> {
    let listed = succeeds(folder, &["gallery", "list", image, "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    listed.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_string()).collect()
}

#[test]
fn people_enrolled_by_several_programs_at_once_are_all_there() {
    let folder = exported();
    let newcomers = ["Annie", "Betty", "Edith", "Joan", "Katherine", "Mary"];
    for (index, name) in newcomers.into_iter().enumerate() {
        write_faces(&folder.path().join(name).join(name), &[picture(index as u64, [40, 24])], [40, 24]);
    }
    let add = |name: &str| {
        let arguments = ["gallery", "add", "image.geode", name, "--aligned", "--allow-duplicates"];
        let mut command = Command::new(program());
        command.args(arguments).current_dir(folder.path()).stdout(Stdio::null()).spawn().unwrap()
    };
    let programs: Vec<Child> = newcomers.into_iter().map(add).collect();
    for mut program in programs {
        assert_eq!(program.wait().unwrap().code(), Some(0));
    }
    let expected = newcomers.into_iter().chain(["Ada", "Grace"]).map(str::to_string).collect();
    assert_eq!(names(folder.path(), "image.geode"), expected);
    assert!(!entries(folder.path()).iter().any(|name| name.contains("lock") || name.starts_with('.')));
}

#[test]
fn pipes_and_devices_are_written_through_and_stay_what_they_are() {
    let folder = exported();
    let image = std::fs::read(folder.path().join("image.geode")).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    succeeds(folder.path(), &export_to("pipe", &[]));
    assert!(reading.join().unwrap() == image);
    assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
    succeeds(folder.path(), &export_to("/dev/null", &[]));
    let said = fails(folder.path(), &export_to("/dev/full", &[]));
    assert!(said.contains("/dev/full") && said.contains("No space left"), "{said}");
    for device in ["/dev/null", "/dev/full"] {
        assert!(Path::new(device).metadata().unwrap().file_type().is_char_device());
    }
}

#[test]
fn image_on_standard_output_is_the_image_alone_and_what_is_said_goes_to_standard_error() {
    let folder = exported();
    let image = std::fs::read(folder.path().join("image.geode")).unwrap();
    let printed = run(folder.path(), &export_to("/dev/stdout", &[]));
    assert!(printed.status.success() && printed.stdout == image);
    assert!(String::from_utf8(printed.stderr).unwrap().contains("written to /dev/stdout"));
    let printed = run_by_shell(folder.path(), "exec >redirected.geode", &export_to("/dev/stdout", &[]));
    assert!(printed.status.success());
    assert!(std::fs::read(folder.path().join("redirected.geode")).unwrap() == image);
}

#[test]
fn links_are_kept_and_lead_to_the_new_image() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("images")).unwrap();
    symlink("images/door.geode", at("link.geode")).unwrap();
    // The link's target does not exist yet.
    succeeds(folder.path(), &export_to("link.geode", &[]));
    assert!(at("link.geode").is_symlink() && at("images/door.geode").symlink_metadata().unwrap().is_file());
    succeeds(folder.path(), &["gallery", "remove", "link.geode", "Ada"]);
    assert!(at("link.geode").is_symlink());
    assert_eq!(names(folder.path(), "images/door.geode"), ["Grace".to_string()].into());
}

#[test]
fn new_files_are_the_owners_alone_whatever_the_umask_and_old_ones_keep_their_modes() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    for umask in ["umask 000", "umask 022", "umask 077"] {
        let output = run_by_shell(folder.path(), umask, &export_to("new.geode", &["--report", "new.html"]));
        assert!(output.status.success());
        let gallery = ["gallery", "export", "new.geode", "-o", "new.json"];
        assert!(run_by_shell(folder.path(), umask, &gallery).status.success());
        for file in ["new.geode", "new.html", "new.plots/arena.png", "new.json"] {
            assert_eq!(mode(&at(file)), 0o600, "{file} after {umask}");
            std::fs::remove_file(at(file)).unwrap();
        }
    }
    for kept in [0o600, 0o640, 0o644] {
        std::fs::write(at("old.geode"), b"old").unwrap();
        std::fs::set_permissions(at("old.geode"), Permissions::from_mode(kept)).unwrap();
        succeeds(folder.path(), &export_to("old.geode", &[]));
        assert_eq!(mode(&at("old.geode")), kept);
        assert!(std::fs::read(at("old.geode")).unwrap().starts_with(b"GEOD"));
    }
}

#[test]
fn full_disk_leaves_the_old_image_and_nothing_else() {
    let folder = folder();
    std::fs::write(folder.path().join("image.geode"), b"old").unwrap();
    let before = entries(folder.path());
    // The limit allows no file of more than one block.
    let output = run_by_shell(folder.path(), "trap '' XFSZ; ulimit -f 1", &EXPORT);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("image.geode") && said.contains("unchanged"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("image.geode")).unwrap(), b"old");
    assert_eq!(entries(folder.path()), before);
}

#[test]
fn output_that_is_an_input_or_another_output_is_refused_and_both_options_are_named() {
    let folder = exported();
    let at = |name: &str| folder.path().join(name);
    symlink("net.onnx", at("link.onnx")).unwrap();
    std::fs::hard_link(at("strangers/000.png"), at("hard.png")).unwrap();
    symlink(".", at("here")).unwrap();
    std::fs::write(at("pairs.csv"), "path_a,path_b,same,fold\n000.png,001.png,1,0\n").unwrap();
    let exporting = |output: &'static str, more: &[&'static str]| export_to(output, more);
    let evaluate = |report: &'static str| {
        let pairs = ["evaluate", "image.geode", "--aligned", "--pairs", "pairs.csv", "--photos", "strangers"];
        [&pairs[..], &["--report", report]].concat()
    };
    let add = ["gallery", "add", "image.geode", "people", "--aligned", "-o", "people/Ada/000.png"];
    let refused: [(Vec<&str>, [&str; 2]); 12] = [
        (exporting("net.onnx", &[]), ["--output", "--model"]),
        (exporting("link.onnx", &[]), ["--output", "--model"]),
        (exporting("here/net.onnx", &[]), ["--output", "--model"]),
        (exporting("people/Ada/000.png", &[]), ["--output", "--enrol"]),
        (exporting("hard.png", &[]), ["--output", "--cohort"]),
        (exporting("new", &["--report", "here/new"]), ["--report", "--output"]),
        (exporting("new.geode", &["--report", "net.onnx"]), ["--report", "--model"]),
        (evaluate("pairs.csv"), ["--report", "--pairs"]),
        (evaluate("image.geode"), ["--report", "IMAGE"]),
        (add.to_vec(), ["--output", "PEOPLE"]),
        (["gallery", "export", "image.geode", "-o", "image.geode"].to_vec(), ["--output", "IMAGE"]),
        (["gallery", "merge", "image.geode", "here/image.geode"].to_vec(), ["IMAGE", "OTHER"]),
    ];
    let contents = || ["net.onnx", "people/Ada/000.png", "strangers/000.png", "pairs.csv", "image.geode"];
    let read = || contents().map(|name| std::fs::read(at(name)).unwrap());
    let before = (read(), entries(folder.path()));
    for (arguments, options) in refused {
        let said = fails(folder.path(), &arguments);
        assert!(options.iter().all(|option| said.contains(option)), "{arguments:?}: {said}");
        assert!(said.contains("one file"), "{arguments:?}: {said}");
        assert!((read(), entries(folder.path())) == before, "{arguments:?}");
    }
    // An image that lies beside photos is not one of the photos.
    for _ in 0..2 {
        succeeds(folder.path(), &export_to("strangers/door.geode", &[]));
    }
}

#[test]
fn crops_in_the_place_of_photos_are_refused() {
    let folder = folder();
    let strangers = folder.path().join("strangers");
    let before = std::fs::read(strangers.join("000.png")).unwrap();
    for arguments in
        [["align", "strangers", "-o", "strangers"], ["align", "strangers/000.png", "-o", "strangers"]]
    {
        let said = fails(folder.path(), &arguments);
        assert!(said.contains("would overwrite the photo strangers/000.png"), "{said}");
    }
    assert_eq!(std::fs::read(strangers.join("000.png")).unwrap(), before);
}

#[test]
fn output_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = folder();
    std::fs::write(folder.path().join("net.onnx"), b"no network").unwrap();
    for (output, expected) in [
        ("nowhere/image.geode", "there is no folder nowhere"),
        ("net.onnx/image.geode", "net.onnx"),
        ("people", "it is a folder"),
        ("/proc/image.geode", "unchanged"),
    ] {
        let said = fails(folder.path(), &export_to(output, &[]));
        assert!(said.contains(output) && said.contains(expected), "{output}: {said}");
        let said = fails(folder.path(), &export_to("image.geode", &["--report", output]));
        assert!(said.contains(output) && said.contains(expected), "{output}: {said}");
    }
    let said = fails(folder.path(), &["align", "strangers", "-o", "net.onnx/crops", "--detector", "none"]);
    assert!(said.contains("net.onnx/crops"), "{said}");
}

/// Command lines of every command that prints without a board.
const PRINTING: [&[&str]; 14] = [
    &["--help"],
    &["--version"],
    &["export", "--help"],
    &["gallery", "add", "--help"],
    &EXPORT,
    &["inspect", "net.onnx"],
    &["inspect", "net.onnx", "--json"],
    &["simulate", "--aligned", "image.geode", "strangers/000.png"],
    &["simulate", "--aligned", "image.geode", "strangers/000.png", "--json"],
    &["gallery", "list", "image.geode"],
    &["gallery", "list", "image.geode", "--json"],
    &["gallery", "report", "image.geode"],
    &["gallery", "remove", "image.geode", "Ada", "-o", "less.geode"],
    &[
        "evaluate",
        "image.geode",
        "--aligned",
        "--photos",
        "people",
        "--protocol",
        "lfw",
        "--pairs",
        "pairs.txt",
    ],
];

/// A folder in which [`PRINTING`] works.
fn printing() -> TempDir {
    let folder = exported();
    let photos = folder.path().join("people");
    for (name, photo) in [("Ada", "Ada/000.png"), ("Grace", "Grace/000.png"), ("Grace", "Grace/001.png")] {
        let number = if photo.ends_with("001.png") { 2 } else { 1 };
        std::fs::copy(photos.join(photo), photos.join(format!("{name}/{name}_{number:04}.png"))).unwrap();
    }
    folder
}

#[test]
fn closed_standard_output_ends_the_program_quietly_as_other_tools_end() {
    let folder = printing();
    for arguments in &PRINTING[..13] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(program());
        let output = command.args(*arguments).current_dir(folder.path()).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(Signal::PIPE.as_raw()), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
    }
    // It also does not matter whether anybody reads the messages.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(program());
    command.args(["gallery", "list", "nowhere.geode"]).current_dir(folder.path()).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(1));
}

#[test]
fn full_standard_output_is_an_error() {
    let folder = printing();
    for arguments in &PRINTING[..13] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(program());
        let output = command.args(*arguments).current_dir(folder.path()).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output") && said.contains("No space left"), "{arguments:?}: {said}");
    }
}

/// The program in a folder, with signals as a terminal's programs have them: tests in the background inherit some as ignored.
fn interruptible(folder: &Path) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,TERM").arg(program()).current_dir(folder);
    command
}

fn send(signal: Signal, child: &Child) {
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
}

#[test]
fn signals_at_any_moment_leave_nothing_half_written_and_end_the_program_by_themselves() {
    let folder = folder();
    let out = folder.path().join("out");
    let mut stopped = 0;
    for round in 0..24u64 {
        std::fs::create_dir(&out).unwrap();
        let signal = if round % 2 == 0 { Signal::INT } else { Signal::TERM };
        let arguments = export_to("out/image.geode", &["--report", "out/report.html"]);
        let mut command = interruptible(folder.path());
        let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Signals are watched as soon as it has begun to write: it tries its folder first.
        std::thread::sleep(Duration::from_millis(25 * round + 20));
        send(signal, &child);
        let status = child.wait().unwrap();
        match status.signal() {
            Some(number) => {
                stopped += 1;
                assert_eq!(number, signal.as_raw());
            }
            None => assert_eq!(status.code(), Some(0)),
        }
        let left = entries(&out);
        assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
        if left.contains("image.geode") {
            assert_eq!(names(folder.path(), "out/image.geode").len(), 2);
        }
        std::fs::remove_dir_all(&out).unwrap();
    }
    assert!(stopped > 0);
}

#[test]
fn program_that_waits_in_a_pipe_ends_at_a_signal() {
    let folder = exported();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    for (signal, code) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        let arguments = ["gallery", "export", "image.geode", "-o", "pipe"];
        let mut child = interruptible(folder.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none());
        send(signal, &child);
        let start = Instant::now();
        assert_eq!(child.wait().unwrap().signal(), Some(code));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn signals_that_the_caller_lets_be_ignored_stay_ignored() {
    let folder = exported();
    let mut shell = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" gallery export image.geode -o pipe";
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    let mut child = shell.args(["-c", script]).arg(program()).current_dir(folder.path()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    send(Signal::HUP, &child);
    let mut text = String::new();
    File::open(folder.path().join("pipe")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(text.contains("Grace"));
}

const CONTAINERS: [(&str, Container); 4] =
    [("bin", Container::Bin), ("hex", Container::Hex), ("uf2", Container::Uf2), ("elf", Container::Elf)];

fn unwrapped(folder: &Path, image: &str) -> (Vec<u8>, Wrapping) {
    containers::unwrap(&std::fs::read(folder.join(image)).unwrap()).unwrap()
}

#[test]
fn image_of_every_container_is_read_by_every_command() {
    let folder = folder();
    let mut answers = BTreeSet::new();
    for (format, _) in CONTAINERS {
        succeeds(folder.path(), &export_to("image", &["--format", format]));
        let said = [
            succeeds(folder.path(), &["gallery", "list", "image"]),
            succeeds(folder.path(), &["gallery", "report", "image", "--people", "people", "--aligned"]),
            succeeds(folder.path(), &["simulate", "--aligned", "image", "strangers/000.png", "--json"]),
        ];
        succeeds(folder.path(), &["gallery", "export", "image", "-o", "people.json"]);
        answers.insert((said, std::fs::read(folder.path().join("people.json")).unwrap()));
    }
    assert_eq!(answers.len(), 1);
}

#[test]
fn gallery_changes_keep_the_container_and_its_address() {
    let folder = folder();
    write_faces(&folder.path().join("later/Edith"), &[picture(1, [40, 24])], [40, 24]);
    for (format, container) in CONTAINERS {
        succeeds(folder.path(), &export_to("image", &["--format", format, "--memory", "internal"]));
        let (_, before) = unwrapped(folder.path(), "image");
        assert_eq!((before.container, before.address == 0), (container, container == Container::Bin));
        succeeds(folder.path(), &["gallery", "add", "image", "later", "--aligned", "--allow-duplicates"]);
        let (_, after) = unwrapped(folder.path(), "image");
        assert_eq!(after, before);
        let expected: BTreeSet<String> = ["Ada", "Edith", "Grace"].map(String::from).into();
        assert_eq!(names(folder.path(), "image"), expected);
        succeeds(folder.path(), &["gallery", "remove", "image", "Ada", "-o", "other"]);
        assert_eq!(unwrapped(folder.path(), "other").1, before);
        assert_eq!(names(folder.path(), "image"), expected);
    }
}

#[test]
fn damaged_container_is_named_with_file_place_and_remedy() {
    let folder = folder();
    succeeds(folder.path(), &export_to("image.hex", &["--format", "hex"]));
    let hex = std::fs::read_to_string(folder.path().join("image.hex")).unwrap();
    std::fs::write(folder.path().join("cut.hex"), &hex[..hex.len() / 2]).unwrap();
    std::fs::write(folder.path().join("twice.hex"), [&*hex, &*hex].concat()).unwrap();
    std::fs::write(folder.path().join("changed.hex"), hex.replacen("47454F44", "47454F45", 1)).unwrap();
    for (file, expected) in
        [("cut.hex", "again"), ("twice.hex", "two files in one"), ("changed.hex", "line 2 is damaged")]
    {
        let said = fails(folder.path(), &["gallery", "list", file]);
        assert!(said.contains(file) && said.contains("Intel HEX") && said.contains(expected), "{said}");
    }
}

#[test]
fn file_that_is_no_network_is_named_for_what_it_is_with_a_remedy() {
    let folder = exported();
    let zip = b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pklFB";
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n";
    for (bytes, name, remedy) in [
        (&lfs[..], "Git LFS", "git lfs pull"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page", "download the file itself"),
        (zip, "PyTorch", "torch.onnx.export"),
        (b"\x1c\0\0\0TFL3\x14\0 ", "TensorFlow Lite", "tf2onnx"),
        (b"\x89HDF\r\n\x1a\n\0\0", "HDF5", "format=\"onnx\""),
        (b"", "an empty file", "again"),
        (&std::fs::read(folder.path().join("image.geode")).unwrap(), "a flash image", "exported from"),
    ] {
        std::fs::write(folder.path().join("given.onnx"), bytes).unwrap();
        let mut export = EXPORT.to_vec();
        export[4] = "given.onnx";
        for arguments in [&["inspect", "given.onnx"][..], &export] {
            // Images are inspected too.
            if name == "a flash image" && arguments[0] == "inspect" {
                continue;
            }
            let said = fails(folder.path(), arguments);
            assert!(said.contains("given.onnx") && said.contains(name) && said.contains(remedy), "{said}");
        }
    }
    let said = fails(folder.path(), &["inspect", "people"]);
    assert!(said.contains("people is a folder, not an ONNX file"), "{said}");
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    let said = fails(folder.path(), &["inspect", "pipe"]);
    assert!(said.contains("pipe is a pipe") && said.contains("save"), "{said}");
    // The reverse also holds.
    for command in
        [&["gallery", "list", "net.onnx"][..], &["simulate", "--aligned", "net.onnx", "strangers/000.png"]]
    {
        let said = fails(folder.path(), command);
        assert!(
            said.contains("net.onnx is an ONNX file, not a flash image") && said.contains("host export"),
            "{said}"
        );
    }
}

#[test]
fn busy_port_is_said_by_the_program() {
    let folder = exported();
    let (_board, mut port) = TTYPort::pair().unwrap();
    port.set_exclusive(true).unwrap();
    let name = port.name().unwrap();
    let arguments = ["recognise", "--aligned", "image.geode", "strangers/000.png", "--port", &name];
    let said = fails(folder.path(), &arguments);
    // Root may open a port that is in use, and then receives nothing.
    assert!(said.contains(&name) && said.contains("another program uses it"), "{said}");
}

#[test]
fn plots_of_a_report_do_not_fall_among_photos() {
    let folder = folder();
    std::fs::rename(folder.path().join("strangers"), folder.path().join("report.plots")).unwrap();
    let photo = std::fs::read(folder.path().join("report.plots/000.png")).unwrap();
    let mut export = EXPORT.to_vec();
    let cohort = export.iter().position(|word| *word == "strangers").unwrap();
    export[cohort] = "report.plots";
    let said = fails(folder.path(), &[&export[..], &["--report", "report.html"]].concat());
    assert!(said.contains("--report writes files into the folder report.plots, and --cohort"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("report.plots/000.png")).unwrap(), photo);
    let said = fails(folder.path(), &[&export[..], &["--report", "people/report.html"]].concat());
    assert!(said.contains("--enrol people is there or holds it"), "{said}");
}
