//! Files of crops: faces cut out of a folder of photos, upright and as large as a network takes them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use image::{ImageFormat, RgbImage};
use rayon::prelude::*;
use serde::Serialize;

use super::{Sight, Skipped};
use crate::face::{Choice, Crop, Gates, Pipeline, Quality, align};
use crate::{output, photo};

/// Up to this number crops of a photo are told from other photos before they are written.
const MOST_NUMBERS: usize = 100;

/// What to cut.
#[derive(Clone, Debug)]
pub struct Cutting {
    /// A photo, or a folder of photos whose subfolders are kept.
    pub photos: PathBuf,
    /// Folder for the crops.
    pub output: PathBuf,
    /// Height and width of crops.
    pub size: [usize; 2],
    /// Which faces of a photo.
    pub choice: Choice,
    /// What finds the faces.
    pub sight: Sight,
    /// What is asked of a face; `None` takes every one.
    pub gates: Option<Gates>,
}

/// The results for the photos.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cuts {
    /// Crops, in order of photos and of size.
    pub crops: Vec<Cut>,
    /// Photos, and faces of photos, without a crop.
    pub skipped: Vec<Skipped>,
}

/// A crop.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// The photo.
    pub photo: PathBuf,
    /// The crop's file.
    pub crop: PathBuf,
    /// The detector's confidence, 0 to 1.
    pub score: f32,
    /// Left eye, right eye, nose tip, left and right mouth corner in the photo, `[x, y]`, left and right as seen.
    pub landmarks: [[f32; 2]; 5],
    /// The face's measurements.
    pub quality: Quality,
}

/// Cuts faces out of photos and writes the crops as PNG.
///
/// # Errors
/// When the networks that find faces or all photos cannot be used, or a crop cannot be written.
pub fn cut(job: &Cutting) -> Result<Cuts> {
    ensure!(job.size.iter().all(|side| (16..=1024).contains(side)), "crops have sides of 16 to 1024 pixels");
    let (root, photos) = match job.photos.is_dir() {
        true => (job.photos.as_path(), photo::folder::list(&job.photos)?.told()),
        false => (job.photos.parent().unwrap_or(Path::new("")), vec![job.photos.clone()]),
    };
    let mut places = HashMap::new();
    for path in &photos {
        if let Some(other) = places.insert(place(job, root, path), path) {
            let (one, two) = (other.display(), path.display());
            bail!("the crops of {one} and {two} would have the same name; rename one of the photos");
        }
    }
    refuse_overwriting(job, root, &photos)?;
    let is_new = !job.output.exists();
    output::make_folder(&job.output)?;
    let [left, right, ..] = align::template(job.size[1], job.size[0]);
    let eyes = job.sight.eyes(&photos, right[0] - left[0]).inspect_err(|_| {
        if is_new {
            let _ = std::fs::remove_dir(&job.output);
        }
    })?;
    let pipeline = Pipeline { eyes, choice: job.choice, gates: job.gates };
    let bar = output::bar(photos.len(), "finding faces");
    let outcomes: Vec<Result<Cuts>> = photos
        .par_iter()
        .map(|path| {
            let cuts = cut_one(job, &pipeline, root, path);
            bar.inc(1);
            cuts
        })
        .collect();
    bar.finish_and_clear();
    let mut cuts = Cuts::default();
    for outcome in outcomes {
        let one = outcome?;
        cuts.crops.extend(one.crops);
        cuts.skipped.extend(one.skipped);
    }
    if cuts.crops.is_empty() {
        let reasons: String = cuts.skipped.iter().map(|skipped| format!("\n{skipped}")).collect();
        bail!("no photo gave a crop:{reasons}");
    }
    Ok(cuts)
}

/// A crop's path without number and ending.
fn place(job: &Cutting, root: &Path, photo: &Path) -> PathBuf {
    job.output.join(photo.strip_prefix(root).unwrap_or(photo)).with_extension("")
}

/// The file of a photo's crop, or of the crop of this number.
fn crop_file(job: &Cutting, root: &Path, photo: &Path, number: Option<usize>) -> PathBuf {
    let mut file = place(job, root, photo).into_os_string();
    if let Some(number) = number {
        file.push(format!("-{number}"));
    }
    file.push(".png");
    file.into()
}

/// Refuses crops in the place of photos.
fn refuse_overwriting(job: &Cutting, root: &Path, photos: &[PathBuf]) -> Result<()> {
    let numbers: Vec<Option<usize>> = match job.choice {
        Choice::All => (1..=MOST_NUMBERS).map(Some).collect(),
        _ => vec![None],
    };
    let crops = photos.iter().flat_map(|photo| numbers.iter().map(|&n| crop_file(job, root, photo, n)));
    match output::first_overwritten(crops, photos) {
        Some([crop, photo]) => bail!(
            "the crop {} would overwrite the photo {}; give another folder as --output",
            crop.display(),
            photo.display()
        ),
        None => Ok(()),
    }
}

fn cut_one(job: &Cutting, pipeline: &Pipeline, root: &Path, path: &Path) -> Result<Cuts> {
    let skipped = |face, reason: String| Skipped { photo: path.to_path_buf(), face, reason };
    let mut cuts = Cuts::default();
    let outcomes = match photo::load(path).map(|photo| pipeline.each(&photo, job.size)) {
        Err(error) => {
            cuts.skipped.push(skipped(None, format!("{error:#}")));
            return Ok(cuts);
        }
        Ok(Err(refusal)) => {
            cuts.skipped.push(skipped(None, refusal.to_string()));
            return Ok(cuts);
        }
        Ok(Ok(outcomes)) => outcomes,
    };
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let number = (job.choice == Choice::All).then_some(index + 1);
        let Crop { image, face, quality } = match outcome {
            Ok(crop) => crop,
            Err(refusal) => {
                cuts.skipped.push(skipped(number, refusal.to_string()));
                continue;
            }
        };
        let crop = crop_file(job, root, path, number);
        write_png(&crop, &image)?;
        let (score, landmarks) = (face.score, face.landmarks);
        cuts.crops.push(Cut { photo: path.to_path_buf(), crop, score, landmarks, quality });
    }
    Ok(cuts)
}

/// Writes a crop, and the folders above it.
///
/// # Errors
/// Names the file.
pub fn write_png(path: &Path, crop: &RgbImage) -> Result<()> {
    let mut png = Vec::new();
    crop.write_to(&mut std::io::Cursor::new(&mut png), ImageFormat::Png)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    output::write_whole(path, &png)
}
