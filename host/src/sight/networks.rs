//! The networks of a board's eyes, as their files are known: where their heads are, what their input means, and how
//! their outputs are read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::Role;
use format::preprocess::Colour;
use format::sight::{Family, Level, MAX_LEVELS, Sight};

use super::gates::{limits, parts};
use crate::export::other::OtherJob;
use crate::face::{DEFAULT, found};
use crate::onnx::{Cut, heads, output_names};
use crate::quantize::Preprocessing;
use crate::usage::ensure_use;

/// Height and width of the detector's picture unless another is chosen.
pub const DETECTOR_SIZE: [usize; 2] = [120, 160];
/// The same for YuNet, whose sides are multiples of 32.
const YUNET_SIZE: [usize; 2] = [128, 160];

/// Sides that a detector's picture may have.
const SIDES: std::ops::RangeInclusive<usize> = 64..=640;

/// Pixels from cell to cell and sides of boxes of UltraFace's levels, by the rule of its training (Linzaer,
/// Ultra-Light-Fast-Generic-Face-Detector-1MB, `define_img_size`). They do not depend on the picture's size.
const ULTRAFACE: [(u16, &[u16]); 4] =
    [(8, &[10, 16, 24]), (16, &[32, 48]), (32, &[64, 96]), (64, &[128, 192, 256])];
/// Factors of a box's place and of the logarithm of its size.
const VARIANCES: [f64; 2] = [0.1, 0.2];
/// Least score of a face: nothing but portraits passes of 180 views of pictures without faces.
const LEAST_SCORE: f64 = 0.7;
/// Least score of a face that YuNet finds.
const YUNET_SCORE: f64 = 0.75;
/// The square that the landmark network sees: its side, and how far it lies below the box, in widths of the box.
const SQUARE: [f64; 2] = [1.247, 0.1117];
/// Distance by which YuNet places eyes above the middle of the lids, in distances between the eyes.
const EYES_ABOVE: f64 = 0.033;
/// What must be added to the points of `fr_landmark` to get those that crops of ArcFace's networks are aligned by, along
/// and across the line of the eyes, in their distance. It is the middle difference to another detector's points (SCRFD)
/// over 194 photos, made symmetric.
const TO_ARCFACE: [[f64; 2]; 5] =
    [[-0.0105, -0.0115], [0.0105, -0.0115], [0.0, 0.016], [-0.0155, -0.0215], [0.0155, -0.0215]];
/// A network that tells live faces from pictures of faces. It is known by its picture's side, and takes bytes of blue, green and
/// red as they are.
struct PhotoCheck {
    /// Side of its picture, pixels.
    side: u16,
    /// The class of a live face.
    live: u8,
}

/// MiniFASNet V2 (minivision-ai, Silent-Face-Anti-Spoofing) and `fr_liveness`. The latter's package feeds it red first, with which
/// half of live people's photos are none; with blue first, as OpenCV reads photos, nine of ten are.
const PHOTO_CHECKS: [PhotoCheck; 2] = [PhotoCheck { side: 80, live: 1 }, PhotoCheck { side: 128, live: 0 }];
/// Part of a frame that the photo check sees, in sides of the box. MiniFASNet V2 was trained with 2.7 times the box of
/// RetinaFace, but of live people's photos most score as live from 1.7 to 2: of the 90 raw photos that show so much around the face 91 %
/// at 1.7 and 1.8, 90 % at 1.9, 78 % at 1.4; of twelve faces with room for all spans 12 at 1.7 and 2.0, 11 at 2.4 and 2.7.
/// `fr_liveness` takes 90 % of the raw photos for live from 1.5 to 2, 87 % at 2.7. The
/// largest of the good ones keeps the most of what is around a face, which tells of prints and screens, and lets a face fill
/// half of the frame's height. There were no attacks to choose it on.
const LIVENESS_SPAN: f64 = 1.9;
/// Classes of these networks: a live face and two kinds of pictures.
const LIVENESS_CLASSES: usize = 3;
/// Least score of a live face.
const LEAST_ALIVE: f64 = 0.5;

