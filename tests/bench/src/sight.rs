//! The book's table of sight: what the board's eyes find in frames made from photos, how near their points are to another
//! detector's, and what their crops do to recognition.

use std::path::Path;

use anyhow::{Context, Result};
use face::Look;
use host::accuracy::detection::{AtHeight, HEIGHTS, Nonface, PointError, Subject, detect};
use host::accuracy::marks::{self, Mark, Shown};
use host::embedding::{cosine, unit, unit_of_i16};
use host::face::align::{self, Transform};
use host::onnx::Reference;
use host::photo;
use host::quantize::Preprocessing;
use host::sight::Seer;
use host::sight::frames::{frame, pixels};
use host::sight::places::{landmarks, percentile};
use host::sight::report::{BesideFloat, Difference, QuantisedNetwork};
use host::simulator::{AlignedBytes, Simulator};
use image::RgbImage;
use rayon::prelude::*;
use suite::{eyes, shared};

use crate::figures::{self, row};
use crate::networks;

/// The height at which points and crops are compared, as a share of the frame's.
const NEAR: f32 = 0.5;

/// A raw photo with another detector's box and points.
struct Marked {
    mark: Mark,
    photo: RgbImage,
}

/// The face that the eyes see where the mark is, if it passes the gates.
fn seen(seer: &Seer, shown: &Shown) -> Result<Option<Look>> {
    let view = frame(&shown.frame)?;
    seer.see(|eyes, arena| {
        let faces = eyes.scan(&view, arena)?;
        let Some(face) = shown.among(&faces) else { return Ok(None) };
        let look = eyes.look(&view, face, arena)?;
        Ok(look.check(&eyes.sight().gates).is_ok().then_some(look))
    })
}

/// Share of genuine pairs accepted where at most `far` of the others are.
fn tar(pairs: &[(f32, bool)], far: f64) -> f64 {
    let mut others: Vec<f32> = pairs.iter().filter(|pair| !pair.1).map(|pair| pair.0).collect();
    others.sort_by(|a, b| b.total_cmp(a));
    let threshold = others[(others.len() as f64 * far).floor() as usize];
    let genuine: Vec<f32> = pairs.iter().filter(|pair| pair.1).map(|pair| pair.0).collect();
    genuine.iter().filter(|&&cosine| cosine > threshold).count() as f64 / genuine.len() as f64
}

/// All pairs of photos with their cosine, and whether they show one person.
fn pairs(paths: &[&Path], embeddings: &[Vec<f32>]) -> Vec<(f32, bool)> {
    let pair =
        |a: usize, b: usize| (cosine(&embeddings[a], &embeddings[b]), paths[a].parent() == paths[b].parent());
    (0..paths.len())
        .flat_map(|a| (a + 1..paths.len()).map(move |b| (a, b)))
        .map(|(a, b)| pair(a, b))
        .collect()
}

