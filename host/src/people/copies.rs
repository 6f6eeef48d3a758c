//! Copies of one picture, and photos of one person, among photos that should each show somebody else.
//!
//! A claim about strangers rests on how many of them there are: one picture there seven times is one stranger, and compared with its
//! copies it raises the threshold until everybody is refused. Copies are told by their pixels, whatever the network: thumbnails of
//! 14 × 14 grey cells, less the mean of the cells around each, correlate by at least 0.98 when an aligned face of 112 pixels was saved
//! again as JPEG (quality 40 to 95), brightened, enlarged or reduced down to a quarter, and by 0.87 when two pixels are cut off each
//! side. All of 300 faces are found so; with three pixels cut off 167 are, with four 15. Of the 4,723,201 pairs of LFW's folds 0 to 3 one
//! is taken for copies, and it shows one person; different people correlate by 0.80 at most. A mirrored picture is a copy, too: of the
//! same pairs with one picture mirrored none is taken for copies, and the greatest correlation is 0.80.
//!
//! Other photos of one person are told by the network, where it tells people apart at all.

use std::path::PathBuf;

use rayon::prelude::*;

use crate::crops::Photo;
use crate::embedding::{angle, cosine, unit};

/// Cells of a thumbnail along each side.
const CELLS: usize = 14;
/// Correlation of thumbnails from which on two pictures are one.
const SAME_PICTURE: f32 = 0.86;
/// Angle of embeddings within which two photos show one person far beyond doubt, radians.
const SAME_PERSON: f32 = 0.6;
/// How many standard deviations above the usual cosine of other people that must be, or the network does not tell people apart.
const BEYOND_OTHERS: f32 = 6.0;
/// Fewest photos that tell what is usual.
const LEAST_USUAL: usize = 10;

/// For each picture the first one before it that it is a copy of. `shape` is height, width and channels of a crop's bytes.
///
/// # Panics
/// When a crop has another size.
pub fn pictures(crops: &[&[u8]], shape: [usize; 3]) -> Vec<Option<usize>> {
    let [thumbnails, mirrored] = [false, true].map(|is_mirrored| -> Vec<Vec<f32>> {
        crops.par_iter().map(|crop| thumbnail(crop, shape, is_mirrored)).collect()
    });
    let is_copy = |a: usize, b: usize| {
        let is_like = |other: &[f32]| cosine(&thumbnails[a], other) >= SAME_PICTURE;
        // A picture without any structure correlates with none; it may still be there twice.
        is_like(&thumbnails[b]) || is_like(&mirrored[b]) || crops[a] == crops[b]
    };
    firsts(crops.len(), is_copy)
}

/// Photos of different pictures, and the copies among them, each after the photo it is a copy of. `shape` as for [`pictures`].
///
/// # Panics
/// As [`pictures`].
pub fn without(photos: Vec<Photo>, shape: [usize; 3]) -> (Vec<Photo>, Vec<[PathBuf; 2]>) {
    let crops: Vec<&[u8]> = photos.iter().map(|photo| &*photo.crop).collect();
    let firsts = pictures(&crops, shape);
    let copy = |(photo, first): (&Photo, &Option<usize>)| {
        first.map(|first| [photos[first].path.clone(), photo.path.clone()])
    };
    let copies = photos.iter().zip(&firsts).filter_map(copy).collect();
    let kept = photos.into_iter().zip(&firsts).filter(|(_, first)| first.is_none());
    (kept.map(|(photo, _)| photo).collect(), copies)
}

/// A line on copies, each after the photo it is a copy of, among `whose` photos of which `kept` are left; nothing if there are none.
pub fn words(whose: &str, kept: usize, copies: &[[PathBuf; 2]]) -> Option<String> {
    let [first, copy] = copies.first()?;
    Some(format!(
        "{} of {} {whose} are copies of others and count once, such as {} of {}",
        copies.len(),
        copies.len() + kept,
        copy.display(),
        first.display()
    ))
}

