//! `host gallery`: who is enrolled in an image, and changing that.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::Image;
use format::policy::ONE_Q30;
use serde::Serialize;

use crate::arcface::Loss;
use crate::cli;
use crate::crops::Loader;
use crate::embedding::{angle, cosine};
use crate::gallery::{
    closeness, embed, is_same, newcomers, people_of, read_folder, separate, unit_centre, with_people,
};
use crate::output::{self, show};
use crate::sections::Enrolled;
use crate::simulator::{AlignedBytes, Simulator};

/// Runs the command.
///
/// # Errors
/// When an image, photos or names cannot be used; the image is then as it was.
pub fn run(command: &cli::Gallery) -> Result<()> {
    use cli::Gallery;
    match command {
        Gallery::List { image, json } => show(*json, &list(image)?, |rows| print_list(rows)),
        Gallery::Add { image, people, output, keep_outliers, allow_duplicates, photos } => {
            let changed = add(image, people, photos, *keep_outliers, *allow_duplicates)?;
            write(image, output.as_deref(), changed)
        }
        Gallery::Remove { image, names, output } => write(image, output.as_deref(), remove(image, names)?),
        Gallery::Merge { image, other, output, allow_duplicates } => {
            write(image, output.as_deref(), merge(image, other, *allow_duplicates)?)
        }
        Gallery::Export { image, output } => {
            let bytes = AlignedBytes::read(image)?;
            let people = people_of(&bytes.image(image)?);
            output::write_whole(output, serde_json::to_string_pretty(&people)?.as_bytes())
        }
        Gallery::Report { image, people, margin_kind, m, combined, s, photos, json } => {
            let loss = match combined.as_deref() {
                Some(&[m1, m2, m3]) => Loss { s: *s, m1, m2, m3 },
                _ => Loss::of_kind(*margin_kind, *m, *s),
            };
            show(*json, &report(image, people.as_deref(), photos, loss)?, print_report)
        }
    }
}

/// A changed image and what to tell the user.
pub struct Changed {
    /// The image.
    pub image: Vec<u8>,
    /// What was done.
    pub done: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

fn write(image: &Path, output: Option<&Path>, changed: Changed) -> Result<()> {
    let path = output.unwrap_or(image);
    output::write_whole(path, &changed.image)?;
    for warning in &changed.warnings {
        eprintln!("warning: {warning}");
    }
    println!("{}; written to {}", changed.done, path.display());
    Ok(())
}

/// Somebody enrolled.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name.
    pub name: String,
    /// Photos their centres are made from.
    pub photos: usize,
    /// Their centres.
    pub centres: usize,
    /// The nearest other person.
    pub nearest: Option<String>,
    /// Angle between the two, degrees.
    pub nearest_degrees: Option<f32>,
}

/// Who is enrolled.
///
/// # Errors
/// When the image cannot be used.
pub fn list(image: &Path) -> Result<Vec<Row>> {
    let bytes = AlignedBytes::read(image)?;
    let people = people_of(&bytes.image(image)?);
    let pairs = closeness(&people);
    let row = |person: &Enrolled| {
        let nearest = pairs.iter().find(|pair| pair.names.contains(&person.name));
        let other = |names: &[String; 2]| names.iter().find(|name| **name != person.name).cloned();
        Row {
            name: person.name.clone(),
            photos: person.photos,
            centres: person.centres.len(),
            nearest: nearest.and_then(|pair| other(&pair.names)),
            nearest_degrees: nearest.map(|pair| pair.angle_degrees),
        }
    };
    Ok(people.iter().map(row).collect())
}

fn print_list(rows: &[Row]) {
    println!("{:24} {:>6} {:>7}  nearest other person", "name", "photos", "centres");
    for Row { name, photos, centres, nearest, nearest_degrees } in rows {
        let nearest = match (nearest, nearest_degrees) {
            (Some(name), Some(degrees)) => format!("{name} at {degrees:.0}°"),
            _ => "-".to_string(),
        };
        println!("{name:24} {photos:>6} {centres:>7}  {nearest}");
    }
    println!("{} people", rows.len());
}

/// The image with the people of a folder enrolled besides those it has.
///
/// # Errors
/// When somebody is enrolled already, looks like somebody who is, or a photo cannot be used.
pub fn add(
    path: &Path,
    folder: &Path,
    photos: &cli::Photos,
    keep_outliers: bool,
    allow_duplicates: bool,
) -> Result<Changed> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let simulator = Simulator::new(&image.model)?;
    let loader = Loader::new(&image.preprocess, photos)?;
    let mut warnings = Vec::new();
    let newcomers = newcomers(read_folder(folder, &loader)?, &simulator, keep_outliers, &mut warnings)?;
    let added: Vec<Enrolled> = newcomers.iter().map(|newcomer| newcomer.enrolled()).collect();
    let done = format!("{} enrolled", added.len());
    joined(&image, bytes.bytes(), added, allow_duplicates, Changed { image: Vec::new(), done, warnings })
}

