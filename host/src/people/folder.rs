//! A folder of people: a subfolder each, with photos of them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use format::gallery::MAX_NAME;

use crate::crops::Loader;
use crate::photo;

/// The usable photos of one person.
pub struct Photographed {
    /// Name: that of the subfolder.
    pub name: String,
    /// Files of the photos.
    pub files: Vec<PathBuf>,
    /// Their crops, `[h][w][c]` bytes as the network takes them.
    pub crops: Vec<Vec<u8>>,
}

/// People read from a folder with the crops of their photos, not yet embedded.
#[derive(Default)]
pub struct Folder {
    /// In order of their names.
    pub people: Vec<Photographed>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Reads a folder of people.
///
/// # Errors
/// When a folder has no photos, a name is too long, a photo is unreadable, or a person has no usable photo.
pub fn read(folder: &Path, loader: &Loader) -> Result<Folder> {
    let mut read = Folder::default();
    for (name, files) in photo::people(folder)? {
        ensure!(
            name.len() <= MAX_NAME,
            "the name {name:?} is longer than {} bytes; shorten the folder's name",
            MAX_NAME
        );
        let loaded = loader.load(&files)?;
        for skipped in &loaded.skipped {
            read.warnings.push(format!(
                "{name}: {} is not used: {}",
                skipped.photo.display(),
                skipped.reason
            ));
        }
        if loaded.crops.is_empty() {
            let why = loaded.skipped.first().map_or("", |skipped| &skipped.reason);
            bail!("no photo of {name} can be used: {why}; add a better one or remove the folder");
        }
        let (files, crops) = loaded.crops.into_iter().unzip();
        read.people.push(Photographed { name, files, crops });
    }
    Ok(read)
}
