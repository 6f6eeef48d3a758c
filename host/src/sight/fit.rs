//! Quantises the networks of a board's eyes on frames made from photos, and measures them.

use anyhow::{Context, Result, anyhow, ensure};
use face::eyes::Detector;
use face::found::{Found, largest};
use face::picture::{detector_view, view};
use face::{landmarks, liveness};
use format::Role;
use format::header::Section;
use format::network::Model;
use format::preprocess::Preprocess;
use format::sight::{Family, Sight};
use image::RgbImage;
use nn::RowSource;
use rayon::prelude::*;
use serde::Serialize;
use vision::{Format, Frame};

use super::float::FloatEyes;
use super::frames;
use super::networks::Networks;
use super::report::{self, EyesReport};
use super::seer::Seer;
use crate::cost::{self, BoardCost};
use crate::export::other::{Other, OtherJob, OutputReport, quantise_widened};
use crate::output;
use crate::simulator::AlignedBytes;

/// Most photos that frames are made of.
pub const MOST_PHOTOS: usize = 48;
/// Every so many frames one judges instead of choosing scales.
const JUDGE: usize = 4;

/// Tensors of the photo check with 16 bits. Of MiniFASNet V2's answers to 873 photos that chose no scales, 27, 16, 14 and
/// 11 differ from float with 0, 4, 16 and all possible ones; the mean difference of scores is 0.018, 0.012, 0.012, 0.010.
/// Nearly all that differ have a float score between 0.4 and 0.6. The arena grows to 65 KB, less than an embedder's. A
/// Cortex-M55 takes 28 to 33 M instructions instead of 16 M, the others no more.
const LIVENESS_WIDE: usize = 16;

/// The eyes, quantised.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// How outputs are read.
    pub sight: Sight,
    /// The NETWORK sections, in the order of roles.
    pub networks: Vec<(Role, AlignedBytes)>,
    /// One for each network.
    pub reports: Vec<NetworkReport>,
    /// The eyes as a whole, beside the float networks.
    pub eyes: EyesReport,
}

/// A network of the eyes.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkReport {
    /// Its role.
    pub role: &'static str,
    /// Its file's name.
    pub network: String,
    /// Height, width, channels of its picture.
    pub input: [usize; 3],
    /// Pictures that scales were chosen on.
    pub calibrated: usize,
    /// Pictures that judged.
    pub judged: usize,
    /// Difference of outputs from the float network's.
    pub outputs: Vec<OutputReport>,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Bytes of the section.
    pub bytes: usize,
    /// Estimated instructions on each board.
    pub costs: Vec<BoardCost>,
}

impl Fitted {
    /// The sections of an image with these eyes.
    pub fn sections(&self) -> Vec<(Section, Vec<u8>)> {
        let networks =
            self.networks.iter().map(|(role, bytes)| (Section::Network(*role), bytes.bytes().to_vec()));
        networks.chain([(Section::Sight, self.sight.emit().to_vec())]).collect()
    }
}

/// A photo as a frame.
///
/// # Errors
/// When it is larger than a frame may be.
pub fn frame(photo: &RgbImage) -> Result<Frame<'_>> {
    let [width, height] = [photo.width(), photo.height()]
        .map(|side| u16::try_from(side).ok().context("a photo of more than 65,535 pixels a side"));
    let (width, height) = (width?, height?);
    Frame::new_checked(photo.as_raw(), width, height, 3 * usize::from(width), Format::Rgb888)
        .map_err(|error| anyhow!("{error}"))
}

/// The rows of a source.
pub fn pixels(mut source: impl RowSource<Error = core::convert::Infallible>, input: &Preprocess) -> Vec<u8> {
    let mut pixels = vec![0; input.crop_bytes()];
    let row_bytes = usize::from(input.width) * input.colour.channels();
    for (y, row) in pixels.chunks_exact_mut(row_bytes).enumerate() {
        match source.row(y as u16, row) {
            Ok(()) => {}
        }
    }
    pixels
}

