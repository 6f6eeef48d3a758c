//! From raw photos to aligned crops: finding faces, landmarks, refusals, and the effect of alignment on recognition.
//!
//! Tests that need many photos, and tests with YuNet, use the larger test data beside the repository. The others use the fetched photos.

use std::collections::{HashMap, HashSet};
use std::f32::consts::PI;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use format::gates::Gate;
use format::preprocess::Preprocess;
use host::accuracy::marks;
use host::crops::Finding;
use host::crops::cut::{Cuts, Cutting, cut};
use host::embedding::{cosine, unit_of_i16};
use host::export::export;
use host::face::{Choice, Crop, Face, Finder, FloatDetector, Pipeline, Unusable, colour_crop};
use host::photo;
use host::simulator::{AlignedBytes, Simulator};
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use suite::{
    blurred, default_network, demo_faces, fetched, image_with_eyes, job, resized, seer, shared, write_faces,
};

const SIZE: [usize; 2] = [112, 112];
/// YuNet's place in the larger test data.
const YUNET: &str = "models/yunet-320.onnx";

/// The description of the crops.
fn input() -> Preprocess {
    colour_crop(SIZE)
}

/// The detectors of a test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detectors {
    /// The board's eyes, quantised on other photos than those that judge, and the default detector in float.
    Default,
    /// YuNet in float, of the larger test data.
    YuNet,
}

/// Makes two tests of each of these functions: one with the default detectors, and one with YuNet. Each needs the named parts of the
/// larger test data.
macro_rules! test_with_detectors {
    ($($function:ident [$($part:ident),*])+) => {
        mod default_detectors {
            $(
                #[test]
                #[cfg_attr(not(all($($part),*)), ignore = "needs ../shared/faces beside the repository")]
                fn $function() {
                    super::$function(super::Detectors::Default);
                }
            )+
        }

        mod yunet {
            $(
                #[test]
                #[cfg_attr(
                    not(all(yunet_320, $($part),*)),
                    ignore = "needs ../shared beside the repository, with models/yunet-320.onnx"
                )]
                fn $function() {
                    super::$function(super::Detectors::YuNet);
                }
            )+
        }
    };
}

test_with_detectors! {
    faces_of_raw_photos_are_found_and_few_refused [raw]
    landmarks_agree_with_another_detector [raw]
    what_is_no_face_is_refused [nonface]
    own_alignment_recognises_as_well_as_that_of_the_data_set [raw, lfw]
    spoilt_portraits_are_refused_and_the_reason_named []
    spoilt_raw_photos_are_refused_and_the_reason_named [raw]
    a_profile_among_others_is_refused []
    gates_can_be_turned_off []
    a_turned_photo_is_aligned_by_its_exif_orientation []
    a_grey_photo_is_aligned_like_one_in_colour []
    of_several_faces_the_chosen_ones_are_cut_out []
    small_and_huge_faces_in_photos_of_12_megapixels_are_found []
}

impl Detectors {
    /// Names and finders.
    fn finders(self) -> Vec<(&'static str, Finder)> {
        let float = |path: PathBuf| Finder::Float(FloatDetector::load(&path).unwrap());
        match self {
            Detectors::Default => {
                vec![("board", Finder::Board(seer())), ("default in float", float(fetched("faceplugin")))]
            }
            Detectors::YuNet => vec![("yunet", float(shared(YUNET).unwrap()))],
        }
    }

    /// The raw photos, aligned with each detector. They are aligned only once.
    fn aligned(self) -> &'static [Aligned] {
        static ALIGNED: [OnceLock<Vec<Aligned>>; 2] = [const { OnceLock::new() }; 2];
        ALIGNED[self as usize].get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let align = |(detector, finding, image): (&'static str, Finding, Option<PathBuf>)| {
                let cutting = Cutting {
                    photos: shared("faces/raw").unwrap(),
                    output: folder.path().join(detector),
                    size: SIZE,
                    choice: Choice::Centre,
                    finding,
                    image,
                    has_gates: true,
                };
                let cuts = cut(&cutting).unwrap();
                let crops = cuts.crops.iter().map(|cut| (cut.photo.clone(), photo::load(&cut.crop).unwrap()));
                let crops = crops.collect();
                Aligned { detector, cuts, crops }
            };
            match self {
                Detectors::Default => {
                    let image = folder.path().join("eyes.geode");
                    std::fs::write(&image, image_with_eyes(None)).unwrap();
                    let default = Finding::Float(fetched("faceplugin"));
                    [("board", Finding::Image, Some(image)), ("default in float", default, None)]
                        .map(align)
                        .into()
                }
                Detectors::YuNet => vec![align(("yunet", Finding::Float(shared(YUNET).unwrap()), None))],
            }
        })
    }

    /// Embeddings of these crops by detector, of the photos that the data set has aligned as well. They are embedded only once.
    fn embedded(self) -> &'static [(&'static str, Embeddings)] {
        static EMBEDDED: [OnceLock<Vec<(&str, Embeddings)>>; 2] = [const { OnceLock::new() }; 2];
        EMBEDDED[self as usize].get_or_init(|| {
            let of_crops = |Aligned { detector, crops, .. }: &Aligned| {
                let crops = crops.iter().filter(|(path, _)| given().contains_key(*path));
                (*detector, embed(crops.map(|(path, crop)| (path.clone(), crop.clone()))))
            };
            self.aligned().iter().map(of_crops).collect()
        })
    }
}