/// Measures, and writes the book's table or only prints it.
pub fn run(dry: bool) -> Result<()> {
    let raw = shared("faces/raw").context("sight is measured on ../shared/faces/raw, which is not there")?;
    let folder = tempfile::tempdir()?;
    let networks = networks::real(folder.path())?;
    let quantised = eyes();
    let seer = Seer::new(quantised)?;
    let marks = marks::read(&raw.join("landmarks.csv"))?;
    let nonface = shared("faces/nonface");
    let subject = Subject {
        photos: &raw,
        marks: &marks,
        nonface: nonface.as_deref(),
        heights: &HEIGHTS,
        is_strict: true,
    };
    let measured = detect(&seer, &subject)?;
    let marked: Vec<Marked> = marks
        .into_par_iter()
        .map(|mark| Ok(Marked { photo: photo::load(&raw.join(&mark.path))?, mark }))
        .collect::<Result<_>>()?;
    let mut text = String::new();
    let mut line = |name: &str, value: String| row(&mut text, [name.to_string(), value]);
    line(&format!("sight, {} photos in QVGA frames", measured.faces), String::new());
    line("---", "---".to_string());
    for QuantisedNetwork { row, outputs, .. } in &quantised.report.networks {
        let noise: Vec<String> = outputs.iter().map(|output| format!("{:.0}", output.sqnr_db)).collect();
        line(&format!("{}: SQNR of outputs, dB", row.role), noise.join(", "));
        line(&format!("{}: arena", row.role), format!("{} B", figures::grouped(row.arena_bytes as u64)));
    }
    let BesideFloat { frames, both, int8_alone, float_alone, boxes, points, .. } =
        quantised.report.beside_float;
    line(
        &format!("int8 beside float, {frames} frames: found by both, int8 alone, float alone"),
        format!("{both}, {int8_alone}, {float_alone}"),
    );
    for (name, difference) in
        [("boxes, share of the width", boxes), ("points, share of the eyes' distance", points)]
    {
        if let Some(Difference { median, largest }) = difference {
            line(&format!("int8 to float, {name}: median / largest"), format!("{median:.4} / {largest:.4}"));
        }
    }
    for AtHeight { height, median_height, found, points, refused, .. } in &measured.rows {
        let size = match height {
            Some(height) => format!("{:.0} %", 100.0 * height),
            None => format!("{:.0} % (photos as they fit)", 100.0 * median_height),
        };
        line(&format!("found, face {size} of the frame's height"), format!("{:.1} %", 100.0 * found.rate));
        if let Some(PointError { median, p90 }) = points {
            line("points: error over the eyes' distance, median / p90", format!("{median:.4} / {p90:.4}"));
        }
        line("refused by a gate", format!("{:.1} %", 100.0 * refused.rate));
    }
    if let Some(Nonface { views, found, passed, pictures_passed, .. }) = &measured.nonface {
        let count = |rate: f64| (rate * *views as f64).round();
        line(
            "false faces: found, passed",
            format!("{}, {} of {views} views", count(found.rate), count(passed.rate)),
        );
        let names: Vec<String> = pictures_passed.iter().map(|path| path.display().to_string()).collect();
        line("pictures passed", names.join(", "));
    }
    for network in &networks {
        let bytes = AlignedBytes::read(&network.image)?;
        let image = bytes.image(&network.image)?;
        let simulator = Simulator::new(&image.embedder)?;
        let input = image.embedder.preprocess();
        let size = [input.width, input.height].map(u32::from);
        let template = align::template(input.width.into(), input.height.into());
        let embed = |crop: &[u8]| simulator.embed(crop).map(|embedding| unit_of_i16(&embedding));
        let reference = Reference::load(&network.model)?;
        let float = |crop: &[u8]| reference.embed(&Preprocessing::default().apply(crop)).map(|x| unit(&x));
        let embeddings = |photo: &Marked| -> Result<Option<[Vec<f32>; 5]>> {
            let shown = photo.mark.shown(&photo.photo, Some(NEAR));
            let Some(look) = seen(&seer, &shown)? else { return Ok(None) };
            let view = frame(&shown.frame)?;
            let warp = face::crop(&view, &look.points, &input).context("points of a face")?;
            let points = landmarks(&look.points);
            let to = Transform::between(&points, &template).context("points of a face")?;
            let exact = photo::crop_bytes(&float_warp(&shown.frame, &to, size), &input)?;
            let theirs =
                align::crop(&photo.photo, &photo.mark.points, &template, size).context("marks of a face")?;
            let crops = [pixels(warp, &input), exact, photo::crop_bytes(&theirs, &input)?];
            Ok(Some([
                embed(&crops[0])?,
                embed(&crops[2])?,
                float(&crops[0])?,
                float(&crops[1])?,
                float(&crops[2])?,
            ]))
        };
        let seen: Vec<(&Path, Option<[Vec<f32>; 5]>)> = marked
            .par_iter()
            .map(|photo| Ok((&*photo.mark.path, embeddings(photo)?)))
            .collect::<Result<_>>()?;
        let usable: Vec<(&Path, [Vec<f32>; 5])> =
            seen.into_iter().filter_map(|(path, all)| Some((path, all?))).collect();
        let between = |a: usize, b: usize| -> Vec<f32> {
            usable.iter().map(|(_, all)| cosine(&all[a], &all[b])).collect()
        };
        let warps = between(2, 3);
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        line(
            &format!("{}: cosine of the integer warp to the float warp, mean / least", network.name),
            format!("{:.5} / {:.5}", mean(&warps), percentile(warps, 0.0).unwrap_or(0.0)),
        );
        let crops = between(2, 4);
        line(
            &format!("{}: cosine to the crop by SCRFD's points, mean / p5", network.name),
            format!("{:.4} / {:.4}", mean(&crops), percentile(crops, 0.05).unwrap_or(0.0)),
        );
        let paths: Vec<&Path> = usable.iter().map(|(path, _)| *path).collect();
        let of = |which: usize| usable.iter().map(|(_, all)| all[which].clone()).collect::<Vec<_>>();
        for (name, which) in [
            ("the board's eyes", 0),
            ("SCRFD's points", 1),
            ("the board's eyes, float network", 2),
            ("SCRFD's points, float network", 4),
        ] {
            let pairs = pairs(&paths, &of(which));
            let genuine = pairs.iter().filter(|pair| pair.1).count();
            line(
                &format!("{}: TAR at FAR 1e-2, 1e-3, crops by {name}", network.name),
                format!(
                    "{:.2} %, {:.2} % ({genuine} genuine pairs)",
                    100.0 * tar(&pairs, 1e-2),
                    100.0 * tar(&pairs, 1e-3)
                ),
            );
        }
    }
    println!("{text}");
    if dry { Ok(()) } else { figures::write(figures::SIGHT, &text) }
}

/// A bilinear warp in `f32`, rounded at the end.
fn float_warp(photo: &RgbImage, to: &Transform, [width, height]: [u32; 2]) -> RgbImage {
    let back = to.inverse();
    RgbImage::from_fn(width, height, |x, y| {
        let at = back.apply([x as f32, y as f32]);
        align::sample(photo, at)
    })
}
