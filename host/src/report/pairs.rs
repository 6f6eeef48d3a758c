//! The worst pairs, as photos: most similar impostors, least similar genuine.

use anyhow::Result;
use format::preprocess::{Colour, Preprocess};
use image::RgbImage;

use super::Figures;
use super::canvas::{Anchor, Canvas, Ink, Plot, SMALL, TEXT, inks, nothing, plot, shortened};
use crate::embedding::angle;

const TITLE: &str = "The most similar impostors and the least similar genuine pairs";
/// Side of a photo, pixels.
const SIDE: f64 = 104.0;
/// Size of photos' names, in pixels for each em.
const NAME: f64 = 12.0;

/// A photo to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownPhoto {
    /// Name of the photo's file.
    pub label: String,
    /// Its pixels.
    pub pixels: RgbImage,
}

impl ShownPhoto {
    /// An aligned crop, `[h][w][c]` bytes in the image's colour order.
    ///
    /// # Panics
    /// When the size of the crop is not the one in `preprocess`.
    pub fn of_crop(label: &str, crop: &[u8], preprocess: &Preprocess) -> Self {
        let (width, height) = (preprocess.width.into(), preprocess.height.into());
        let channels = preprocess.colour.channels();
        assert_eq!(crop.len(), usize::from(preprocess.width) * usize::from(preprocess.height) * channels);
        let pixels = crop.chunks_exact(channels).flat_map(|pixel| match preprocess.colour {
            Colour::Rgb => [pixel[0], pixel[1], pixel[2]],
            Colour::Bgr => [pixel[2], pixel[1], pixel[0]],
            Colour::Grey => [pixel[0]; 3],
        });
        let pixels = RgbImage::from_raw(width, height, pixels.collect()).unwrap_or_default();
        ShownPhoto { label: label.to_string(), pixels }
    }
}

/// Two photos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownPair {
    /// The photos.
    pub photos: [ShownPhoto; 2],
    /// Cosine between the quantised embeddings.
    pub cosine: f32,
    /// Cosine between the float embeddings, if known.
    pub float_cosine: Option<f32>,
}

/// Pairs to show, the worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorstPairs {
    /// Pairs of two people, the most similar first.
    pub impostors: Vec<ShownPair>,
    /// Pairs of one person, the least similar first.
    pub genuine: Vec<ShownPair>,
    /// Least cosine that is accepted.
    pub threshold: Option<f32>,
}

impl WorstPairs {
    fn is_wrong(&self, pair: &ShownPair, is_same: bool) -> bool {
        self.threshold.is_some_and(|threshold| (pair.cosine >= threshold) != is_same)
    }
}

/// Draws the pairs, impostors at the left.
///
/// # Errors
/// As [`plot`].
pub fn worst(data: &WorstPairs) -> Result<Plot> {
    let rows = data.impostors.len().max(data.genuine.len());
    if rows == 0 {
        return nothing(TITLE, "no pairs");
    }
    const ROW: f64 = SIDE + 34.0;
    let height = 40.0 + ROW * rows as f64;
    plot(TITLE, [640, height as u32], |canvas| {
        let columns = [
            (8.0, "most similar, two people", &data.impostors, false),
            (328.0, "least similar, one person", &data.genuine, true),
        ];
        for (left, heading, pairs, is_same) in columns {
            canvas.text([left, 8.0], [Anchor::Left; 2], TEXT, inks::BLACK, heading);
            for (row, pair) in pairs.iter().enumerate() {
                let ink = if data.is_wrong(pair, is_same) { inks::VERMILION } else { inks::BLUE };
                draw(canvas, [left, 34.0 + ROW * row as f64], pair, ink, data.is_wrong(pair, is_same));
            }
        }
    })
}