/// Files of the networks of a board's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    /// The detector: `fr_detect`, another UltraFace network, or YuNet. Or a folder with `fr_detect.onnx` and
    /// `fr_landmark.onnx`.
    pub detector: PathBuf,
    /// Height and width of the detector's picture.
    pub size: Option<[usize; 2]>,
    /// The landmark network, `fr_landmark`; the detector's folder may hold it.
    pub landmarks: Option<PathBuf>,
    /// The network of the photo check, if there is one.
    pub liveness: Option<PathBuf>,
}

/// The networks with what is known of them.
#[derive(Clone, Debug)]
pub struct Known {
    /// The detector.
    pub detector: OtherJob,
    /// The landmark network.
    pub landmarks: Option<OtherJob>,
    /// The network of the photo check.
    pub liveness: Option<OtherJob>,
    /// How their outputs are read.
    pub sight: Sight,
}

impl Default for Networks {
    fn default() -> Self {
        Networks { detector: DEFAULT.into(), size: None, landmarks: None, liveness: None }
    }
}

fn shifts(shifts: [[f64; 2]; 5]) -> [[i16; 2]; 5] {
    shifts.map(|shift| shift.map(|part| (part * 65_536.0).round() as i16))
}

impl Networks {
    /// What is known of the networks. Crops have `crop_eyes` pixels between the eyes.
    ///
    /// # Errors
    /// When a file is missing or not one of the known networks.
    pub fn known(&self, crop_eyes: f32) -> Result<Known> {
        let path = found(&self.detector);
        let (file, beside) = match path.is_dir() {
            true => (path.join("fr_detect.onnx"), Some(path.join("fr_landmark.onnx"))),
            false => (path.clone(), None),
        };
        let context = || {
            format!(
                "no usable face detector in {}; name a folder with fr_detect.onnx and fr_landmark.onnx (./setup.sh \
                 --data-only fetches them), or the ONNX file of an UltraFace network or of YuNet",
                path.display()
            )
        };
        let is_yunet = output_names(&file).with_context(context)?.len() == 12;
        let size = self.size.unwrap_or(if is_yunet { YUNET_SIZE } else { DETECTOR_SIZE });
        check_size(size, is_yunet)?;
        let (detector, levels) = match is_yunet {
            true => (yunet(&file, size), Default::default()),
            false => ultraface(&file, size).with_context(context)?,
        };
        let landmarks = self.landmarks.as_deref().map(found).or(beside);
        let landmarks = landmarks.map(|file| {
            let context = format!(
                "no usable landmark network in {}; give --landmarks the file fr_landmark.onnx",
                file.display()
            );
            landmarks_job(file).context(context)
        });
        let landmarks = landmarks.transpose()?;
        ensure!(
            is_yunet || landmarks.is_some(),
            "{} gives no landmarks: give --landmarks the file fr_landmark.onnx",
            file.display()
        );
        let liveness = self.liveness.as_deref().map(found).map(|file| {
            let context = format!(
                "no usable photo check in {}; give --liveness the ONNX file of MiniFASNet V2 or fr_liveness.onnx",
                file.display()
            );
            photo_check(file).context(context)
        });
        let (liveness, check) = liveness.transpose()?.unzip();
        let check = check.unwrap_or(&PHOTO_CHECKS[0]);
        let (least, variances) = match is_yunet {
            true => (YUNET_SCORE, [0.0; 2]),
            false => ((LEAST_SCORE / (1.0 - LEAST_SCORE)).ln(), VARIANCES),
        };
        let above = [0.0, EYES_ABOVE];
        let sight = Sight {
            family: if is_yunet { Family::YuNet } else { Family::Ssd },
            least_q16: (least * 65_536.0).round() as i32,
            variances_q16: variances.map(|variance| parts(variance, 65_536.0)),
            levels,
            side_q16: (SQUARE[0] * 65_536.0).round() as u32,
            down_q16: (SQUARE[1] * 65_536.0).round() as i32,
            points_q16: shifts([above, above, [0.0; 2], [0.0; 2], [0.0; 2]]),
            landmarks_q16: shifts(TO_ARCFACE),
            gates: limits(crop_eyes),
            live: check.live,
            span_q8: parts(LIVENESS_SPAN, 256.0),
            alive_q16: parts(LEAST_ALIVE, 65_536.0),
        };
        Ok(Known { detector, landmarks, liveness, sight })
    }
}

