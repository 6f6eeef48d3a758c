//! The book's table of sight: what the board's eyes find in frames made from photos, how near their points are to another
//! detector's, and what their crops do to recognition.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use face::Look;
use format::PixelFormat;
use format::preprocess::Preprocess;
use host::accuracy::detection::{AtHeight, HEIGHTS, Nonface, PointError, Subject, detect};
use host::accuracy::marks::{self, Mark, Shown};
use host::bench::{Crowded, Scope, bench};
use host::board::{Board, Memory};
use host::embedding::{cosine, unit, unit_of_i16};
use host::face::align::{self, Transform};
use host::face::{Choice, Finder, Pipeline};
use host::onnx::Reference;
use host::output::grouped;
use host::people::enrol::enrol;
use host::photo;
use host::quantize::Preprocessing;
use host::recognise::board::Place;
use host::recognise::frames::Camera;
use host::sections::replaced;
use host::sight::camera::Shot;
use host::sight::frames::{frame, pixels};
use host::sight::places::{landmarks, percentile};
use host::sight::report::{BesideFloat, Difference, QuantisedNetwork};
use host::sight::{Networks, QuantisedEyes, Seer, fit};
use host::simulator::{AlignedBytes, Simulator};
use image::RgbImage;
use image::imageops::{self, FilterType};
use link::message::SightCost;
use rayon::prelude::*;
use suite::{eyes, frames_to_calibrate, shared};

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

/// Most of the share of identified photos that the board's crops may lose beside those by another detector's points.
const MOST_LOST: f64 = 0.005;
/// People enrolled where the instructions of a decision are counted.
const PEOPLE: usize = 100;

/// Boards on which they are counted.
fn decision_boards() -> Result<Vec<&'static Board>> {
    ["qemu-m7", "qemu-m55"].iter().map(|name| Board::named(name)).collect()
}

/// Share of strangers that may be accepted.
const FPIR: f64 = 0.003;

/// A photo of somebody and its embedding.
struct Probe<'a> {
    person: &'a Path,
    embedding: &'a Vec<f32>,
}