/// Quantises the networks on frames made from photos, which show faces. Crops have `crop_eyes` pixels between the eyes.
///
/// # Errors
/// When a network is not one of the known ones, there is no photo, or no face is found in any.
pub fn fit(networks: &Networks, photos: &[RgbImage], crop_eyes: f32) -> Result<Fitted> {
    ensure!(!photos.is_empty(), "the board's eyes need photos of faces for their quantisation");
    let known = networks.known(crop_eyes)?;
    let step = photos.len().div_ceil(MOST_PHOTOS);
    let chosen: Vec<&RgbImage> = photos.iter().step_by(step).collect();
    let frames: Vec<RgbImage> = chosen.par_iter().flat_map_iter(|photo| frames::of(photo)).collect();
    let views = frames.iter().map(frame).collect::<Result<Vec<Frame<'_>>>>()?;

    let input = known.detector.input()?;
    let pictures: Vec<Vec<u8>> =
        views.par_iter().map(|frame| pixels(detector_view(frame, &frame.rect(), &input), &input)).collect();
    let mut fitted =
        Fitted { sight: known.sight, networks: Vec::new(), reports: Vec::new(), eyes: EyesReport::default() };
    let detector = add(&mut fitted, &known.detector, &input, &pictures)?;
    let model = Model::new_checked(Role::Detector, detector.bytes()).context("the detector as quantised")?;
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    let finder =
        Detector::new_checked(model, known.sight, arena.bytes_mut()).map_err(|error| anyhow!("{error}"))?;

    let found: Vec<(&Frame<'_>, Found)> = views
        .par_iter()
        .filter_map(|frame| {
            let mut arena = AlignedBytes::zeroed(model.arena_bytes());
            let faces = finder.scan(frame, &frame.rect(), arena.bytes_mut(), &mut || {}).ok()?;
            Some((frame, *largest(&faces)?))
        })
        .collect();
    ensure!(
        !found.is_empty(),
        "no face is found in the photos that the board's eyes are quantised on: give photos of faces"
    );
    for job in [&known.landmarks, &known.liveness].into_iter().flatten() {
        let input = job.input()?;
        let part = |frame: &Frame<'_>, found: &Found| match job.role {
            Role::Landmarks => landmarks::part(&found.bounds, &known.sight),
            _ => liveness::part(frame, &found.bounds, &known.sight),
        };
        let pictures: Vec<Vec<u8>> = found
            .par_iter()
            .map(|(frame, found)| pixels(view(frame, part(frame, found), &input), &input))
            .collect();
        add(&mut fitted, job, &input, &pictures)?;
    }
    if known.sight.family == Family::Ssd {
        ensure!(known.landmarks.is_some(), "the detector gives no landmarks");
    }
    let judging: Vec<Frame<'_>> = judging(&views).copied().collect();
    fitted.eyes = report::compare(&Seer::new(&fitted)?, &FloatEyes::new(&known)?, &judging)?;
    Ok(fitted)
}

/// The frames that judge, or their pictures: every so many, or all where they are few.
fn judging<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let step = if all.len() < JUDGE { 1 } else { JUDGE };
    all.iter().skip(step - 1).step_by(step)
}

/// Quantises a network and adds it.
fn add(
    fitted: &mut Fitted,
    job: &OtherJob,
    input: &Preprocess,
    pictures: &[Vec<u8>],
) -> Result<AlignedBytes> {
    let judged: Vec<Vec<u8>> = judging(pictures).cloned().collect();
    let seen: Vec<Vec<u8>> = match pictures.len() < JUDGE {
        true => pictures.to_vec(),
        false => {
            let others = pictures.iter().enumerate().filter(|(index, _)| index % JUDGE != JUDGE - 1);
            others.map(|(_, picture)| picture.clone()).collect()
        }
    };
    output::step(&format!("quantising the {} on {} pictures", job.role.name(), seen.len()));
    let wide = if job.role == Role::Liveness { LIVENESS_WIDE } else { 0 };
    let Other { section, outputs, arena_bytes } = quantise_widened(job, &seen, &judged, wide)?;
    let model = Model::new_checked(job.role, section.bytes()).context("the network as quantised")?;
    let file = job.model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    fitted.reports.push(NetworkReport {
        role: job.role.name(),
        network: file,
        input: [input.height.into(), input.width.into(), input.colour.channels()],
        calibrated: seen.len(),
        judged: judged.len(),
        outputs,
        arena_bytes,
        bytes: section.bytes().len(),
        costs: cost::on_boards(&model.layers().collect::<Vec<_>>())?,
    });
    fitted.networks.push((job.role, section.clone()));
    Ok(section)
}