fn pipeline(finder: &Finder, choice: Choice, has_gates: bool) -> Pipeline {
    Pipeline { finder: finder.clone(), choice, has_gates }
}

/// Why a face is refused, in one word.
fn cause(reason: &Unusable) -> &'static str {
    match reason {
        Unusable::NoFace | Unusable::Unsure { .. } => "no face",
        Unusable::Unfit(refusal) => match refusal.gate {
            Gate::Moved | Gate::Nowhere => "no face",
            Gate::Eyes => "small",
            Gate::Yaw => "profile",
            Gate::Dark => "dark",
            Gate::Bright | Gate::Clipped => "bright",
            Gate::Contrast => "flat",
            Gate::Sharpness => "blurred",
            _ => "another cause",
        },
        _ => "another cause",
    }
}

/// Fetched photos with one face, by more than one camera.
fn portraits() -> Vec<RgbImage> {
    ["faces/obama.jpg", "faces/obama3.jpg", "faces/biden.jpg"]
        .map(|path| {
            let photo = photo::load(&fetched(path)).unwrap();
            let scale = 600.0 / photo.height() as f32;
            resized(&photo, [600, (photo.width() as f32 * scale) as u32], FilterType::Triangle)
        })
        .to_vec()
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Distances between two sets of landmarks, in distances between the eyes.
fn errors(found: &[[f32; 2]; 5], expected: &[[f32; 2]; 5]) -> [f32; 5] {
    let eyes = distance(expected[0], expected[1]);
    std::array::from_fn(|point| distance(found[point], expected[point]) / eyes)
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}

/// The raw photos' landmarks by another detector, by path.
fn landmarks(raw: &Path) -> HashMap<PathBuf, [[f32; 2]; 5]> {
    let marks = marks::read(&raw.join("landmarks.csv")).unwrap();
    marks.into_iter().map(|mark| (raw.join(mark.path), mark.points)).collect()
}

/// The raw photos, aligned with one detector.
struct Aligned {
    detector: &'static str,
    cuts: Cuts,
    /// The crops by photo.
    crops: HashMap<PathBuf, RgbImage>,
}

fn faces_of_raw_photos_are_found_and_few_refused(detectors: Detectors) {
    for Aligned { detector: name, cuts, .. } in detectors.aligned() {
        let (accepted, refused) = (cuts.crops.len(), cuts.skipped.len());
        println!("{name}: {accepted} accepted, {refused} refused");
        for skipped in &cuts.skipped {
            println!("  {}: {}", skipped.photo.display(), skipped.reason);
            assert_ne!(skipped.reason, Unusable::NoFace.to_string());
        }
        // The board's landmarks of two faces, of 194, do not stay in the mirror image. Of the others, less than 1 % are refused.
        let fits = if *name == "board" { refused <= 2 } else { refused * 100 < accepted };
        assert!(fits, "{name}: {refused} refused");
    }
}

fn landmarks_agree_with_another_detector(detectors: Detectors) {
    let raw = shared("faces/raw").unwrap();
    let expected = landmarks(&raw);
    for Aligned { detector: name, cuts, .. } in detectors.aligned() {
        let errors: Vec<[f32; 5]> =
            cuts.crops.iter().map(|cut| errors(&cut.landmarks, &expected[&cut.photo])).collect();
        let mean = median(errors.iter().map(|e| e.iter().sum::<f32>() / 5.0).collect());
        let middle = median(errors.iter().flatten().copied().collect());
        let each: [f32; 5] = std::array::from_fn(|i| median(errors.iter().map(|e| e[i]).collect()));
        println!(
            "{name}: of a landmark {middle:.4}, of a face's mean {mean:.4}, of each landmark {each:.3?}"
        );
        assert!(middle < 0.05, "{name}: {middle}");
        assert!(*name != "board" || mean < 0.04, "{mean}");
        // A larger error would be another person's face.
        assert!(errors.iter().flatten().all(|&error| error < 0.6), "{name}");
    }
}

fn what_is_no_face_is_refused(detectors: Detectors) {
    let folder = shared("faces/nonface").unwrap();
    for (name, detector) in detectors.finders() {
        let pipeline = pipeline(&detector, Choice::Largest, false);
        for path in photo::folder::list(&folder).unwrap().found {
            // Bank notes show portraits.
            if path.file_name().unwrap().to_str().unwrap().starts_with("dollar") {
                continue;
            }
            let outcome = pipeline.crops(&photo::load(&path).unwrap(), &input());
            let reason = outcome.err().unwrap_or_else(|| panic!("{name}: a face in {}", path.display()));
            assert_eq!(cause(&reason), "no face", "{name}: {}: {reason}", path.display());
        }
    }
}

type Embeddings = HashMap<PathBuf, Vec<f32>>;

/// Embeds crops with the default network, quantised.
fn embed(crops: impl Iterator<Item = (PathBuf, RgbImage)>) -> Embeddings {
    static IMAGE: OnceLock<AlignedBytes> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_faces(folder.path(), &demo_faces(), [112, 112]);
        AlignedBytes::copy(&export(&job(&default_network(), folder.path())).unwrap().image)
    });
    let image = image.image(Path::new("the default network's")).unwrap();
    let network = Simulator::new(&image.embedder).unwrap();
    crops.map(|(path, crop)| (path, unit_of_i16(&network.embed(crop.as_raw()).unwrap()))).collect()
}

