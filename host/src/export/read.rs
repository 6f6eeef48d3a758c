//! What an export starts from: the network, the photos of people and strangers, and the photos to quantise on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::preprocess::{Colour, Preprocess};

use super::job::Job;
use super::split::{self, LEAST_TO_SPLIT, MOST_CALIBRATE, Split};
use crate::crops::{Loader, skipped_words};
use crate::face::align::template;
use crate::graph::Graph;
use crate::onnx::{Imported, import};
use crate::outline::Outline;
use crate::passes;
use crate::people::copies;
use crate::people::folder::{self, Folder};
use crate::photo::folder::{Listed, list};
use crate::quantize::Preprocessing;

/// Most photos of a folder to calibrate on that are read.
const MOST_READ: usize = 4 * (MOST_CALIBRATE + 200);

/// A photo's file and what the network takes of it, `[h][w][c]` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The file.
    pub path: PathBuf,
    /// The crop.
    pub crop: Vec<u8>,
}

/// Everything read.
pub(super) struct Material {
    pub imported: Imported,
    /// The network, lowered.
    pub graph: Graph,
    pub preprocess: Preprocess,
    pub folder: Folder,
    /// Crops of strangers, one each and no copies.
    pub strangers: Vec<Vec<u8>>,
    /// Photos of strangers that are copies of another, each after that one.
    pub copies: Vec<[PathBuf; 2]>,
    /// Photos to quantise on.
    pub photos: Split<Photo>,
}

/// Reads what the job names. Warnings are added to.
///
/// # Errors
/// Whatever is wrong with network or photos.
pub(super) fn read(job: &Job, warnings: &mut Vec<String>) -> Result<Material> {
    let imported = import(&job.model, &job.cut)?;
    let graph = passes::lower(imported.graph.clone());
    let outline = Outline::of(&graph).with_context(|| job.model.display().to_string())?;
    if let Some(room) = &job.room {
        room.check(&outline.excesses(&room.budget))?;
    }
    let preprocess = preprocess(&imported, job.colour, job.preprocessing)?;
    let loader = Loader::new(&preprocess, &job.photos)?;
    let folder = match &job.enrol {
        Some(folder) => folder::read(folder, &loader)?,
        None => Folder::default(),
    };
    let strangers = match &job.cohort {
        Some(folder) => load(&loader, &one_photo_each(folder, warnings)?, warnings)?,
        None => Vec::new(),
    };
    let (strangers, copies) = without_copies(strangers, imported.input());
    if let Some([first, copy]) = copies.first() {
        warnings.push(format!(
            "{} of {} photos of strangers are copies of others and count once, {} of {} for one",
            copies.len(),
            copies.len() + strangers.len(),
            copy.display(),
            first.display()
        ));
    }
    let photos = match &job.calibrate {
        Some(folder) => {
            let Listed { found, unused } = list(folder)?;
            warnings.extend(unused);
            load(&loader, &split::spread(&found, MOST_READ), warnings)?
        }
        None => strangers.iter().cloned().chain(photos_of(&folder)).collect(),
    };
    ensure!(
        !photos.is_empty(),
        "nothing to calibrate on: give --enrol, --cohort or --calibrate a folder of photos"
    );
    if photos.len() < LEAST_TO_SPLIT {
        warnings.push(format!(
            "calibrated on only {} photos: agreement is measured on the same ones; give --calibrate a folder of \
             {LEAST_TO_SPLIT} or more",
            photos.len()
        ));
    }
    let photos = split::split(&photos, [preprocess.width.into(), preprocess.colour.channels()]);
    let strangers = strangers.into_iter().map(|photo| photo.crop).collect();
    Ok(Material { imported, graph, preprocess, folder, strangers, copies, photos })
}

/// Photos of different pictures, and the copies among them, each after the photo it is a copy of. `shape` is that of crops.
pub fn without_copies(photos: Vec<Photo>, shape: [usize; 3]) -> (Vec<Photo>, Vec<[PathBuf; 2]>) {
    let crops: Vec<&[u8]> = photos.iter().map(|photo| &*photo.crop).collect();
    let firsts = copies::pictures(&crops, shape);
    let copy = |(photo, first): (&Photo, &Option<usize>)| {
        first.map(|first| [photos[first].path.clone(), photo.path.clone()])
    };
    let copies = photos.iter().zip(&firsts).filter_map(copy).collect();
    let kept = photos.into_iter().zip(&firsts).filter(|(_, first)| first.is_none());
    (kept.map(|(photo, _)| photo).collect(), copies)
}

/// Reads photos; warns of those that are not used.
fn load(loader: &Loader, paths: &[PathBuf], warnings: &mut Vec<String>) -> Result<Vec<Photo>> {
    let loaded = loader.load(paths)?;
    let words = skipped_words(&loaded.skipped);
    if let (true, Some(words)) = (loaded.crops.is_empty(), &words) {
        bail!("{words}");
    }
    warnings.extend(words);
    Ok(loaded.crops.into_iter().map(|(path, crop)| Photo { path, crop }).collect())
}

fn photos_of(folder: &Folder) -> impl Iterator<Item = Photo> + '_ {
    folder.people.iter().flat_map(|person| {
        let photos = person.files.iter().zip(&person.crops);
        photos.map(|(path, crop)| Photo { path: path.clone(), crop: crop.clone() })
    })
}

/// The image's record of what pixels mean.
///
/// # Errors
/// When the colour order does not fit the network's channels.
fn preprocess(
    imported: &Imported,
    colour: Option<Colour>,
    preprocessing: Preprocessing,
) -> Result<Preprocess> {
    let [height, width, channels] = imported.input();
    let colour = colour.unwrap_or(if channels == 1 { Colour::Grey } else { Colour::Rgb });
    ensure!(
        colour.channels() == channels,
        "--colour {colour:?} has {} channels, the network takes {channels}",
        colour.channels()
    );
    ensure!(
        height <= u16::MAX as usize && width <= u16::MAX as usize,
        "crops of {width}×{height} are too large"
    );
    let template = template(width, height).map(|point| point.map(|x| (x.max(0.0) * 64.0).round() as u16));
    let Preprocessing { mean, scale } = preprocessing;
    Ok(Preprocess { height: height as u16, width: width as u16, colour, mean, scale, template })
}

/// One photo of each stranger: photos in the folder itself, and the first of each subfolder.
fn one_photo_each(folder: &Path, warnings: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let Listed { found: mut photos, unused } = list(folder)?;
    warnings.extend(unused);
    let mut previous: Option<PathBuf> = None;
    photos.retain(|path| {
        let parent = path.parent().map(Path::to_path_buf);
        let first = parent.as_deref() == Some(folder) || parent != previous;
        previous = parent;
        first
    });
    Ok(photos)
}
