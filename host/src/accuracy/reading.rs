//! Photos of an evaluation as the image's network takes them: all that a list names, or those of a folder that can be used.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use crate::crops::{Loaded, Loader, Skipped, Source, skipped_words};
use crate::photo::folder::{self, Listed, Person};
use crate::simulator::AlignedBytes;

/// People of a folder with their photos.
pub type People = [Person];

/// Photos that were read.
pub struct ReadPhotos {
    /// Their crops, `[h][w][c]` bytes.
    pub crops: Vec<Vec<u8>>,
    /// Height, width and channels of a crop.
    pub shape: [usize; 3],
    /// Lines on files that are not used.
    pub warnings: Vec<String>,
    /// Seconds that reading took.
    pub seconds: f64,
}

fn loader(image: &Path, source: &Source) -> Result<Loader> {
    let bytes = AlignedBytes::read(image)?;
    Loader::of_image(&bytes, image, source)
}

/// Reads the photos that a list names, whose paths start from `folder`.
///
/// # Errors
/// When one of them cannot be used.
pub fn listed(image: &Path, photos: &[PathBuf], folder: &Path, source: &Source) -> Result<ReadPhotos> {
    let timed = Instant::now();
    let loader = loader(image, source)?;
    let paths: Vec<PathBuf> = photos.iter().map(|photo| folder.join(photo)).collect();
    let crops = loader.load_all(&paths)?;
    let seconds = timed.elapsed().as_secs_f64();
    Ok(ReadPhotos { crops, shape: loader.shape(), warnings: Vec::new(), seconds })
}

/// Deals pairs or roles to the people of a folder, a subfolder each, and reads the photos of them. Where some photos cannot be used,
/// it deals again without them.
///
/// # Errors
/// When the folder has too few photos that can be used; where nothing may be left out, at the first that cannot.
pub fn dealt<T>(
    image: &Path,
    folder: &Path,
    source: &Source,
    deal: impl Fn(&Path, &People) -> Result<T>,
    photos_of: fn(&T) -> &[PathBuf],
) -> Result<(T, ReadPhotos)> {
    let timed = Instant::now();
    let loader = loader(image, source)?;
    let Listed { found: mut people, unused: mut warnings, .. } =
        folder::people(folder)?.checked(loader.is_strict())?;
    let mut unusable: Vec<Skipped> = Vec::new();
    let mut read: HashMap<PathBuf, Vec<u8>> = HashMap::new();
    loop {
        let dealt = deal(folder, &people)?;
        let paths: Vec<PathBuf> = photos_of(&dealt).iter().map(|photo| folder.join(photo)).collect();
        let fresh: Vec<PathBuf> = paths.iter().filter(|path| !read.contains_key(*path)).cloned().collect();
        let Loaded { photos, skipped } = loader.load(&fresh)?;
        read.extend(photos.into_iter().map(|photo| (photo.path, photo.crop)));
        if skipped.is_empty() {
            let crops = paths.iter().filter_map(|path| read.remove(path)).collect();
            warnings.extend(skipped_words(&unusable));
            let seconds = timed.elapsed().as_secs_f64();
            return Ok((dealt, ReadPhotos { crops, shape: loader.shape(), warnings, seconds }));
        }
        unusable.extend(skipped);
        let paths: HashSet<&Path> = unusable.iter().map(|skipped| &*skipped.photo).collect();
        people.iter_mut().for_each(|(_, photos)| photos.retain(|photo| !paths.contains(&**photo)));
        people.retain(|(_, photos)| !photos.is_empty());
    }
}