/// Embeddings of the raw photos, aligned by the data set. It has only some of them.
fn given() -> &'static Embeddings {
    static GIVEN: OnceLock<Embeddings> = OnceLock::new();
    GIVEN.get_or_init(|| {
        let [raw, crops] = ["faces/raw", "faces/lfw/crops"].map(|part| shared(part).unwrap());
        embed(landmarks(&raw).into_keys().filter_map(|path| {
            let crop = crops.join(path.strip_prefix(&raw).unwrap());
            crop.exists().then(|| (path, photo::load(&crop).unwrap()))
        }))
    })
}

/// Best accuracy over all thresholds on pairs of photos, one photo from each side. Genuine and impostor pairs have the
/// same weight. Also returns the number of genuine pairs.
fn accuracy(a: &Embeddings, b: &Embeddings, photos: &[PathBuf]) -> (f64, usize) {
    let mut pairs = Vec::new();
    for (index, one) in photos.iter().enumerate() {
        for other in &photos[index + 1..] {
            pairs.push((cosine(&a[one], &b[other]), one.parent() == other.parent()));
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let genuine = pairs.iter().filter(|pair| pair.1).count();
    let impostors = pairs.len() - genuine;
    // The threshold rises past one pair after the other.
    let (mut accepted, mut rejected, mut best) = (genuine, 0, 0.0f64);
    for (_, same) in pairs {
        if same {
            accepted -= 1
        } else {
            rejected += 1
        };
        let share = accepted as f64 / genuine as f64 + rejected as f64 / impostors as f64;
        best = best.max(share / 2.0);
    }
    (best, genuine)
}

fn own_alignment_recognises_as_well_as_that_of_the_data_set(detectors: Detectors) {
    let given = given();
    let named = |detectors: Detectors| detectors.embedded().iter().map(|(name, own)| (*name, own));
    let mut all: Vec<(&str, &Embeddings)> = vec![("the data set", given)];
    all.extend(named(Detectors::Default));
    if detectors == Detectors::YuNet {
        all.extend(named(Detectors::YuNet));
    }
    let mut photos: Vec<PathBuf> = given.keys().cloned().collect();
    photos.retain(|path| all.iter().all(|(_, embeddings)| embeddings.contains_key(path)));
    photos.sort();
    let people: HashSet<_> = photos.iter().map(|path| path.parent()).collect();
    let (reference, genuine) = accuracy(given, given, &photos);
    println!("{} photos of {} people, {genuine} genuine pairs", photos.len(), people.len());
    println!("aligned by the data set: {reference:.4}");
    // People are enrolled with one detector and recognised with the same or another one.
    for (enrolled, a) in &all {
        for (probed, b) in &all {
            // The test with the default detectors compares the other pairs.
            if detectors == Detectors::YuNet && ![*enrolled, *probed].contains(&"yunet") {
                continue;
            }
            let (accuracy, _) = accuracy(a, b, &photos);
            println!("{enrolled} against {probed}: {accuracy:.4}");
            assert!(accuracy >= reference - 0.005, "{enrolled}, {probed}: {accuracy} and {reference}");
        }
    }
}

/// A change to a photo, with the name of the cause for which the changed photo must be refused, unless it is refused
/// because no face is certain.
type Variant = (&'static str, fn(&RgbImage, &Face) -> RgbImage);

const VARIANTS: [Variant; 6] = [
    ("blurred", |photo, face| blurred(photo, 0.09 * eyes(face))),
    ("dark", |photo, _| lit(photo, |x| 0.15 * x)),
    ("bright", |photo, _| lit(photo, |x| 130.0 + 1.4 * x)),
    ("flat", |photo, _| lit(photo, |x| 100.0 + 0.14 * x)),
    ("small", |photo, face| shrunk(photo, 12.0 / eyes(face))),
    ("profile", |photo, face| in_profile(photo, face)),
];

fn eyes(face: &Face) -> f32 {
    distance(face.landmarks[0], face.landmarks[1])
}

fn lit(photo: &RgbImage, change: fn(f32) -> f32) -> RgbImage {
    let mut changed = photo.clone();
    changed.iter_mut().for_each(|x| *x = change(f32::from(*x)) as u8);
    changed
}

fn shrunk(photo: &RgbImage, scale: f32) -> RgbImage {
    let [width, height] = [photo.width(), photo.height()].map(|side| (side as f32 * scale) as u32);
    resized(photo, [height, width], FilterType::Triangle)
}

/// The face turned by 70 degrees, approximated from one photo as if its pixels lay on an ellipsoid with a nose.
fn in_profile(photo: &RgbImage, face: &Face) -> RgbImage {
    let unit = eyes(face);
    let [left, right, nose, mouth_left, mouth_right] = face.landmarks;
    let middle: [f32; 2] =
        std::array::from_fn(|axis| (left[axis] + right[axis] + mouth_left[axis] + mouth_right[axis]) / 4.0);
    let (sine, cosine) = (70.0 * PI / 180.0).sin_cos();
    let (width, height) = photo.dimensions();
    let mut turned = RgbImage::from_pixel(width, height, Rgb([120, 110, 100]));
    for y in 0..height {
        let v = (y as f32 - middle[1]) / unit;
        // The nose rises from the brows to the tip, then it ends.
        let below_tip = (y as f32 - nose[1]) / unit;
        let ridge = if below_tip < 0.0 { 1.0 + below_tip / 0.6 } else { 1.0 - below_tip / 0.15 };
        let mut nearest = vec![f32::MIN; width as usize];
        for x in (0..4 * width).map(|quarter| quarter as f32 / 4.0) {
            let u = (x - middle[0]) / unit;
            let round = 1.0 - (u / 1.3).powi(2) - ((v + 0.25) / 1.9).powi(2);
            if round < 0.0 {
                continue;
            }
            let aside = (x - nose[0]) / (0.22 * unit);
            let depth = 1.4 * round.sqrt() + 0.45 * ridge.clamp(0.0, 1.0) * (-aside * aside).exp();
            let column = (middle[0] + unit * (u * cosine + (depth - 0.7) * sine)).round();
            let near = depth * cosine - u * sine;
            if (0.0..width as f32).contains(&column) && near > nearest[column as usize] {
                nearest[column as usize] = near;
                turned.put_pixel(column as u32, y, *photo.get_pixel(x as u32, y));
            }
        }
    }
    turned
}

fn spoilt_portraits_are_refused_and_the_reason_named(detectors: Detectors) {
    spoilt_are_refused(&portraits(), detectors);
}

fn spoilt_raw_photos_are_refused_and_the_reason_named(detectors: Detectors) {
    let paths = photo::folder::list(&shared("faces/raw").unwrap()).unwrap().found;
    let photos: Vec<RgbImage> = paths.iter().step_by(16).map(|path| photo::load(path).unwrap()).collect();
    spoilt_are_refused(&photos, detectors);
}

/// Spoils photos with a face in good condition.
fn spoilt_are_refused(photos: &[RgbImage], detectors: Detectors) {
    let mut missed = Vec::new();
    for (name, detector) in detectors.finders() {
        let pipeline = pipeline(&detector, Choice::Centre, true);
        let good: Vec<(&RgbImage, Face)> = photos
            .iter()
            .filter_map(|photo| Some((photo, pipeline.crops(photo, &input()).ok()?.swap_remove(0).face)))
            .collect();
        assert!(good.len() + 1 >= photos.len(), "{name}: {} of {}", good.len(), photos.len());
        for (variant, spoil) in VARIANTS {
            let (mut named, mut unseen) = (0, 0);
            for (photo, face) in &good {
                match pipeline.crops(&spoil(photo, face), &input()) {
                    Err(refusal) if cause(&refusal) == variant => named += 1,
                    Err(refusal) if cause(&refusal) == "no face" => unseen += 1,
                    Err(other) => println!("{name}, {variant}: {other}"),
                    Ok(crops) => println!("{name}, {variant}: accepted, {:?}", crops[0].measurements),
                }
            }
            println!(
                "{name}, {variant}: {named} refused for it, {unseen} without a sure face, of {}",
                good.len()
            );
            missed.push((name, variant, good.len() - named - unseen));
        }
    }
    // A face turned by computation does not always look like a profile to the board's eyes. All other changes must be noticed.
    let allowed = |name, variant| usize::from((name, variant) == ("board", "profile"));
    assert!(missed.iter().all(|&(name, variant, missed)| missed <= allowed(name, variant)), "{missed:?}");
}

fn a_profile_among_others_is_refused(detectors: Detectors) {
    // Three women, the left one in profile.
    let photo = photo::load(&fetched("faces/strangers/sample2.jpg")).unwrap();
    let alone = imageops::crop_imm(&photo, 0, 0, 800, 800).to_image();
    for (name, detector) in detectors.finders() {
        let all = pipeline(&detector, Choice::All, true);
        let outcomes = all.each(&photo, &input()).unwrap().faces;
        let accepted: Vec<&Crop> = outcomes.iter().flatten().collect();
        assert_eq!((accepted.len(), outcomes.len()), (2, 3), "{name}");
        assert!(accepted.iter().all(|crop| crop.face.bounds[0] > 800.0), "{name}");
        let refusal = all.crops(&alone, &input()).unwrap_err();
        assert!(["no face", "profile"].contains(&cause(&refusal)), "{name}: {refusal}");
    }
}

fn gates_can_be_turned_off(detectors: Detectors) {
    for (name, detector) in detectors.finders() {
        let dark = lit(&portraits()[0], |x| 0.15 * x);
        let refusal = pipeline(&detector, Choice::Largest, true).crops(&dark, &input());
        assert_eq!(refusal.as_ref().err().map(cause), Some("dark"), "{name}");
        assert_eq!(
            pipeline(&detector, Choice::Largest, false).crops(&dark, &input()).unwrap().len(),
            1,
            "{name}"
        );
    }
}

fn only(pipeline: &Pipeline, photo: &RgbImage) -> Crop {
    pipeline.crops(photo, &input()).unwrap_or_else(|refusal| panic!("{refusal}")).swap_remove(0)
}

/// Mean difference of two crops' pixels.
fn difference(a: &RgbImage, b: &RgbImage) -> f32 {
    let sum: f32 = a.iter().zip(b.iter()).map(|(&a, &b)| f32::from(a.abs_diff(b))).sum();
    sum / a.as_raw().len() as f32
}

fn a_turned_photo_is_aligned_by_its_exif_orientation(detectors: Detectors) {
    let portrait = &portraits()[1];
    // The reader of orientation 6 rotates the photo clockwise, so the test stores it rotated the other way.
    let mut jpeg = Vec::new();
    let stored = imageops::rotate270(portrait);
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 98).encode_image(&stored).unwrap();
    let exif: &[u8] =
        b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.jpg");
    std::fs::write(&path, [&jpeg[..2], exif, &jpeg[2..]].concat()).unwrap();
    for (name, detector) in detectors.finders() {
        let pipeline = pipeline(&detector, Choice::Largest, true);
        let (upright, turned) = (only(&pipeline, portrait), only(&pipeline, &photo::load(&path).unwrap()));
        let off = difference(&upright.picture(SIZE), &turned.picture(SIZE));
        assert!(off < 3.0, "{name}: {off}");
    }
}

fn a_grey_photo_is_aligned_like_one_in_colour(detectors: Detectors) {
    let portrait = &portraits()[0];
    let grey = DynamicImage::from(DynamicImage::from(portrait.clone()).into_luma8()).into_rgb8();
    for (name, detector) in detectors.finders() {
        let pipeline = pipeline(&detector, Choice::Largest, true);
        let (colour, grey) = (only(&pipeline, portrait).face, only(&pipeline, &grey).face);
        let worst = errors(&grey.landmarks, &colour.landmarks).into_iter().fold(0.0, f32::max);
        assert!(worst < 0.1, "{name}: {worst}");
    }
}

fn of_several_faces_the_chosen_ones_are_cut_out(detectors: Detectors) {
    let photo = photo::load(&fetched("faces/strangers/sample6.jpg")).unwrap();
    for (name, detector) in detectors.finders() {
        let all = pipeline(&detector, Choice::All, false).crops(&photo, &input()).unwrap();
        assert_eq!(all.len(), 4, "{name}");
        assert!(all.windows(2).all(|pair| pair[0].face.area() >= pair[1].face.area()), "{name}");
        let largest = pipeline(&detector, Choice::Largest, false).crops(&photo, &input()).unwrap();
        assert_eq!((largest.len(), largest[0].face), (1, all[0].face), "{name}");

        // In a crop around the smallest face, this face is the central one.
        let smallest = &all[3].face;
        let [left, top, right, bottom] = smallest.bounds;
        let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
        let half = middle[0]
            .min(middle[1])
            .min(photo.width() as f32 - middle[0])
            .min(photo.height() as f32 - middle[1]);
        let [x, y] = middle.map(|centre| (centre - half) as u32);
        let part = imageops::crop_imm(&photo, x, y, 2 * half as u32, 2 * half as u32).to_image();
        let centre = only(&pipeline(&detector, Choice::Centre, false), &part).face;
        let shifted = smallest.landmarks.map(|[a, b]| [a - x as f32, b - y as f32]);
        let worst = errors(&centre.landmarks, &shifted).into_iter().fold(0.0, f32::max);
        assert!(worst < 0.15, "{name}: {worst}");
    }
}

fn small_and_huge_faces_in_photos_of_12_megapixels_are_found(detectors: Detectors) {
    for (name, detector) in detectors.finders() {
        let pipeline = pipeline(&detector, Choice::Largest, false);
        for (index, portrait) in portraits().iter().take(2).enumerate() {
            let face = only(&pipeline, portrait).face;
            let [left, top, right, bottom] = face.bounds;
            // Far away: 24 pixels between the eyes, near a corner of 4000 × 3000.
            let small = shrunk(portrait, 24.0 / eyes(&face));
            let mut photo = RgbImage::from_fn(4000, 3000, |x, y| {
                Rgb([(90 + x / 50) as u8, (120 + y / 60) as u8, (80 + (x + y) / 100) as u8])
            });
            imageops::replace(&mut photo, &small, 3300, 2200);
            // Near: the face fills the frame.
            let [x, y, width, height] = [left, top, right - left, bottom - top].map(|x| x.max(0.0) as u32);
            let near = imageops::crop_imm(portrait, x, y, width, height).to_image();
            let near = resized(&near, [4000, 3000], FilterType::Triangle);
            let ratio = [3000.0 / width as f32, 4000.0 / height as f32];

            println!("{name}, small {index}");
            let found = only(&pipeline, &photo).face;
            let scale = small.width() as f32 / portrait.width() as f32;
            let expected = face.landmarks.map(|[x, y]| [3300.0 + x * scale, 2200.0 + y * scale]);
            let worst = errors(&found.landmarks, &expected).into_iter().fold(0.0, f32::max);
            assert!(worst < 0.25, "{name}, small {index}: {worst}");

            println!("{name}, near {index}");
            let found = only(&pipeline, &near).face;
            let expected = face
                .landmarks
                .map(|point| [(point[0] - x as f32) * ratio[0], (point[1] - y as f32) * ratio[1]]);
            let worst = errors(&found.landmarks, &expected).into_iter().fold(0.0, f32::max);
            assert!(worst < 0.25, "{name}, near {index}: {worst}");
        }
    }
}

#[test]
fn wrong_detector_is_named_with_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let say = |path: &Path| format!("{:#}", FloatDetector::load(path).err().unwrap());
    let said = say(folder.path());
    assert!(said.contains("fr_detect.onnx") && said.contains("setup.sh"), "{said}");
    let said = say(&default_network());
    assert!(said.contains("YuNet") && said.contains("fr_feature.onnx"), "{said}");
}