/// For each photo, given as its unit embedding, the first earlier photo that shows the same person beyond doubt.
pub fn people(embeddings: &[Vec<f32>]) -> Vec<Option<usize>> {
    let Some(beyond) = beyond_others(embeddings) else { return vec![None; embeddings.len()] };
    let is_one = |a: usize, b: usize| {
        let cosine = cosine(&embeddings[a], &embeddings[b]);
        cosine >= beyond && angle(cosine) < SAME_PERSON
    };
    firsts(embeddings.len(), is_one)
}

/// For each of `count` items the first earlier one that it equals, among those that equal no earlier one.
fn firsts(count: usize, is_one: impl Fn(usize, usize) -> bool + Sync) -> Vec<Option<usize>> {
    let equal: Vec<Vec<usize>> =
        (0..count).into_par_iter().map(|b| (0..b).filter(|&a| is_one(a, b)).collect()).collect();
    let mut firsts: Vec<Option<usize>> = Vec::with_capacity(count);
    for equal in &equal {
        let first = equal.iter().copied().find(|&earlier| firsts[earlier].is_none());
        firsts.push(first);
    }
    firsts
}

/// The cosine that hardly any two people have: so many standard deviations above the median. The deviation is taken below the median, where
/// photos of one person are not. Looks at each photo and some of the others.
fn beyond_others(embeddings: &[Vec<f32>]) -> Option<f32> {
    let count = embeddings.len();
    if count < LEAST_USUAL {
        return None;
    }
    let steps = [1, count / 5, count / 3, count / 2];
    let pairs = steps.into_iter().flat_map(|step| (0..count).map(move |a| [a, (a + step) % count]));
    let mut cosines: Vec<f32> = pairs.map(|[a, b]| cosine(&embeddings[a], &embeddings[b])).collect();
    cosines.sort_by(f32::total_cmp);
    let at = |share: f32| cosines[(share * cosines.len() as f32) as usize];
    Some(at(0.5) + BEYOND_OTHERS * (at(0.5) - at(0.16)))
}

