//! Quantises the networks of a board's eyes on frames made from photos, and measures them.

use anyhow::{Context, Result, anyhow, ensure};
use face::eyes::Detector;
use face::found::{Found, largest};
use face::picture::{detector_view, view};
use face::{landmarks, liveness};
use format::Role;
use format::header::Section;
use format::network::Model;
use format::sight::{Sight, SightSection};
use image::RgbImage;
use rayon::prelude::*;
use vision::Frame;

use super::float::FloatEyes;
use super::frames::{frame, pixels};
use super::networks::Known;
use super::report::{self, BesideFloat, EyesReport, QuantisedNetwork};
use super::seer::Seer;
use crate::cost;
use crate::export::other::{Other, OtherJob, quantise_widened};
use crate::inspect::image::NetworkRow;
use crate::output;
use crate::simulator::AlignedBytes;

/// Most photos that frames are made of.
pub const MOST_PHOTOS: usize = 48;
/// Every so many photos one judges instead of choosing scales.
const JUDGE: usize = 4;

/// Tensors of the photo check with 16 bits. Of MiniFASNet V2's answers to 873 frames of photos that chose no scales, 12 differ from
/// float with 5 of them, 11 with 8 and with 16; nearly all of those had a float score between 0.4 and 0.6. On a Cortex-M7 each costs
/// about a million instructions or two.
const LIVENESS_WIDE: usize = 5;

/// The eyes, quantised.
#[derive(Clone, Debug)]
pub struct QuantisedEyes {
    /// How outputs are read.
    pub sight: Sight,
    /// The NETWORK sections, in the order of roles.
    pub networks: Vec<(Role, AlignedBytes)>,
    /// How far they are from the float networks.
    pub report: EyesReport,
}

impl QuantisedEyes {
    /// The sections of an image with these eyes.
    pub fn sections(&self) -> Vec<(Section, Vec<u8>)> {
        let networks =
            self.networks.iter().map(|(role, bytes)| (Section::Network(*role), bytes.bytes().to_vec()));
        networks.chain([(Section::Sight, self.sight.emit().to_vec())]).collect()
    }
}

/// A picture, and whether it judges. Where photos are few, all pictures do both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Purpose {
    chooses: bool,
    judges: bool,
}

impl Purpose {
    /// Of the photo of this number, among so many.
    fn of(number: usize, photos: usize) -> Self {
        let judges = number % JUDGE == JUDGE - 1;
        match photos < JUDGE {
            true => Purpose { chooses: true, judges: true },
            false => Purpose { chooses: !judges, judges },
        }
    }
}

