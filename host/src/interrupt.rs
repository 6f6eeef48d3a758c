//! What must not outlive the program: temporary files and folders, and the programs it started. They are gone when their
//! owners are dropped, and also when a signal ends the program, at any moment.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tempfile::{NamedTempFile, TempDir};

/// Something that must not stay.
enum Leftover {
    File(PathBuf),
    Folder(PathBuf),
    /// A program, by the system's number.
    Program(u32),
}

impl Leftover {
    fn remove(&self) {
        // What is gone already is as it should be.
        match self {
            Leftover::File(path) => drop(std::fs::remove_file(path)),
            Leftover::Folder(path) => drop(std::fs::remove_dir_all(path)),
            Leftover::Program(number) => kill(*number),
        }
    }
}

/// Ends a program, by the system's number, without a chance to clean up.
#[cfg(unix)]
pub fn kill(number: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Does nothing: this system has no such signal.
#[cfg(not(unix))]
pub fn kill(_number: u32) {}

/// All there is, by number. Whoever ends the program keeps this locked, so that nothing is made after it has looked.
static LEFTOVERS: Mutex<BTreeMap<u64, Leftover>> = Mutex::new(BTreeMap::new());

fn leftovers() -> MutexGuard<'static, BTreeMap<u64, Leftover>> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entry of something in [`LEFTOVERS`].
struct Entry(u64);

impl Drop for Entry {
    fn drop(&mut self) {
        leftovers().remove(&self.0);
    }
}

/// Makes something and enters it, so that no signal comes between the two.
fn enter<T>(
    make: impl FnOnce() -> io::Result<T>,
    leftover: impl FnOnce(&T) -> Leftover,
) -> io::Result<(T, Entry)> {
    let mut leftovers = leftovers();
    let made = make()?;
    let number = leftovers.last_key_value().map_or(0, |(last, _)| last + 1);
    leftovers.insert(number, leftover(&made));
    Ok((made, Entry(number)))
}

/// A temporary file.
pub struct TemporaryFile {
    file: NamedTempFile,
    _entry: Entry,
}

impl TemporaryFile {
    /// A new one in a folder, which its owner alone may read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_in(folder: &Path) -> io::Result<Self> {
        let make = || tempfile::Builder::new().prefix(".geode-").tempfile_in(folder);
        let (file, _entry) = enter(make, |file| Leftover::File(file.path().to_path_buf()))?;
        Ok(TemporaryFile { file, _entry })
    }

    /// The file.
    pub fn as_file(&mut self) -> &mut std::fs::File {
        self.file.as_file_mut()
    }

    /// Gives it a name for good; a file of that name is replaced.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }

    /// Gives it a name that no file has, for good.
    ///
    /// # Errors
    /// When there is a file of that name, or the system refuses.
    pub fn persist_new(self, path: &Path) -> io::Result<()> {
        self.file.persist_noclobber(path)?;
        Ok(())
    }
}

/// A temporary folder.
pub struct TemporaryFolder {
    folder: TempDir,
    _entry: Entry,
}

impl TemporaryFolder {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        let made = enter(tempfile::tempdir, |folder| Leftover::Folder(folder.path().to_path_buf()));
        let (folder, _entry) = made.with_context(|| {
            format!("cannot make a temporary folder in {}", std::env::temp_dir().display())
        })?;
        Ok(TemporaryFolder { folder, _entry })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A program that was started; it is killed when this is dropped.
pub struct Running {
    child: Child,
    entry: Option<Entry>,
    left: Option<(PathBuf, Entry)>,
}

impl Running {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let (child, entry) = enter(|| command.spawn(), |child| Leftover::Program(child.id()))?;
        Ok(Running { child, entry: Some(entry), left: None })
    }

    /// With a file that the program makes, and leaves when it is killed. It is removed then.
    pub fn leaving(mut self, file: PathBuf) -> Self {
        // Entered after the program, so that a signal removes it after the program has ended.
        let entered = enter(|| Ok(()), |()| Leftover::File(file.clone()));
        self.left = entered.ok().map(|((), entry)| (file, entry));
        self
    }

    /// Its number, streams and so on.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        // Once it is waited for, its number may be another program's.
        self.entry = None;
        let _ = self.child.wait();
        if let Some((file, _entry)) = self.left.take() {
            Leftover::File(file).remove();
        }
    }
}

/// Runs a program to its end and gives what it printed.
///
/// # Errors
/// When it cannot be started.
pub fn output(command: &mut Command) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, _entry) = enter(|| command.spawn(), |child| Leftover::Program(child.id()))?;
    child.wait_with_output()
}

/// From now on the signals that ask the program to end (Ctrl-C, hanging up, `kill`) clean up first. The program then ends by the
/// signal, as its caller expects to see.
///
/// # Errors
/// When the system does not let signals be watched.
#[cfg(unix)]
pub fn watch() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let asked = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal));
    let mut signals = signal_hook::iterator::Signals::new(asked)?;
    std::thread::Builder::new().name("signals".to_string()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let leftovers = leftovers();
            leftovers.values().for_each(Leftover::remove);
            crate::output::leave_terminal();
            end_by(signal);
        }
    })?;
    Ok(())
}

/// Signals are watched on Unix only: elsewhere this does nothing.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn watch() -> io::Result<()> {
    Ok(())
}

/// Whether whoever started the program let it ignore a signal, as `nohup` does.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // Linux tells; elsewhere nothing counts as ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored >> (signal - 1) & 1 == 1
}

/// Ends the program as this signal does where nobody watches it.
#[cfg(unix)]
fn end_by(signal: i32) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}

/// Ends the program as programs end that write to a pipe nobody reads any more: without a word.
pub fn end_by_closed_pipe() -> ! {
    drop(io::stderr().flush());
    #[cfg(unix)]
    end_by(signal_hook::consts::SIGPIPE);
    #[cfg(not(unix))]
    std::process::exit(1)
}

/// To be called before the program says how it ended: if a signal is ending it, this waits for that.
pub fn settle() {
    drop(leftovers());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_gone_and_not_remembered() {
        let outer = tempfile::tempdir().unwrap();
        let file = TemporaryFile::new_in(outer.path()).unwrap();
        let folder = TemporaryFolder::new().unwrap();
        let path = folder.path().to_path_buf();
        let sleeping = Running::start(Command::new("sleep").arg("60")).unwrap();
        let number = sleeping.child.id();
        let is_remembered = |wanted: fn(&Leftover) -> Option<String>, name: &str| {
            leftovers().values().any(|leftover| wanted(leftover).as_deref() == Some(name))
        };
        let folders = |leftover: &Leftover| match leftover {
            Leftover::Folder(path) => Some(path.display().to_string()),
            _ => None,
        };
        let programs = |leftover: &Leftover| match leftover {
            Leftover::Program(number) => Some(number.to_string()),
            _ => None,
        };
        assert!(is_remembered(folders, &path.display().to_string()));
        assert!(is_remembered(programs, &number.to_string()));
        drop((file, folder, sleeping));
        assert!(!path.exists() && std::fs::read_dir(outer.path()).unwrap().next().is_none());
        assert!(!is_remembered(folders, &path.display().to_string()));
        assert!(!is_remembered(programs, &number.to_string()));
    }

    #[test]
    fn output_gives_what_a_program_printed_on_both_streams() {
        let printed = output(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!((&*printed.stdout, &*printed.stderr), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(printed.status.code(), Some(3));
    }
}