/// The structure of a picture, or of its mirror image, as a unit vector: means of cells, less the mean of the nine cells around each; all
/// zero where there is none. Light, contrast and colour do not change it.
fn thumbnail(crop: &[u8], [height, width, channels]: [usize; 3], is_mirrored: bool) -> Vec<f32> {
    assert_eq!(crop.len(), height * width * channels, "a crop of another size");
    let [rows, columns] = [height.min(CELLS), width.min(CELLS)];
    let mut cells = vec![0f32; rows * columns];
    let mut counts = vec![0f32; rows * columns];
    for (index, pixel) in crop.chunks_exact(channels).enumerate() {
        let y = index / width;
        let x = if is_mirrored { width - 1 - index % width } else { index % width };
        let cell = y * rows / height * columns + x * columns / width;
        cells[cell] += pixel.iter().map(|&value| f32::from(value)).sum::<f32>();
        counts[cell] += channels as f32;
    }
    cells.iter_mut().zip(counts).for_each(|(cell, count)| *cell /= count);
    let around = |y: usize, x: usize| -> f32 {
        let near = |place: usize, end: usize| [place.saturating_sub(1), place, (place + 1).min(end - 1)];
        let cells = near(y, rows).into_iter().flat_map(|y| near(x, columns).map(|x| cells[y * columns + x]));
        cells.sum::<f32>() / 9.0
    };
    let structure = |index: usize| cells[index] - around(index / columns, index % columns);
    let mut structure: Vec<f32> = (0..cells.len()).map(structure).collect();
    let mean = structure.iter().sum::<f32>() / structure.len() as f32;
    structure.iter_mut().for_each(|cell| *cell -= mean);
    // Rounding of a picture of one colour is no structure.
    if structure.iter().all(|cell| cell.abs() < 0.01) {
        return vec![0.0; structure.len()];
    }
    unit(&structure)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::jpeg::JpegEncoder;
    use image::imageops::{FilterType, crop_imm, flip_horizontal, resize};
    use image::{ImageFormat, RgbImage};

    use super::*;

    const SIZE: u32 = 112;

    /// A picture with light and dark places, another for each seed.
    fn picture(seed: u64) -> RgbImage {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let coarse = RgbImage::from_fn(9, 9, |_, _| {
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 56) as u8
            };
            image::Rgb([next(), next(), next()])
        });
        resize(&coarse, SIZE, SIZE, FilterType::CatmullRom)
    }

    fn saved(picture: &RgbImage, quality: u8) -> RgbImage {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, quality).encode_image(picture).unwrap();
        image::load(Cursor::new(file), ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    fn sized(picture: &RgbImage, size: u32) -> RgbImage {
        let other = resize(picture, size, size, FilterType::Triangle);
        resize(&saved(&other, 85), SIZE, SIZE, FilterType::CatmullRom)
    }

    fn copies_of(all: &[RgbImage]) -> Vec<Option<usize>> {
        let crops: Vec<&[u8]> = all.iter().map(|picture| &**picture.as_raw()).collect();
        pictures(&crops, [SIZE as usize, SIZE as usize, 3])
    }

    #[test]
    fn every_way_to_save_a_picture_again_is_a_copy() {
        let mut brighter = picture(1);
        brighter.iter_mut().for_each(|value| *value = (f32::from(*value) * 0.8 + 40.0) as u8);
        let cut = crop_imm(&picture(1), 1, 1, SIZE - 2, SIZE - 2).to_image();
        let all = [
            picture(1),
            picture(2),
            picture(1),
            saved(&picture(1), 40),
            saved(&picture(1), 95),
            sized(&picture(1), 56),
            sized(&picture(1), 224),
            flip_horizontal(&saved(&picture(1), 80)),
            sized(&picture(1), 28),
            brighter,
            resize(&cut, SIZE, SIZE, FilterType::CatmullRom),
            picture(3),
            saved(&picture(2), 70),
        ];
        let one = Some(0);
        let expected = [None, None, one, one, one, one, one, one, one, one, one, None, Some(1)];
        assert_eq!(copies_of(&all), expected);
    }

    #[test]
    fn other_pictures_are_no_copies() {
        let all: Vec<RgbImage> = (0..200).map(picture).collect();
        assert!(copies_of(&all).iter().all(Option::is_none));
    }

    #[test]
    fn pictures_without_structure_are_copies_only_when_equal() {
        let flat = |value: u8| RgbImage::from_pixel(SIZE, SIZE, image::Rgb([value; 3]));
        assert_eq!(copies_of(&[flat(90), flat(91), picture(1), flat(90)]), [None, None, None, Some(0)]);
        assert_eq!(pictures(&[&[7; 6], &[7; 6], &[9; 6]], [2, 3, 1]), [None, Some(0), None]);
        assert_eq!(pictures(&[], [2, 3, 1]), []);
    }

    #[test]
    fn photos_of_one_person_are_found_where_people_are_told_apart() {
        let mut state = 1u64;
        let mut direction = |about: &[f32], noise: f32| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
            };
            unit(&about.iter().map(|x| x + noise * next()).collect::<Vec<_>>())
        };
        let nowhere = vec![0.0; 128];
        let mut photos: Vec<Vec<f32>> = (0..40).map(|_| direction(&nowhere, 1.0)).collect();
        photos.push(direction(&photos[7].clone(), 0.05));
        let found = people(&photos);
        assert_eq!(found.iter().position(Option::is_some), Some(40));
        assert_eq!(found[40], Some(7));
        // A network to which all look alike says nothing about who they are.
        let mut common = vec![0.0; 128];
        common[0] = 1.0;
        let alike: Vec<Vec<f32>> = (0..40).map(|_| direction(&common, 0.02)).collect();
        assert!(cosine(&alike[0], &alike[1]) > 0.95);
        assert!(people(&alike).iter().all(Option::is_none));
        assert_eq!(people(&photos[..1]), [None]);
    }

    #[test]
    fn a_copy_is_of_the_first_that_is_none_itself() {
        let found = firsts(5, |a, b| b - a <= 2);
        assert_eq!(found, [None, Some(0), Some(0), None, Some(3)]);
    }
}