/// Quantises known networks on frames, some for each photo ([`super::frames::of`]), which show faces. The frames of a photo either
/// choose scales or judge.
///
/// # Errors
/// When there is no photo, or no face is found in any.
pub fn fit(known: &Known, photos: &[Vec<RgbImage>]) -> Result<QuantisedEyes> {
    ensure!(!photos.is_empty(), "the board's eyes need photos of faces for their quantisation");
    let shown = photos.iter().enumerate().flat_map(|(number, frames)| {
        frames.iter().map(move |picture| (picture, Purpose::of(number, photos.len())))
    });
    let frames: Vec<(Frame<'_>, Purpose)> =
        shown.map(|(picture, purpose)| Ok((frame(picture)?, purpose))).collect::<Result<_>>()?;

    let input = known.detector.input()?;
    let picture = |frame: &Frame<'_>| pixels(detector_view(frame, &frame.rect(), &input), &input);
    let pictures: Vec<(Vec<u8>, Purpose)> =
        frames.par_iter().map(|(frame, purpose)| (picture(frame), *purpose)).collect();
    let mut eyes = QuantisedEyes { sight: known.sight, networks: Vec::new(), report: EyesReport::default() };
    let detector = add(&mut eyes, &known.detector, &pictures)?;
    drop(pictures);
    let model = Model::new_checked(Role::Detector, detector.bytes()).context("the detector as quantised")?;
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    let section = known.sight.emit();
    let section = SightSection::new_checked(&section).map_err(|error| anyhow!("{error}"))?;
    let finder =
        Detector::new_checked(model, section, arena.bytes_mut()).map_err(|error| anyhow!("{error}"))?;

    let found: Vec<(&Frame<'_>, Purpose, Found)> = frames
        .par_iter()
        .filter_map(|(frame, purpose)| {
            let mut arena = AlignedBytes::zeroed(model.arena_bytes());
            let faces = finder.scan(frame, &frame.rect(), arena.bytes_mut()).ok()?;
            Some((frame, *purpose, *largest(&faces)?))
        })
        .collect();
    let has = |of: fn(&Purpose) -> bool| found.iter().any(|(_, purpose, _)| of(purpose));
    ensure!(
        has(|purpose| purpose.chooses) && has(|purpose| purpose.judges),
        "too few faces are found in the photos that the board's eyes are quantised on: give photos of faces"
    );
    for job in [&known.landmarks, &known.liveness].into_iter().flatten() {
        let input = job.input()?;
        let part = |frame: &Frame<'_>, found: &Found| match job.role {
            Role::Landmarks => landmarks::part(&found.bounds, &known.sight),
            _ => liveness::part(frame, &found.bounds, &known.sight),
        };
        let pictures: Vec<(Vec<u8>, Purpose)> = found
            .par_iter()
            .map(|(frame, purpose, found)| {
                (pixels(view(frame, part(frame, found), &input), &input), *purpose)
            })
            .collect();
        add(&mut eyes, job, &pictures)?;
    }
    let judging: Vec<Frame<'_>> =
        frames.iter().filter(|(_, purpose)| purpose.judges).map(|(frame, _)| *frame).collect();
    let beside_float = report::compare(&Seer::new(&eyes)?, &FloatEyes::new(known)?, &judging)?;
    eyes.report.beside_float = BesideFloat { is_unseen: photos.len() >= JUDGE, ..beside_float };
    Ok(eyes)
}

/// Quantises a network and adds it.
fn add(eyes: &mut QuantisedEyes, job: &OtherJob, pictures: &[(Vec<u8>, Purpose)]) -> Result<AlignedBytes> {
    let of = |is_wanted: fn(&Purpose) -> bool| -> Vec<Vec<u8>> {
        let wanted = pictures.iter().filter(|(_, purpose)| is_wanted(purpose));
        wanted.map(|(picture, _)| picture.clone()).collect()
    };
    let (seen, judged) = (of(|purpose| purpose.chooses), of(|purpose| purpose.judges));
    output::step(&format!("quantising the {} on {} pictures", job.role.name(), seen.len()));
    let wide = if job.role == Role::Liveness { LIVENESS_WIDE } else { 0 };
    let Other { section, outputs, wide, .. } = quantise_widened(job, &seen, &judged, wide)?;
    let model = Model::new_checked(job.role, section.bytes()).context("the network as quantised")?;
    eyes.report.networks.push(QuantisedNetwork {
        row: NetworkRow::new(job.role, &model, section.bytes().len()),
        calibrated: seen.len(),
        judged: judged.len(),
        wide,
        outputs,
        costs: cost::on_boards(&model.layers().collect::<Vec<_>>())?,
    });
    eyes.networks.push((job.role, section.clone()));
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_photo_chooses_and_judges() {
        let purposes: Vec<Purpose> = (0..9).map(|number| Purpose::of(number, 9)).collect();
        assert!(purposes.iter().all(|purpose| purpose.chooses != purpose.judges));
        let judges: Vec<usize> = (0..9).filter(|&number| purposes[number].judges).collect();
        assert_eq!(judges, [3, 7]);
    }

    #[test]
    fn few_photos_do_both() {
        let both = Purpose { chooses: true, judges: true };
        assert_eq!([0, 1, 2].map(|number| Purpose::of(number, 3)), [both; 3]);
    }
}
