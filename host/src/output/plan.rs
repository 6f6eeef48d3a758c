//! The files that a command is going to write, checked before it works for minutes: whether they can be written, and that none of
//! them is something else that the command reads or writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::file::{Destination, cannot_write, folder_of};
use crate::interrupt::TemporaryFile;
use crate::photo;

/// A path and the part of the command line that names it, such as `--model`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    option: &'static str,
    path: PathBuf,
}

impl Named {
    /// The path of an option.
    pub fn new(option: &'static str, path: &Path) -> Self {
        Named { option, path: path.to_path_buf() }
    }

    /// The path of an option that may not be given.
    pub fn given(option: &'static str, path: Option<&PathBuf>) -> Option<Self> {
        path.map(|path| Named::new(option, path))
    }
}

/// Which file a path stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// A file that is there, whatever its names.
    #[cfg(unix)]
    There { device: u64, inode: u64 },
    /// One that is not there yet, or that the system gives no number.
    Path(PathBuf),
}

impl Identity {
    /// Nothing for what can be written by many: pipes and devices.
    fn of(path: &Path) -> Option<Self> {
        let Ok(Destination::Regular(path)) = Destination::of(path) else { return None };
        #[cfg(unix)]
        if let Ok(metadata) = path.metadata() {
            use std::os::unix::fs::MetadataExt as _;
            return Some(Identity::There { device: metadata.dev(), inode: metadata.ino() });
        }
        let folder = folder_of(&path).canonicalize().ok()?;
        Some(Identity::Path(folder.join(path.file_name()?)))
    }
}

/// The outputs of a command and what it reads.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// Files to be written.
    pub outputs: Vec<Named>,
    /// Folders that several files are written into.
    pub folders: Vec<Named>,
    /// Files that are read, and folders whose photos and networks are.
    pub inputs: Vec<Named>,
}

impl Planned {
    /// Refuses outputs that overwrite an input or each other, or that cannot be written.
    ///
    /// # Errors
    /// Names both options, or the output and what keeps it from being written.
    pub fn check(&self) -> Result<()> {
        for (index, output) in self.outputs.iter().enumerate() {
            let Named { option, path } = output;
            check_writable(path).with_context(|| cannot_write(path))?;
            let Some(identity) = Identity::of(path) else { continue };
            for other in self.outputs[..index].iter().chain(&self.inputs) {
                if let Some(file) = clash(&identity, other) {
                    let Named { option: also, path: given } = other;
                    let part =
                        if file == *given { String::new() } else { format!(", as {}", file.display()) };
                    bail!(
                        "{option} {} and {also} {} are one file{part}: it would be overwritten; give {option} another name",
                        path.display(),
                        given.display()
                    );
                }
            }
        }
        for Named { option, path } in &self.folders {
            let folder = in_full(path);
            let is_within = |other: &&Named| {
                let other = in_full(&other.path);
                other.starts_with(&folder) || folder.starts_with(&other)
            };
            if let Some(Named { option: also, path: given }) = self.inputs.iter().find(is_within) {
                bail!(
                    "{option} writes files into the folder {}, and {also} {} is there or holds it: give {option} a name in another \
                     folder",
                    path.display(),
                    given.display()
                );
            }
        }
        Ok(())
    }
}

/// A path from the root on, without links as far as it exists.
fn in_full(path: &Path) -> PathBuf {
    let (folder, name) = (folder_of(path), path.file_name().unwrap_or_default());
    path.canonicalize()
        .or_else(|_| folder.canonicalize().map(|folder| folder.join(name)))
        .unwrap_or(path.to_path_buf())
}

/// The file of `other`, or in the folder `other`, that has this identity.
fn clash(identity: &Identity, other: &Named) -> Option<PathBuf> {
    let files = match identity {
        // What is not there yet is in no folder.
        Identity::Path(_) if other.path.is_dir() => return None,
        _ if other.path.is_dir() => files_in(&other.path),
        _ => vec![other.path.clone()],
    };
    files.into_iter().find(|file| Identity::of(file).as_ref() == Some(identity))
}

/// The first of some outputs that is one of the inputs by another name or the same, and that input.
pub fn first_overwritten(outputs: impl Iterator<Item = PathBuf>, inputs: &[PathBuf]) -> Option<[PathBuf; 2]> {
    let mut there = outputs.filter(|output| output.exists()).peekable();
    there.peek()?;
    let inputs: HashMap<Identity, &PathBuf> =
        inputs.iter().filter_map(|input| Some((Identity::of(input)?, input))).collect();
    there.find_map(|output| {
        let input = (*inputs.get(&Identity::of(&output)?)?).clone();
        Some([output, input])
    })
}

/// The files of a folder that commands read.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read, or holds no photos, is refused by whoever reads it.
    let mut files = photo::folder::list(folder).map_or(Vec::new(), |listed| listed.found);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_network = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "onnx");
    files.extend(entries.map(|entry| entry.path()).filter(is_network));
    files
}

/// Whether a file can be written, as far as can be told without writing it.
fn check_writable(path: &Path) -> Result<()> {
    match Destination::of(path)? {
        Destination::Regular(target) => {
            check_folder(folder_of(&target))?;
            if target.exists() {
                check_access(&target)?;
            }
            Ok(())
        }
        Destination::Through => check_access(path),
        Destination::StandardOutput | Destination::Socket => Ok(()),
    }
}

/// Makes a folder for files to be written, where it is not there yet.
///
/// # Errors
/// When it cannot be made, or no file can be made in it.
pub fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    check_folder(folder)
}

/// Whether files can be made in a folder.
fn check_folder(folder: &Path) -> Result<()> {
    ensure!(folder.exists(), "there is no folder {}; make it, or give another", folder.display());
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    let made = TemporaryFile::new_in(folder);
    made.map(drop).with_context(|| format!("no file can be made in {}", folder.display()))
}

#[cfg(unix)]
fn check_access(path: &Path) -> Result<()> {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).context("you have no right to write it")
}

#[cfg(not(unix))]
fn check_access(_path: &Path) -> Result<()> {
    Ok(())
}
