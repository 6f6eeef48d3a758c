//! `host align`: cuts the faces out of photos, upright and as large as a network takes them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use image::{ImageFormat, RgbImage};
use rayon::prelude::*;
use serde::Serialize;

use super::export::template;
use crate::cli::Faces;
use crate::face::{Detector, align};
use crate::{output, photo};

/// What to align.
#[derive(Clone, Debug)]
pub struct Job {
    /// A photo, or a folder of photos whose subfolders are kept.
    pub photos: PathBuf,
    /// Folder for the crops.
    pub output: PathBuf,
    /// Height and width of crops.
    pub size: [usize; 2],
    /// Which faces of a photo.
    pub faces: Faces,
    /// Folder of the detector's networks.
    pub detector: PathBuf,
}

/// What became of the photos.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Crops, in order of photos and of size.
    pub crops: Vec<Cut>,
    /// Photos without a crop.
    pub skipped: Vec<Skipped>,
}

/// A crop.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// The photo.
    pub photo: PathBuf,
    /// The crop's file.
    pub crop: PathBuf,
    /// How sure the detector is of the face, 0 to 1.
    pub score: f32,
}

/// A photo without a crop.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// The photo.
    pub photo: PathBuf,
    /// Why.
    pub reason: String,
}

/// Cuts out faces of one photo, `[height, width]`, the largest first.
///
/// # Errors
/// When a network fails.
pub fn cut_out(
    detector: &Detector,
    photo: &RgbImage,
    [height, width]: [usize; 2],
    faces: Faces,
) -> Result<Vec<(RgbImage, f32)>> {
    let mut found = detector.find(photo)?;
    if faces == Faces::Largest {
        found.truncate(1);
    }
    let template = template(width, height);
    let crop = |face: &crate::face::Face| {
        let crop = align::crop(photo, &face.landmarks, &template, [width as u32, height as u32])?;
        Some((crop, face.score))
    };
    Ok(found.iter().filter_map(crop).collect())
}

/// Aligns photos and writes the crops as PNG.
///
/// # Errors
/// When the detector or all photos cannot be used, or a crop cannot be written.
pub fn align(job: &Job) -> Result<Report> {
    ensure!(job.size.iter().all(|side| (16..=1024).contains(side)), "crops have sides of 16 to 1024 pixels");
    let (root, photos) = match job.photos.is_dir() {
        true => (job.photos.as_path(), photo::list(&job.photos)?),
        false => (job.photos.parent().unwrap_or(Path::new("")), vec![job.photos.clone()]),
    };
    let detector = Detector::load(&job.detector)?;
    let bar = output::bar(photos.len(), "finding faces");
    let outcomes: Vec<Result<Report>> = photos
        .par_iter()
        .map(|path| {
            let report = align_one(job, &detector, root, path);
            bar.inc(1);
            report
        })
        .collect();
    bar.finish_and_clear();
    let mut report = Report::default();
    for outcome in outcomes {
        let one = outcome?;
        report.crops.extend(one.crops);
        report.skipped.extend(one.skipped);
    }
    if report.crops.is_empty() {
        match report.skipped.first() {
            Some(first) => bail!("no face in any photo; {}: {}", first.photo.display(), first.reason),
            None => bail!("no photos in {}", job.photos.display()),
        }
    }
    Ok(report)
}

fn align_one(job: &Job, detector: &Detector, root: &Path, path: &Path) -> Result<Report> {
    let skipped = |reason: String| Report {
        crops: Vec::new(),
        skipped: vec![Skipped { photo: path.to_path_buf(), reason }],
    };
    let photo = match photo::load(path) {
        Ok(photo) => photo,
        Err(error) => return Ok(skipped(format!("{error:#}"))),
    };
    let faces = cut_out(detector, &photo, job.size, job.faces)?;
    if faces.is_empty() {
        return Ok(skipped("no face was found".to_string()));
    }
    let place = job.output.join(path.strip_prefix(root).unwrap_or(path)).with_extension("");
    let mut report = Report::default();
    for (index, (crop, score)) in faces.into_iter().enumerate() {
        let mut file = place.clone().into_os_string();
        if job.faces == Faces::All {
            file.push(format!("-{}", index + 1));
        }
        file.push(".png");
        let file = PathBuf::from(file);
        write_png(&file, &crop)?;
        report.crops.push(Cut { photo: path.to_path_buf(), crop: file, score });
    }
    Ok(report)
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

/// Prints what became of the photos.
pub fn print(report: &Report) {
    for Skipped { photo, reason } in &report.skipped {
        eprintln!("skipped {}: {reason}", photo.display());
    }
    for Cut { photo, crop, score } in &report.crops {
        println!("{}  from {} (sure to {:.0} %)", crop.display(), photo.display(), 100.0 * score);
    }
}
