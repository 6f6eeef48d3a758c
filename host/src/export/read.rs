//! What an export starts from: the network, the photos of people and strangers, and the photos to quantise on.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::Role;
use format::preprocess::{Colour, Preprocess};

use super::job::{EyesFrom, Job};
use super::split::{self, LEAST_TO_SPLIT, MOST_CALIBRATE, Split};
use crate::crops::{Loader, Photo, skipped_words, to_calibrate};
use crate::face::align::template;
use crate::face::crop_eyes;
use crate::graph::Graph;
use crate::onnx::{Imported, import};
use crate::outline::Outline;
use crate::passes;
use crate::people::copies;
use crate::people::folder::{self, Folder};
use crate::photo::folder::{Listed, list, people};
use crate::quantize::Preprocessing;
use crate::sight::{QuantisedEyes, Seer, fit};

/// Most photos of a folder to calibrate on that are read.
const MOST_READ: usize = 4 * (MOST_CALIBRATE + 200);
/// Folders within a stranger's folder from which on they may be people of their own.
const LEAST_OF_PEOPLE: usize = 3;

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
    /// The board's eyes.
    pub eyes: Option<QuantisedEyes>,
}

/// Reads what the job names. Warnings are added to.
///
/// # Errors
/// Whatever is wrong with network or photos.
pub(super) fn read(job: &Job, warnings: &mut Vec<String>) -> Result<Material> {
    let imported = import(&job.model, &job.cut)?;
    let Preprocessing { mean, scale } = job.preprocessing;
    ensure!(
        !imported.is_bytes || (mean == 0.0 && scale == 1.0),
        "{} takes pixels as bytes and normalises them itself: give --mean 0 --scale 1",
        job.model.display()
    );
    let graph = passes::lower(imported.graph.clone());
    let outline = Outline::of(&graph).with_context(|| job.model.display().to_string())?;
    if let Some(room) = &job.room {
        room.check(&outline.excesses(Role::Embedder, &room.budget))?;
    }
    let preprocess = preprocess(&imported, job.colour, job.preprocessing)?;
    // What can be wrong without a photo being read comes first.
    check_folders(job)?;
    let eyes = eyes(job, &preprocess, warnings)?;
    let loader = Loader::new(&preprocess, &job.photos, |finding| {
        finding.for_image(eyes.as_ref().map(Seer::new).transpose()?)
    })?;
    let folder = match &job.enrol {
        Some(folder) => folder::read(folder, &loader)?,
        None => Folder::default(),
    };
    let strangers = match &job.cohort {
        Some(folder) => strangers_of(folder, &loader, warnings)?,
        None => Vec::new(),
    };
    let (strangers, copies) = copies::without(strangers, loader.shape());
    warnings.extend(copies::words("photos of strangers", strangers.len(), &copies));
    let photos = match &job.calibrate {
        Some(folder) => {
            let Listed { found, unused, .. } = list(folder)?.checked(job.photos.is_strict)?;
            warnings.extend(unused);
            let photos = load(&loader, &split::spread(&found, MOST_READ), warnings)?;
            // A copy of a photo that scales were chosen on is no judge of them.
            let (photos, copies) = copies::without(photos, loader.shape());
            warnings.extend(copies::words("photos of --calibrate", photos.len(), &copies));
            photos
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
    Ok(Material { imported, graph, preprocess, folder, strangers, copies, photos, eyes })
}

/// Refuses folders without photos or people.
fn check_folders(job: &Job) -> Result<()> {
    job.enrol.as_deref().map(people).transpose()?;
    for folder in [&job.cohort, &job.calibrate, &job.check].into_iter().flatten() {
        list(folder)?;
    }
    Ok(())
}

/// All files of the folders that photos are taken from.
fn paths(job: &Job) -> Result<Vec<PathBuf>> {
    let folders = [&job.enrol, &job.cohort, &job.calibrate].into_iter().flatten();
    Ok(folders.map(|folder| Ok(list(folder)?.found)).collect::<Result<Vec<_>>>()?.concat())
}

/// The board's eyes, quantised on some of the photos.
fn eyes(job: &Job, preprocess: &Preprocess, warnings: &mut Vec<String>) -> Result<Option<QuantisedEyes>> {
    let networks = match &job.eyes {
        None => return Ok(None),
        Some(EyesFrom::Quantised(eyes)) => return Ok(Some(eyes.clone())),
        Some(EyesFrom::Networks(networks)) => networks,
    };
    let known = networks.known(crop_eyes(preprocess))?;
    for other in
        [Some(&known.detector), known.landmarks.as_ref(), known.liveness.as_ref()].into_iter().flatten()
    {
        let outline = Outline::of(&other.lowered()?).with_context(|| other.model.display().to_string())?;
        if let Some(room) = &job.room {
            room.check(&outline.excesses(other.role, &room.budget))?;
        }
    }
    let eyes = fit(&known, &to_calibrate(&paths(job)?, warnings)?)?;
    warnings.extend(eyes.report.beside_float.warnings());
    Ok(Some(eyes))
}

/// Reads photos; warns of those that are not used.
fn load(loader: &Loader, paths: &[PathBuf], warnings: &mut Vec<String>) -> Result<Vec<Photo>> {
    let loaded = loader.load(paths)?;
    let words = skipped_words(&loaded.skipped);
    if let (true, Some(words)) = (loaded.photos.is_empty(), &words) {
        bail!("{words}");
    }
    warnings.extend(words);
    Ok(loaded.photos)
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
    let template = template(width, height).map(|point| point.map(|x| (x.max(0.0) * 64.0).round()));
    ensure!(
        template.as_flattened().iter().all(|&x| x <= f32::from(u16::MAX)),
        "crops of {width}×{height} are too large: the points of a face must lie within 1,023 pixels; embedding networks take about \
         112×112"
    );
    let template = template.map(|point| point.map(|x| x as u16));
    let Preprocessing { mean, scale } = preprocessing;
    Ok(Preprocess { height: height as u16, width: width as u16, colour, mean, scale, template })
}

/// One photo of each stranger: of several the first that can be used.
///
/// # Errors
/// When no photo can be used.
fn strangers_of(folder: &Path, loader: &Loader, warnings: &mut Vec<String>) -> Result<Vec<Photo>> {
    let Listed { found, unused, .. } = list(folder)?.checked(loader.is_strict())?;
    warnings.extend(unused);
    let mut read = Vec::new();
    let mut skipped = Vec::new();
    let mut waiting: Vec<VecDeque<PathBuf>> =
        by_person(folder, found, warnings).into_iter().map(VecDeque::from).collect();
    while !waiting.is_empty() {
        let next: Vec<PathBuf> = waiting.iter_mut().filter_map(VecDeque::pop_front).collect();
        let loaded = loader.load(&next)?;
        // Whose photo was skipped is tried with the next one.
        let unused: HashSet<&Path> = loaded.skipped.iter().map(|skipped| &*skipped.photo).collect();
        waiting = waiting
            .into_iter()
            .zip(&next)
            .filter(|(_, photo)| unused.contains(&***photo))
            .map(|(more, _)| more)
            .collect();
        waiting.retain(|more| !more.is_empty());
        read.extend(loaded.photos);
        skipped.extend(loaded.skipped);
    }
    let words = skipped_words(&skipped);
    if let (true, Some(words)) = (read.is_empty(), &words) {
        bail!("{words}");
    }
    warnings.extend(words);
    read.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(read)
}

/// Photos of a folder by the person they show: a folder in it is a person, and so is a photo that lies in it itself. Where all
/// folders are named after dates (`2024`, `2024-05`), they hold different people, a photo or a folder each. A folder of many folders that
/// counts as one person is warned of.
pub(super) fn by_person<T: AsRef<Path>>(
    folder: &Path,
    photos: Vec<T>,
    warnings: &mut Vec<String>,
) -> Vec<Vec<T>> {
    let below = |photo: &T| -> Vec<PathBuf> {
        let below = photo.as_ref().strip_prefix(folder).unwrap_or(photo.as_ref());
        below.components().map(|part| PathBuf::from(part.as_os_str())).collect()
    };
    let are_dates = photos.iter().map(below).all(|parts| parts.len() == 1 || is_date(&parts[0]));
    let mut people: BTreeMap<PathBuf, Vec<T>> = BTreeMap::new();
    for photo in photos {
        let person = below(&photo).iter().take(if are_dates { 2 } else { 1 }).collect::<PathBuf>();
        people.entry(folder.join(person)).or_default().push(photo);
    }
    for (person, photos) in &people {
        let within = photos.iter().filter_map(|photo| photo.as_ref().parent());
        let within: BTreeSet<&Path> = within.filter(|within| within != person).collect();
        let are_people =
            within.iter().filter(|path| !is_date(Path::new(path.file_name().unwrap_or_default())));
        if are_people.count() >= LEAST_OF_PEOPLE {
            warnings.push(format!(
                "{} has {} folders and counts as one person, as each folder of {} does; if it holds different people, move its \
                 folders up",
                person.display(),
                within.len(),
                folder.display()
            ));
        }
    }
    people.into_values().collect()
}

/// Whether a folder's name is a year, with a month or a day perhaps.
fn is_date(name: &Path) -> bool {
    let name = name.to_string_lossy();
    let mut parts = name.split(['-', '_', '.', ' ']);
    let year = parts.next().unwrap_or("");
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4
        && (year.starts_with("19") || year.starts_with("20"))
        && is_number(year)
        && parts.all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people_of(photos: &[&str]) -> (Vec<usize>, Vec<String>) {
        let mut warnings = Vec::new();
        let folder = Path::new("strangers");
        let people =
            by_person(folder, photos.iter().map(|photo| folder.join(photo)).collect(), &mut warnings);
        (people.iter().map(Vec::len).collect(), warnings)
    }

    #[test]
    fn stranger_is_a_photo_or_a_folder_with_all_below_it() {
        let (people, warnings) =
            people_of(&["1.jpg", "Ada/1.jpg", "Ada/2023/2.jpg", "Ada/2024/3.jpg", "Bob/1.jpg"]);
        assert_eq!((people, warnings), (vec![1, 3, 1], vec![]));
    }

    #[test]
    fn folders_of_years_hold_different_people() {
        let (people, _) = people_of(&["2023/1.jpg", "2023/2.jpg", "2024-05/Ada/1.jpg", "2024-05/Ada/2.jpg"]);
        assert_eq!(people, [1, 1, 2]);
    }

    #[test]
    fn folder_of_many_people_that_counts_as_one_is_told() {
        let (people, warnings) = people_of(&["lfw/Ada/1.jpg", "lfw/Bob/1.jpg", "lfw/Cy/1.jpg", "1.jpg"]);
        assert_eq!(people, [1, 3]);
        assert!(warnings[0].contains("lfw has 3 folders and counts as one person"), "{warnings:?}");
    }
}
