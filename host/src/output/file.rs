//! Files: a regular one is written whole or not at all, everything else, such as a pipe, is written through.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::interrupt::TemporaryFile;

/// How many links in a row are followed.
const MOST_LINKS: usize = 40;

/// Where bytes go that are written to a path.
pub(super) enum Destination {
    /// A regular file, whether it is there or not, behind all links: it is replaced as a whole.
    Regular(PathBuf),
    /// The program's standard output by another name.
    StandardOutput,
    /// A socket that somebody listens on.
    Socket,
    /// A pipe or a device.
    Through,
}

impl Destination {
    /// What a path stands for.
    ///
    /// # Errors
    /// When it is a folder, or links go round in circles.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let mut target = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            if is_descriptor(&target, 1) {
                return Ok(Destination::StandardOutput);
            }
            let metadata = target.symlink_metadata();
            if !metadata.as_ref().is_ok_and(|metadata| metadata.is_symlink()) {
                break;
            }
            // What is under /proc looks like links and is none.
            if is_in_proc(&target) {
                return Ok(Destination::Through);
            }
            let link = target.read_link()?;
            target = folder_of(&target).join(link);
        }
        let Ok(metadata) = target.symlink_metadata() else { return Ok(Destination::Regular(target)) };
        Ok(match metadata.file_type() {
            kind if kind.is_symlink() => bail!("its links lead to each other"),
            kind if kind.is_dir() => bail!("it is a folder; give a file's name"),
            kind if kind.is_file() => Destination::Regular(target),
            kind if is_socket(&kind) => Destination::Socket,
            _ => Destination::Through,
        })
    }
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_in_proc(path: &Path) -> bool {
    folder_of(path).canonicalize().is_ok_and(|folder| folder.starts_with("/proc"))
}

/// Whether a path is this program's open file of a number, as Linux names them.
fn is_descriptor(path: &Path, number: u32) -> bool {
    let own = Path::new("/proc").join(std::process::id().to_string()).join("fd");
    path.file_name().is_some_and(|name| *name == *number.to_string())
        && folder_of(path).canonicalize().is_ok_and(|folder| folder == own)
}

/// Whether what is written to a path goes to standard output.
pub fn is_standard_output(path: &Path) -> bool {
    matches!(Destination::of(path), Ok(Destination::StandardOutput))
}

#[cfg(unix)]
fn is_socket(kind: &std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(kind)
}

#[cfg(not(unix))]
fn is_socket(_kind: &std::fs::FileType) -> bool {
    false
}

/// Writes a value as JSON that people can read, whose last line is a whole one. As [`write_whole`].
///
/// # Errors
/// As [`write_whole`], or when the value is not one of JSON.
pub fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    write_whole(path, text.as_bytes())
}

/// Writes to a path. A regular file, also behind links, is written to a temporary one beside it, which then takes its name
/// and its rights; a new one is its owner's alone, as photos and faceprints are nobody else's. A pipe, a device or a socket
/// gets the bytes.
///
/// # Errors
/// Names the file; what was there before is left as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let destination = Destination::of(path).with_context(|| cannot_write(path))?;
    match destination {
        Destination::Regular(target) => replace(&target, bytes).with_context(|| cannot_write(path)),
        Destination::StandardOutput => Ok(super::print(bytes)?),
        Destination::Socket => {
            to_socket(path, bytes).with_context(|| format!("cannot write to the socket {}", path.display()))
        }
        Destination::Through => {
            let open = OpenOptions::new().write(true).open(path);
            let written = open.and_then(|mut file| file.write_all(bytes));
            written.with_context(|| format!("cannot write to {}", path.display()))
        }
    }
}

/// Writes a new file, whole or not at all, which its owner alone may read.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut temporary = TemporaryFile::new_in(folder_of(path))?;
        let file = temporary.as_file();
        file.write_all(bytes)?;
        file.sync_all()?;
        temporary.persist_new(path)
    };
    match write() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} is there already; give the name of a new file", path.display())
        }
        written => written.with_context(|| format!("cannot write {}", path.display())),
    }
}

pub(super) fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; what was there is unchanged", path.display())
}

#[cfg(unix)]
fn to_socket(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::net::UnixStream::connect(path)?.write_all(bytes)
}

#[cfg(not(unix))]
fn to_socket(_path: &Path, _bytes: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(target);
    let mut temporary = TemporaryFile::new_in(folder)?;
    let file = temporary.as_file();
    file.write_all(bytes)?;
    if let Ok(old) = target.metadata() {
        keep_owner(file, &old);
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    temporary.persist(target)?;
    // The new name is safe on the disk where the system can tell so.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Gives a file the owner and the group of the one it replaces; only the superuser may give a file away.
#[cfg(unix)]
fn keep_owner(file: &File, old: &std::fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let _ = fchown(file, Some(old.uid()), Some(old.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _old: &std::fs::Metadata) {}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_files_are_the_owners_alone_and_old_ones_keep_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        write_whole(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o600);
        for kept in [0o640, 0o664, 0o600] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
            write_whole(&path, b"newer").unwrap();
            assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (kept, b"newer".to_vec()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn json_ends_with_the_end_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        write_json(&path, &[1, 2]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[\n  1,\n  2\n]\n");
    }

    #[test]
    fn links_are_followed_and_kept_also_where_they_lead_to_nothing_yet() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("deep")).unwrap();
        symlink("second", at("first")).unwrap();
        symlink("deep/image", at("second")).unwrap();
        for bytes in [b"one", b"two"] {
            write_whole(&at("first"), bytes).unwrap();
            assert_eq!(std::fs::read(at("deep/image")).unwrap(), bytes);
            assert!(at("first").is_symlink() && at("second").is_symlink() && !at("deep/image").is_symlink());
        }
        symlink("round", at("about")).unwrap();
        symlink("about", at("round")).unwrap();
        let said = format!("{:#}", write_whole(&at("round"), b"").unwrap_err());
        assert!(said.contains("lead to each other"), "{said}");
        let said = format!("{:#}", write_whole(&at("deep"), b"").unwrap_err());
        assert!(said.contains("it is a folder"), "{said}");
    }

    #[test]
    fn sockets_get_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let reading = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
            bytes
        });
        write_whole(&path, b"image").unwrap();
        assert_eq!(reading.join().unwrap(), b"image");
        assert!(is_socket(&path.metadata().unwrap().file_type()));
    }

    #[test]
    fn full_device_is_an_error_and_stays_a_device() {
        let said = format!("{:#}", write_whole(Path::new("/dev/full"), b"image").unwrap_err());
        assert!(said.contains("/dev/full") && said.contains("No space"), "{said}");
        write_whole(Path::new("/dev/null"), b"image").unwrap();
        assert!(!Path::new("/dev/null").is_file() && Path::new("/dev/null").exists());
    }
}
