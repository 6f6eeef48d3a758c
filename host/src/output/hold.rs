//! A file that one program changes at a time: read, changed and written while it is held.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long another program may take to be done with a file.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// After this it is said that it is waited for.
const UNSAID: Duration = Duration::from_secs(1);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// A file that is held until this is dropped. The file itself is locked, so that nothing has to be cleaned up.
pub struct Hold {
    /// Locked as long as it is open.
    _file: File,
}

impl Hold {
    /// Holds a file, waiting for others that do.
    ///
    /// # Errors
    /// When it cannot be opened, or another program holds it for longer than `patience`: which one.
    pub fn on(path: &Path, patience: Duration) -> Result<Self> {
        let start = Instant::now();
        let mut is_said = false;
        loop {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            match file.try_lock() {
                // Whoever held it may have put another file in its place: that one is to be held then.
                Ok(()) if is_at(&file, path) => return Ok(Hold { _file: file }),
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                // Some network drives know no locks.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Hold { _file: file });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
            let holder = || holder(&file).unwrap_or_else(|| "another program".to_string());
            if start.elapsed() >= patience {
                bail!(
                    "{} is being changed by {}; start again when that has ended, or end it",
                    path.display(),
                    holder()
                );
            }
            if start.elapsed() >= UNSAID && !is_said {
                is_said = true;
                super::step(&format!("waiting for {}, which changes {}", holder(), path.display()));
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    place(file.metadata()) == place(path.metadata())
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// The program that holds a file, as Linux tells.
#[cfg(unix)]
fn holder(file: &File) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // A line: number, FLOCK, ADVISORY, WRITE, process, device:inode, range.
    let mut lines = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.find(|fields| {
        fields.get(1) == Some(&"FLOCK")
            && fields.get(5).and_then(|place| place.rsplit(':').next()) == Some(&inode)
    })?;
    let process: u32 = line[4].parse().ok().filter(|&process| process > 0)?;
    let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    Some(match &*command {
        "" => format!("process {process}"),
        command => format!("process {process} ({command})"),
    })
}

#[cfg(not(unix))]
fn holder(_file: &File) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn held_file_is_refused_after_a_while_and_its_holder_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let hold = Hold::on(file.path(), Duration::ZERO).unwrap();
        let said = Hold::on(file.path(), Duration::from_millis(50)).err().expect("held").to_string();
        assert!(said.contains(&format!("process {} ", std::process::id())), "{said}");
        assert!(said.contains(&file.path().display().to_string()) && said.contains("start again"), "{said}");
        drop(hold);
        Hold::on(file.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn file_that_was_replaced_meanwhile_is_held_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, b"old").unwrap();
        let first = Hold::on(&path, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Hold::on(&path, PATIENCE).unwrap());
            std::thread::sleep(Duration::from_millis(100));
            crate::output::write_whole(&path, b"new").unwrap();
            drop(first);
            let second = second.join().unwrap();
            assert!(is_at(&second._file, &path));
        });
    }
}