fn draw(canvas: &mut Canvas<'_>, [left, top]: [f64; 2], pair: &ShownPair, ink: Ink, is_wrong: bool) {
    for (index, photo) in pair.photos.iter().enumerate() {
        let x = left + index as f64 * (SIDE + 6.0);
        // The photo keeps its own shape and lies in the middle of its square.
        let [width, height] =
            [photo.pixels.width(), photo.pixels.height()].map(|side| f64::from(side.max(1)));
        let scale = SIDE / width.max(height);
        let [dx, dy] = [width, height].map(|side| (SIDE - side * scale) / 2.0);
        if photo.pixels.width() > 0 {
            let to = [x + SIDE - dx, top + SIDE - dy];
            canvas.image([x + dx, top + dy], to, &photo.pixels);
        }
        canvas.outline([x, top], [x + SIDE, top + SIDE], ink.width(1.5));
        let label = shortened(&photo.label, NAME, SIDE);
        canvas.text([x, top + SIDE + 3.0], [Anchor::Left; 2], NAME, inks::BLACK, &label);
    }
    let x = left + 2.0 * (SIDE + 6.0) + 2.0;
    let degrees = angle(pair.cosine).to_degrees();
    let mut lines = vec![(format!("{:.3}", pair.cosine), TEXT), (format!("{degrees:.1}°"), SMALL)];
    lines.extend(pair.float_cosine.map(|cosine| (format!("float {cosine:.3}"), SMALL)));
    for (line, (text, size)) in lines.iter().enumerate() {
        let at = [x, top + 10.0 + 22.0 * line as f64];
        canvas.text(at, [Anchor::Left; 2], *size, inks::BLACK, text);
    }
    if is_wrong {
        canvas.text([x, top + SIDE - 18.0], [Anchor::Left; 2], SMALL, inks::VERMILION, "wrong");
    }
}

/// Names and cosines of the pairs.
pub fn table(data: &WorstPairs) -> Figures {
    let mut table = Figures::new(&["pair", "cosine", "angle", "decision", "photos", ""]);
    for (kind, pairs, is_same) in
        [("two people", &data.impostors, false), ("one person", &data.genuine, true)]
    {
        for pair in pairs {
            let decision = match data.threshold {
                None => "–",
                Some(_) if data.is_wrong(pair, is_same) => "wrong",
                Some(_) => "right",
            };
            let [a, b] = pair.photos.each_ref().map(|photo| photo.label.clone());
            let degrees = angle(pair.cosine).to_degrees();
            let figures = [format!("{:.3}", pair.cosine), format!("{degrees:.1}°"), decision.to_string()];
            table.push([kind.to_string()].into_iter().chain(figures).chain([a, b]));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    fn pair(cosine: f32) -> ShownPair {
        let photo = |label: &str| ShownPhoto { label: label.into(), pixels: RgbImage::new(4, 4) };
        ShownPair { photos: [photo("a/1.png"), photo("b/<1>.png")], cosine, float_cosine: Some(0.5) }
    }

    #[test]
    fn every_photo_is_shown_with_its_cosine() {
        let data = WorstPairs {
            impostors: vec![pair(0.45), pair(0.30)],
            genuine: vec![pair(0.10)],
            threshold: Some(0.4),
        };
        let shapes = Shapes::of(&worst(&data).unwrap());
        assert_eq!(shapes.images.len(), 6);
        assert!(
            ["0.450", "0.300", "0.100", "a/1.png", "b/<1>.png", "float 0.500"].iter().all(|t| shapes.says(t))
        );
        assert_eq!(shapes.texts.iter().filter(|text| *text == "wrong").count(), 2);
        let decisions: Vec<String> = table(&data).rows.into_iter().map(|mut row| row.remove(3)).collect();
        assert_eq!(decisions, ["wrong", "right", "wrong"]);
    }

    #[test]
    fn crops_are_shown_in_their_colours() {
        let preprocess =
            |colour| Preprocess { height: 1, width: 1, colour, mean: 0.0, scale: 1.0, template: [[0; 2]; 5] };
        for (colour, crop, expected) in [
            (Colour::Rgb, &[1, 2, 3][..], [1, 2, 3]),
            (Colour::Bgr, &[3, 2, 1], [1, 2, 3]),
            (Colour::Grey, &[7], [7, 7, 7]),
        ] {
            assert_eq!(ShownPhoto::of_crop("", crop, &preprocess(colour)).pixels.as_raw()[..], expected);
        }
    }

    #[test]
    fn no_pairs_and_empty_photos_are_drawn_too() {
        assert!(says_nothing(&worst(&WorstPairs::default()).unwrap()));
        let data = WorstPairs { genuine: vec![ShownPair::default()], ..WorstPairs::default() };
        assert_eq!(Shapes::of(&worst(&data).unwrap()).images.len(), 0);
    }
}