/// Share of the photos that are recognised as their person where at most [`FPIR`] of the strangers are accepted, and their
/// number. Everybody is enrolled with all their photos but the one that is tried.
fn tpir(photos: &[Probe<'_>], strangers: &[Vec<f32>]) -> (f64, usize) {
    let mut people: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (number, photo) in photos.iter().enumerate() {
        people.entry(photo.person).or_default().push(number);
    }
    let centres = |photos_of: &[usize], without: Option<usize>| {
        let of = photos_of.iter().filter(|&&photo| Some(photo) != without);
        enrol(&of.map(|&photo| photos[photo].embedding.clone()).collect::<Vec<_>>(), false).centres
    };
    let nearest = |centres: &[Vec<f32>], embedding: &[f32]| {
        centres.iter().map(|centre| cosine(centre, embedding)).fold(-1.0, f32::max)
    };
    let all: BTreeMap<&Path, Vec<Vec<f32>>> =
        people.iter().map(|(person, photos)| (*person, centres(photos, None))).collect();
    let mut scores: Vec<f32> = strangers
        .par_iter()
        .map(|stranger| all.values().map(|centres| nearest(centres, stranger)).fold(-1.0, f32::max))
        .collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let threshold = scores[(FPIR * scores.len() as f64) as usize];
    // Two photos enrol somebody, and one is tried.
    let tried: Vec<(&Path, usize)> = people
        .iter()
        .filter(|(_, photos)| photos.len() >= 3)
        .flat_map(|(person, photos)| photos.iter().map(|&photo| (*person, photo)))
        .collect();
    let is_recognised = |&(person, photo): &(&Path, usize)| {
        let embedding = photos[photo].embedding;
        let own = nearest(&centres(&people[person], Some(photo)), embedding);
        let others = all.iter().filter(|(other, _)| **other != person);
        let next = others.map(|(_, centres)| nearest(centres, embedding)).fold(-1.0, f32::max);
        own > next && own > threshold
    };
    let recognised = tried.par_iter().filter(|tried| is_recognised(tried)).count();
    (recognised as f64 / tried.len().max(1) as f64, tried.len())
}

/// Embeddings of strangers: one aligned face each of people of whom there are no raw photos.
fn strangers(simulator: &Simulator<'_>, input: &Preprocess, raw: &Path) -> Result<Vec<Vec<f32>>> {
    let crops = shared("faces/lfw/crops")
        .context("strangers are those of ../shared/faces/lfw, which are not there")?;
    let mut people: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for path in photo::folder::list(&crops)?.found {
        let person = path.parent().unwrap_or(Path::new("")).to_path_buf();
        if !raw.join(person.file_name().unwrap_or_default()).exists() {
            people.entry(person).or_insert(path);
        }
    }
    let paths: Vec<PathBuf> = people.into_values().collect();
    let [height, width] = [input.height, input.width].map(u32::from);
    paths
        .par_iter()
        .map(|path| {
            let crop = imageops::resize(&photo::load(path)?, width, height, FilterType::Triangle);
            Ok(unit_of_i16(&simulator.embed(&photo::crop_bytes(&crop, input)?)?))
        })
        .collect()
}

/// Identification from raw photos: enrolled and tried with crops by the board's eyes, and with crops by the marks.
fn identification(
    seer: &Seer,
    marked: &[Marked],
    simulator: &Simulator<'_>,
    input: &Preprocess,
    raw: &Path,
) -> Result<[(f64, usize); 2]> {
    let finder = Finder::Board(seer.clone());
    // Others than the person named stand aside.
    let pipeline = Pipeline { finder, choice: Choice::Centre, has_gates: true };
    let template = align::template(input.width.into(), input.height.into());
    let size = [input.width, input.height].map(u32::from);
    let embed = |crop: &[u8]| simulator.embed(crop).map(|embedding| unit_of_i16(&embedding));
    let both: Vec<(&Path, Option<[Vec<f32>; 2]>)> = marked
        .par_iter()
        .map(|Marked { mark, photo }| {
            let person = mark.path.parent().unwrap_or(Path::new(""));
            let Ok(own) = pipeline.crops(photo, input) else { return Ok((person, None)) };
            let theirs = align::crop(photo, &mark.points, &template, size).context("marks of a face")?;
            Ok((person, Some([embed(&own[0].pixels)?, embed(&photo::crop_bytes(&theirs, input)?)?])))
        })
        .collect::<Result<_>>()?;
    let strangers = strangers(simulator, input, raw)?;
    Ok([0, 1].map(|which| {
        let photos: Vec<Probe<'_>> = both
            .iter()
            .filter_map(|(person, both)| Some(Probe { person, embedding: &both.as_ref()?[which] }))
            .collect();
        tpir(&photos, &strangers)
    }))
}

/// Most pictures that are shown to a board until one is decided on.
const MOST_SHOWN: usize = 8;

/// What a frame in each format costs on the boards, with the photo check if there is one, for the first of the pictures whose
/// face is decided on.
fn costs(
    embedder: &[u8],
    eyes: &QuantisedEyes,
    pictures: &[RgbImage],
    folder: &Path,
    line: &mut impl FnMut(&str, String),
) -> Result<()> {
    let image = folder.join("seeing.geode");
    std::fs::write(&image, replaced(embedder, &eyes.sections())?)?;
    let millions = |instructions: u64| format!("{:.1}", instructions as f64 / 1e6);
    for board in decision_boards()? {
        let place = Place::Emulated { board, image: image.clone(), memory: Memory::External };
        let mut camera = Camera::open(&place)?;
        for format in PixelFormat::ALL {
            let mut shown = pictures.iter().take(MOST_SHOWN).map(|picture| -> Result<SightCost> {
                Ok(camera.see(&Shot::new("frame", picture, format)?, false)?.cost)
            });
            let decided = shown.find(|cost| cost.as_ref().map_or(true, |cost| cost.embed_instructions > 0));
            let cost = decided.context("none of the faces shown to the board is decided on")??;
            let decision = cost.look_instructions
                + cost.crop_instructions
                + cost.embed_instructions
                + cost.match_instructions;
            line(
                &format!(
                    "{}, {}: M instructions of a scan, a decision, the photo check",
                    board.name,
                    format.name()
                ),
                [cost.scan_instructions, decision, cost.alive_instructions].map(millions).join(", "),
            );
            if format == PixelFormat::Rgb565 {
                let [arena, stack] = [cost.arena_bytes, cost.stack_bytes].map(|bytes| grouped(bytes.into()));
                line(&format!("{}: arena, stack", board.name), format!("{arena} B, {stack} B"));
            }
        }
    }
    Ok(())
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
        line(&format!("{}: arena", row.role), format!("{} B", grouped(row.arena_bytes as u64)));
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
            let p90 = p90.map_or("–".to_string(), |p90| format!("{p90:.4}"));
            line("points: error over the eyes' distance, median / p90", format!("{median:.4} / {p90}"));
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
            let warp = face::picture::crop(&view, &look.points, &input).context("points of a face")?;
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
            format!(
                "{:.4} / {}",
                mean(&crops),
                percentile(crops, 0.05).map_or("–".to_string(), |p5| format!("{p5:.4}"))
            ),
        );
        let [(board, tried), (theirs, _)] = identification(&seer, &marked, &simulator, &input, &raw)?;
        line(
            &format!(
                "{}: identification from raw photos, TPIR at FPIR 0.003, crops by the board's eyes / by SCRFD's points",
                network.name
            ),
            format!("{:.2} % / {:.2} % ({tried} photos tried)", 100.0 * board, 100.0 * theirs),
        );
        ensure!(
            board + MOST_LOST >= theirs,
            "{}: the board's crops identify {board:.4} of the photos, those by SCRFD's points {theirs:.4}",
            network.name
        );
        let scope = Scope { boards: decision_boards()?, computer: None, galleries: vec![PEOPLE] };
        for Crowded { board, matching } in bench(&network.image, &scope)?.matching {
            let certify = matching.certify.map_or("none".to_string(), grouped);
            line(
                &format!(
                    "{}: instructions of a decision on {PEOPLE} people, certified at most, {board}",
                    network.name
                ),
                format!("{}, {certify}", grouped(matching.decide_with_cohort)),
            );
        }
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
    let liveness = shared("models/minifasnet-v2-80.onnx");
    let mut with_check =
        fit(&Networks { liveness, ..suite::networks() }.known(35.2)?, &frames_to_calibrate())?;
    // Whoever it refuses costs nothing more.
    with_check.sight.alive_q16 = 0;
    let near: Vec<RgbImage> = marked
        .iter()
        .take(MOST_SHOWN)
        .map(|photo| photo.mark.shown(&photo.photo, Some(NEAR)).frame)
        .collect();
    let embedder = AlignedBytes::read(&networks.first().context("a network")?.image)?;
    costs(embedder.bytes(), &with_check, &near, folder.path(), &mut line)?;
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