/// An UltraFace network, cut at its heads. The heads' order in the file is that of the levels, scores before boxes.
fn ultraface(file: &Path, [height, width]: [usize; 2]) -> Result<(OtherJob, [Level; MAX_LEVELS])> {
    let heads = heads(file)?;
    let channels: Vec<usize> = heads.iter().map(|head| head.channels).collect();
    let expected: Vec<usize> =
        ULTRAFACE.iter().flat_map(|(_, sizes)| [2 * sizes.len(), 4 * sizes.len()]).collect();
    ensure!(
        channels == expected,
        "{} is no UltraFace network: its heads have {channels:?} channels, {expected:?} are expected",
        file.display()
    );
    let mut levels = [Level::default(); MAX_LEVELS];
    for (level, (stride, sizes)) in levels.iter_mut().zip(ULTRAFACE) {
        level.stride = stride;
        level.sizes[..sizes.len()].copy_from_slice(sizes);
    }
    let outputs = heads.into_iter().map(|head| head.name).collect();
    let job = OtherJob {
        role: Role::Detector,
        model: file.to_path_buf(),
        cut: Cut { size: Some([height, width]), is_reshaped: true, outputs, ..Cut::default() },
        grey: true,
        colour: Colour::Rgb,
        preprocessing: Preprocessing { mean: 127.0, scale: 128.0 },
    };
    Ok((job, levels))
}

/// YuNet, for grey pictures.
fn yunet(file: &Path, [height, width]: [usize; 2]) -> OtherJob {
    OtherJob {
        role: Role::Detector,
        model: file.to_path_buf(),
        cut: Cut { size: Some([height, width]), is_reshaped: true, ..Cut::default() },
        grey: true,
        colour: Colour::Bgr,
        preprocessing: Preprocessing { mean: 0.0, scale: 1.0 },
    }
}

/// Refuses sizes of a picture that a detector cannot have.
fn check_size([height, width]: [usize; 2], is_yunet: bool) -> Result<()> {
    let step = if is_yunet { 32 } else { 1 };
    ensure_use([height, width].iter().all(|side| SIDES.contains(side) && side % step == 0), || {
        let said = format!("--detector-size {height}x{width}:");
        match is_yunet {
            true => format!(
                "{said} YuNet's picture has sides of 64 to 640 pixels that are multiples of 32, such as 128x160"
            ),
            false => format!("{said} a detector's picture has sides of 64 to 640 pixels, such as 120x160"),
        }
    })
}

fn landmarks_job(file: PathBuf) -> Result<OtherJob> {
    let job = OtherJob {
        role: Role::Landmarks,
        model: file,
        cut: Cut::default(),
        grey: false,
        colour: Colour::Grey,
        preprocessing: Preprocessing { mean: 0.0, scale: 256.0 },
    };
    let input = job.input()?;
    if (input.height, input.colour) != (input.width, Colour::Grey) {
        bail!("{} is not fr_landmark: its picture is not square and grey", job.model.display());
    }
    Ok(job)
}

/// A network of the photo check.
fn photo_check(file: PathBuf) -> Result<(OtherJob, &'static PhotoCheck)> {
    let job = OtherJob {
        role: Role::Liveness,
        model: file,
        cut: Cut::default(),
        grey: false,
        colour: Colour::Bgr,
        preprocessing: Preprocessing { mean: 0.0, scale: 1.0 },
    };
    let file = job.model.display().to_string();
    let input = job.input()?;
    let channels = input.colour.channels();
    let check = PHOTO_CHECKS
        .iter()
        .find(|check| (input.height, input.width, channels) == (check.side, check.side, 3));
    let check = check.with_context(|| {
        format!(
            "{file}: its picture has {}×{}×{channels} values, 80×80×3 or 128×128×3 are expected",
            input.height, input.width
        )
    })?;
    let graph = job.lowered()?;
    let shapes: Vec<_> = graph.outputs.iter().map(|output| graph.nodes[output.node].shape).collect();
    ensure!(
        shapes == [[1, 1, LIVENESS_CLASSES]],
        "{file}: its outputs are {shapes:?}, one of {LIVENESS_CLASSES} classes is expected (a live face and two kinds of pictures)"
    );
    Ok((job, check))
}
