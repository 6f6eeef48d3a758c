//! The angle statistics of a gallery, and ArcFace's loss of each photo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::closeness::{Closeness, closeness, spread};
use super::folder::{self, Photographed};
use super::gallery::{people_of, unit_centre};
use crate::arcface::Loss;
use crate::crops::{Loader, Source};
use crate::embedding::{angle, cosine, embed, units};
use crate::simulator::{AlignedBytes, Simulator};

/// A person whose photos differ more than those of others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loose {
    /// Name.
    pub name: String,
    /// Mean angle of their photos to their centre, degrees.
    pub spread_degrees: f32,
}

/// Angle statistics of a gallery, degrees, as ArcFace's own table has them (Deng et al., CVPR 2019, table 3), and losses.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
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
    /// One for each photo.
    pub photos: Vec<PhotoLoss>,
    /// People whose photos are unusually far from their centre on average: beyond the mean plus two standard
    /// deviations of all people.
    pub loose: Vec<Loose>,
    /// People who are closer to each other than an average photo is to its own person.
    pub close: Vec<Closeness>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
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
pub fn measure(path: &Path, folder: Option<&Path>, source: &Source, loss: Loss) -> Result<Statistics> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let people = people_of(&image);
    let spread = spread(&people);
    let nearest: Vec<f32> = spread.nearest.iter().flatten().map(|&(_, degrees)| degrees).collect();
    let mut measured = Statistics {
        loss,
        people: people.len(),
        intra: None,
        inter: mean(nearest.into_iter()),
        between: spread.mean_degrees,
        mean_loss: None,
        photos: Vec::new(),
        loose: Vec::new(),
        close: Vec::new(),
        warnings: Vec::new(),
    };
    let Some(folder) = folder else { return Ok(measured) };

    let simulator = Simulator::new(&image.embedder)?;
    let read = folder::read(folder, &Loader::of_image(&bytes, path, source)?)?;
    measured.warnings = read.warnings;
    let centres: Vec<Vec<Vec<f32>>> = people
        .iter()
        .map(|person| person.centres.iter().map(|centre| unit_centre(centre)).collect())
        .collect();
    let mut spreads = Vec::new();
    for Photographed { name, files, crops } in read.people {
        let own = people.iter().position(|person| person.name == name);
        let own = own.with_context(|| format!("{name} is not enrolled in {}", path.display()))?;
        let embeddings = units(&embed(&simulator, &crops, "embedding photos")?);
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
        measured.photos.extend(rows);
    }
    measured.intra = mean(measured.photos.iter().map(|row| row.angle_degrees));
    measured.mean_loss = mean(measured.photos.iter().map(|row| row.loss));
    let intra = measured.intra.unwrap_or(0.0);
    let middle = mean(spreads.iter().map(|(_, spread)| *spread)).unwrap_or(0.0);
    let deviation = mean(spreads.iter().map(|(_, s)| (s - middle).powi(2))).unwrap_or(0.0).sqrt();
    let loose = spreads.into_iter().filter(|(_, spread)| *spread > middle + 2.0 * deviation);
    measured.loose = loose.map(|(name, spread_degrees)| Loose { name, spread_degrees }).collect();
    measured.loose.sort_by(|a, b| b.spread_degrees.total_cmp(&a.spread_degrees));
    let pairs = closeness(&people, intra).into_iter();
    measured.close = pairs.filter(|pair| pair.angle_degrees < intra).collect();
    measured.photos.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    Ok(measured)
}
