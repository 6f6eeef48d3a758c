//! Ways to show a photo to a detector: whole, smaller, or in tiles. Also shows a face upright, for a close
//! examination.

use super::align::{self, Transform};

/// Place of the middle of the landmarks in the template of 112 × 112.
const MIDDLE: [f32; 2] = [56.0, 72.0];

/// Ways to put a photo into a picture, `[width, height]`, in the order in which they should be tried: first as large
/// as fits, then at half that size, then in overlapping tiles at two, four, … times the first size, up to the photo's
/// resolution. Tiles are made as long as the last level showed the photo smaller than `least` times.
pub fn levels(photo: [u32; 2], picture: [u32; 2], least: f32) -> Vec<Vec<Transform>> {
    let (photo, picture) = (photo.map(|side| side as f32), picture.map(|side| side as f32));
    let whole = (picture[0] / photo[0]).min(picture[1] / photo[1]);
    let mut levels = vec![tiles(photo, picture, whole), tiles(photo, picture, whole / 2.0)];
    let mut scale = whole;
    while scale < least {
        scale *= 2.0;
        levels.push(tiles(photo, picture, scale));
    }
    levels
}

/// Pictures at a scale that together show the whole photo. Neighbours share about a half.
fn tiles(photo: [f32; 2], picture: [f32; 2], scale: f32) -> Vec<Transform> {
    let [columns, rows]: [Vec<f32>; 2] = std::array::from_fn(|axis| {
        // The length that does not fit. A photo smaller than the picture lies in the picture's middle.
        let rest = (photo[axis] * scale - picture[axis]).round();
        if rest <= 0.0 {
            return vec![-rest / 2.0];
        }
        let steps = (rest / (picture[axis] / 2.0)).ceil();
        (0..=steps as usize).map(|step| -rest * step as f32 / steps).collect()
    });
    // The centres of pixels have whole coordinates, so the upper left corner of a pixel is half a pixel before its
    // centre.
    let at = |x: f32, y: f32| Transform { a: scale, b: 0.0, t: [x, y].map(|t| t + (scale - 1.0) / 2.0) };
    rows.iter().flat_map(|&y| columns.iter().map(move |&x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

/// Places of an upright face's landmarks in a picture of `size`. The smaller side of the picture is `span` pixels of
/// the template of 112 × 112, and the middle of the landmarks lies in the picture's middle.
pub fn upright(size: [u32; 2], span: f32) -> [[f32; 2]; 5] {
    let scale = size[0].min(size[1]) as f32 / span;
    align::template(112, 112).map(|point| {
        std::array::from_fn(|axis| (point[axis] - MIDDLE[axis]) * scale + (size[axis] as f32 - 1.0) / 2.0)
    })
}

/// Landmarks in the mirrored picture.
pub fn mirrored(landmarks: [[f32; 2]; 5], width: u32) -> [[f32; 2]; 5] {
    [1, 0, 2, 4, 3].map(|index| {
        let [x, y]: [f32; 2] = landmarks[index];
        [width as f32 - 1.0 - x, y]
    })
}

/// The mean of each landmark over several views.
pub fn mean(views: &[[[f32; 2]; 5]]) -> [[f32; 2]; 5] {
    std::array::from_fn(|point| {
        std::array::from_fn(|axis| {
            views.iter().map(|view| view[point][axis]).sum::<f32>() / views.len() as f32
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of the photo that a picture shows: left, top, right, bottom in photo pixels.
    fn shown(to: &Transform, picture: [u32; 2]) -> [f32; 4] {
        let [left, top] = to.inverse().apply([-0.5, -0.5]);
        let [right, bottom] = to.inverse().apply(picture.map(|side| side as f32 - 0.5));
        [left, top, right, bottom].map(|x| x + 0.5)
    }

    #[test]
    fn the_first_look_shows_the_whole_photo_in_the_middle() {
        let first = &levels([640, 320], [320, 320], 0.3)[0];
        assert_eq!(first.len(), 1);
        assert_eq!(shown(&first[0], [320, 320]), [0.0, -160.0, 640.0, 480.0]);
    }

    #[test]
    fn tiles_cover_a_large_photo() {
        let (photo, picture) = ([4000, 3000], [320, 320]);
        let levels = levels(photo, picture, 0.3);
        assert_eq!(levels.len(), 4);
        for tiles in &levels {
            for x in (0..4000).step_by(50).map(|x| x as f32 + 0.5) {
                for y in (0..3000).step_by(50).map(|y| y as f32 + 0.5) {
                    let covers = |to: &&Transform| {
                        let [left, top, right, bottom] = shown(to, picture);
                        (left..=right).contains(&x) && (top..=bottom).contains(&y)
                    };
                    assert!(tiles.iter().any(|to| covers(&to)), "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn a_small_photo_is_not_cut_into_tiles() {
        assert_eq!(levels([300, 200], [320, 240], 0.3).len(), 2);
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let landmarks = upright([320, 240], 112.0);
        assert_eq!(mirrored(mirrored(landmarks, 320), 320), landmarks);
        assert_ne!(mirrored(landmarks, 320), landmarks);
    }
}
