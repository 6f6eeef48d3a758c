//! Files of crops: faces cut out of a folder of photos, upright and as large as a network takes them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::{ImageFormat, RgbImage};
use rayon::prelude::*;
use serde::Serialize;

use super::{Finding, Skipped};
use crate::face::{Choice, Chosen, Crop, Finder, Measurements, Pipeline, colour_crop, crop_eyes};
use crate::name::visible;
use crate::sight::Seer;
use crate::simulator::AlignedBytes;
use crate::usage::ensure_use;
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
    pub finding: Finding,
    /// Image with whose eyes they are found, if it has eyes.
    pub image: Option<PathBuf>,
    /// Whether a face must be fit for recognition.
    pub has_gates: bool,
}

/// The results for the photos.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cuts {
    /// Crops, in order of photos and of size.
    pub crops: Vec<CutFace>,
    /// Photos, and faces of photos, without a crop.
    pub skipped: Vec<Skipped>,
}

/// A crop.
#[derive(Clone, Debug, Serialize)]
pub struct CutFace {
    /// The photo.
    pub photo: PathBuf,
    /// The crop's file.
    pub crop: PathBuf,
    /// The detector's confidence, 0 to 1.
    pub score: f32,
    /// Left eye, right eye, nose tip, left and right mouth corner in the photo, `[x, y]`, left and right as seen.
    pub landmarks: [[f32; 2]; 5],
    /// The face's measurements.
    pub quality: Measurements,
}

/// Cuts faces out of photos and writes the crops as PNG.
///
/// # Errors
/// When the networks that find faces or all photos cannot be used, or a crop cannot be written.
pub fn cut(job: &Cutting) -> Result<Cuts> {
    ensure_use(job.size.iter().all(|side| (16..=1024).contains(side)), || {
        let [height, width] = job.size;
        format!("--size {height}x{width}: crops have sides of 16 to 1024 pixels")
    })?;
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
    let finder = finder(job, &photos).inspect_err(|_| {
        if is_new {
            let _ = std::fs::remove_dir(&job.output);
        }
    })?;
    let pipeline = Pipeline { finder, choice: job.choice, has_gates: job.has_gates };
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

fn finder(job: &Cutting, photos: &[PathBuf]) -> Result<Finder> {
    let Some(path) = &job.image else {
        return job.finding.alone(photos, crop_eyes(&colour_crop(job.size)));
    };
    let bytes = AlignedBytes::read(path)?;
    let eyes = Seer::of_image(&bytes.image(path)?, bytes.bytes(), path)?;
    job.finding.for_image(eyes).with_context(|| path.display().to_string())
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
    let outcomes = match photo::load(path).map(|photo| pipeline.each(&photo, &colour_crop(job.size))) {
        Err(error) => {
            cuts.skipped.push(skipped(None, format!("{error:#}")));
            return Ok(cuts);
        }
        Ok(Err(refusal)) => {
            cuts.skipped.push(skipped(None, refusal.to_string()));
            return Ok(cuts);
        }
        Ok(Ok(Chosen { faces, is_full })) => {
            if is_full && job.choice == Choice::All {
                output::warn(&format!(
                    "{} shows more faces than the eyes have room for at once: some may be missing; cut it into several photos",
                    visible(&path.display().to_string())
                ));
            }
            faces
        }
    };
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let number = (job.choice == Choice::All).then_some(index + 1);
        let found = match outcome {
            Ok(crop) => crop,
            Err(refusal) => {
                cuts.skipped.push(skipped(number, refusal.to_string()));
                continue;
            }
        };
        let crop = crop_file(job, root, path, number);
        let Crop { face, measurements: quality, .. } = found;
        write_png(&crop, &found.picture(job.size))?;
        let (score, landmarks) = (face.score, face.landmarks);
        cuts.crops.push(CutFace { photo: path.to_path_buf(), crop, score, landmarks, quality });
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