/// The image with more people, after the checks that enrolling somebody needs. `changed` has what was done and warned of so
/// far.
fn joined(
    image: &Image<'_>,
    bytes: &[u8],
    added: Vec<Enrolled>,
    allow_duplicates: bool,
    mut changed: Changed,
) -> Result<Changed> {
    let mut people = people_of(image);
    people.extend(added.iter().cloned());
    let threshold = image.policy.threshold_q30(people.len());
    ensure!(threshold <= ONE_Q30, "{} people are more than the image's thresholds are for", people.len());
    let reach = angle(threshold as f32 / ONE_Q30 as f32);
    let margin = image.policy.margin.urad as f32 * 1e-6;
    changed.done = format!("{}, {} in all", changed.done, people.len());
    let fresh = with_people(image, bytes, people.clone())?;
    for pair in separate(&people, reach, margin, allow_duplicates)? {
        // Of the pairs that were there before the user knows.
        if added.iter().any(|person| pair.names.contains(&person.name)) {
            changed.warnings.push(pair.to_string());
        }
    }
    if let Some(cohort) = image.cohort.as_ref().filter(|_| !allow_duplicates) {
        let strangers: Vec<Vec<f32>> =
            cohort.vectors.chunks_exact(cohort.dimension()).map(unit_centre).collect();
        for person in &added {
            let is_stranger =
                |centre: &Vec<i8>| strangers.iter().any(|stranger| is_same(stranger, &unit_centre(centre)));
            ensure!(
                !person.centres.iter().any(is_stranger),
                "{} looks like one of the strangers the image was exported with, and would be refused as one; \
                 export anew without that photo, or give --allow-duplicates",
                person.name
            );
        }
    }
    Ok(Changed { image: fresh, ..changed })
}

/// The image without some people.
///
/// # Errors
/// When one of them is not enrolled.
pub fn remove(path: &Path, names: &[String]) -> Result<Changed> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let mut people = people_of(&image);
    for name in names {
        let before = people.len();
        people.retain(|person| person.name != *name);
        ensure!(
            people.len() < before,
            "{name} is not enrolled in {}; `host gallery list` shows who is",
            path.display()
        );
    }
    let done = format!("{} removed, {} left", names.len(), people.len());
    Ok(Changed { image: with_people(&image, bytes.bytes(), people)?, done, warnings: Vec::new() })
}

/// The image with the people of another as well.
///
/// # Errors
/// When the other is of another network, or somebody is in both, be it under two names.
pub fn merge(path: &Path, other: &Path, allow_duplicates: bool) -> Result<Changed> {
    let (bytes, other_bytes) = (AlignedBytes::read(path)?, AlignedBytes::read(other)?);
    let (image, other_image) = (bytes.image(path)?, other_bytes.image(other)?);
    if image.model_id != other_image.model_id {
        bail!(
            "{} and {} were exported with different networks or preprocessing: their people cannot be compared; export one anew",
            path.display(),
            other.display()
        );
    }
    let added = people_of(&other_image);
    let changed =
        Changed { image: Vec::new(), done: format!("{} people added", added.len()), warnings: Vec::new() };
    joined(&image, bytes.bytes(), added, allow_duplicates, changed)
}

/// Angle statistics of a gallery, degrees, as ArcFace's own table has them (Deng et al., CVPR 2019, table 3), and losses.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The loss.
    pub loss: Loss,
    /// People enrolled.
    pub people: usize,
    /// Mean angle of a photo to its own person's nearest centre ("Intra"). Needs photos.
    pub intra: Option<f32>,
    /// Mean over people of the angle to the nearest other person ("Inter").
    pub inter: Option<f32>,
    /// Mean angle between any two people.
    pub between: Option<f32>,
    /// Mean loss of a photo. Needs photos.
    pub mean_loss: Option<f32>,
    /// One a photo.
    pub photos: Vec<PhotoLoss>,
    /// People whose photos are on average farther from their centre than most people's: over the mean and two standard
    /// deviations.
    pub loose: Vec<(String, f32)>,
    /// People closer to each other than a photo on average is to its own person.
    pub close: Vec<([String; 2], f32)>,
}

/// A photo and its loss.
#[derive(Clone, Debug, Serialize)]
pub struct PhotoLoss {
    /// The photo.
    pub photo: PathBuf,
    /// Whose folder it is in.
    pub person: String,
    /// Angle to that person's nearest centre, degrees.
    pub angle_degrees: f32,
    /// The nearest other person.
    pub nearest: String,
    /// Angle to them, degrees.
    pub nearest_degrees: f32,
    /// Loss.
    pub loss: f32,
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> Option<f32> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f32>() / count as f32)
}

