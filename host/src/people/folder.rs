//! A folder of people: a subfolder each, with photos of them.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::copies;
use crate::crops::{Loader, skipped_words};
use crate::output;
use crate::photo::folder::{Listed, people};

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
/// When a name cannot be one, or nobody has a usable photo.
pub fn read(folder: &Path, loader: &Loader) -> Result<Folder> {
    let Listed { found, unused, .. } = people(folder)?.checked(loader.is_strict())?;
    let mut read = Folder { warnings: unused, ..Folder::default() };
    let mut skipped = Vec::new();
    let mut without = Vec::new();
    let mut copies = Vec::new();
    let mut kept = 0;
    for (name, files) in found {
        let loaded = loader.load(&files)?;
        if loaded.photos.is_empty() {
            let why = loaded.skipped.first().map_or(String::new(), |skipped| skipped.reason.clone());
            without.push(format!("{name} ({why})"));
        } else {
            // Copies would draw the centre to one picture.
            let (photos, of_person) = copies::without(loaded.photos, loader.shape());
            copies.extend(of_person);
            kept += photos.len();
            let (files, crops) = photos.into_iter().map(|photo| (photo.path, photo.crop)).unzip();
            read.people.push(Photographed { name, files, crops });
        }
        skipped.extend(loaded.skipped);
    }
    if !without.is_empty() {
        let words = format!("no photo can be used of {}", output::some_of(&without));
        ensure!(!read.people.is_empty(), "{words}; add better ones");
        read.warnings.insert(0, format!("{words}: not enrolled"));
    }
    read.warnings.extend(skipped_words(&skipped));
    read.warnings.extend(copies::words("photos of people", kept, &copies));
    Ok(read)
}