/// Statistics of an image's gallery, and of photos of its people.
///
/// # Errors
/// When image or photos cannot be used, or a folder is of nobody enrolled.
pub fn report(path: &Path, folder: Option<&Path>, photos: &cli::Photos, loss: Loss) -> Result<Report> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let people = people_of(&image);
    let pairs = closeness(&people);
    let nearest =
        people.iter().filter_map(|person| pairs.iter().find(|pair| pair.names.contains(&person.name)));
    let nearest: Vec<f32> = nearest.map(|pair| pair.angle_degrees).collect();
    let mut report = Report {
        loss,
        people: people.len(),
        intra: None,
        inter: mean(nearest.into_iter()),
        between: mean(pairs.iter().map(|pair| pair.angle_degrees)),
        mean_loss: None,
        photos: Vec::new(),
        loose: Vec::new(),
        close: Vec::new(),
    };
    let Some(folder) = folder else { return Ok(report) };

    let simulator = Simulator::new(&image.model)?;
    let read = read_folder(folder, &Loader::new(&image.preprocess, photos)?)?;
    let centres: Vec<Vec<Vec<f32>>> = people
        .iter()
        .map(|person| person.centres.iter().map(|centre| unit_centre(centre)).collect())
        .collect();
    let mut spreads = Vec::new();
    for (name, files, crops) in read.people {
        let own = people.iter().position(|person| person.name == name);
        let own = own.with_context(|| format!("{name} is not enrolled in {}", path.display()))?;
        let embeddings = embed(&simulator, &crops, "embedding photos")?;
        let rows = files.into_iter().zip(&embeddings).map(|(photo, embedding)| {
            let best =
                |centres: &Vec<Vec<f32>>| centres.iter().map(|c| cosine(c, embedding)).fold(-1f32, f32::max);
            let cosines: Vec<f32> = centres.iter().map(best).collect();
            let others = (0..people.len()).filter(|&other| other != own);
            let nearest = others.clone().max_by(|&a, &b| cosines[a].total_cmp(&cosines[b]));
            PhotoLoss {
                photo,
                person: name.clone(),
                angle_degrees: angle(cosines[own]).to_degrees(),
                nearest: nearest.map_or(String::new(), |other| people[other].name.clone()),
                nearest_degrees: nearest.map_or(180.0, |other| angle(cosines[other]).to_degrees()),
                loss: loss.of(angle(cosines[own]), others.map(|other| cosines[other])),
            }
        });
        let rows: Vec<PhotoLoss> = rows.collect();
        spreads.push((name, mean(rows.iter().map(|row| row.angle_degrees)).unwrap_or(0.0)));
        report.photos.extend(rows);
    }
    report.intra = mean(report.photos.iter().map(|row| row.angle_degrees));
    report.mean_loss = mean(report.photos.iter().map(|row| row.loss));
    let intra = report.intra.unwrap_or(0.0);
    let middle = mean(spreads.iter().map(|(_, spread)| *spread)).unwrap_or(0.0);
    let deviation = mean(spreads.iter().map(|(_, s)| (s - middle).powi(2))).unwrap_or(0.0).sqrt();
    report.loose = spreads.into_iter().filter(|(_, spread)| *spread > middle + 2.0 * deviation).collect();
    report.loose.sort_by(|a, b| b.1.total_cmp(&a.1));
    let close = pairs.into_iter().take_while(|pair| pair.angle_degrees < intra);
    report.close = close.map(|pair| (pair.names, pair.angle_degrees)).collect();
    report.photos.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    Ok(report)
}

fn print_report(report: &Report) {
    let Loss { s, m1, m2, m3 } = report.loss;
    let degrees = |value: Option<f32>| value.map_or("-".to_string(), |value| format!("{value:.1}°"));
    println!("{} people", report.people);
    println!("  photo to its own person, mean              {:>7}", degrees(report.intra));
    println!("  person to the nearest other, mean          {:>7}", degrees(report.inter));
    println!("  any two people, mean                       {:>7}", degrees(report.between));
    if let Some(loss) = report.mean_loss {
        println!(
            "  loss of a photo, mean                      {loss:>7.3}   s = {s}, cos({m1} θ + {m2}) − {m3}"
        );
    }
    for (name, spread) in &report.loose {
        println!("too loose: {name}, photos {spread:.0}° from their centre on average");
    }
    for ([a, b], angle) in &report.close {
        println!("too close: {a} and {b}, {angle:.0}° apart");
    }
    if !report.photos.is_empty() {
        println!("\nphotos of the largest loss");
        println!("{:>8} {:>6}  {:20} {:>6}  photo", "loss", "own", "nearest other", "");
    }
    for row in report.photos.iter().take(10) {
        println!(
            "{:>8.3} {:>5.0}°  {:20} {:>5.0}°  {}",
            row.loss,
            row.angle_degrees,
            row.nearest,
            row.nearest_degrees,
            row.photo.display()
        );
    }
}
