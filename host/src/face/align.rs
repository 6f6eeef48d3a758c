//! Alignment: the similarity transform that puts a face's landmarks where the network expects them, and the crop.

use image::{Rgb, RgbImage, imageops};

use crate::photo::resize::{Filter, resized};

/// A similarity transform of the plane: `[x, y]` to `[a x − b y + tx, b x + a y + ty]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// Cosine of the rotation times the scale.
    pub a: f32,
    /// Sine of the rotation times the scale.
    pub b: f32,
    /// Image of the origin.
    pub t: [f32; 2],
}

impl Transform {
    /// The transform that brings points nearest to others in least squares (Umeyama 1991, two dimensions without
    /// reflection).
    /// `None` when all points are the same.
    pub fn between<const N: usize>(from: &[[f32; 2]; N], to: &[[f32; 2]; N]) -> Option<Self> {
        let mean = |points: &[[f32; 2]; N]| -> [f32; 2] {
            std::array::from_fn(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / N as f32)
        };
        let (centre_from, centre_to) = (mean(from), mean(to));
        let (mut dot, mut cross, mut square) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [px, py] = [p[0] - centre_from[0], p[1] - centre_from[1]];
            let [qx, qy] = [q[0] - centre_to[0], q[1] - centre_to[1]];
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            square += px * px + py * py;
        }
        let (a, b) = (dot / square, cross / square);
        let usable = a.is_finite() && b.is_finite() && a.hypot(b) > 0.0;
        usable.then(|| {
            let [x, y] = centre_from;
            Transform { a, b, t: [centre_to[0] - (a * x - b * y), centre_to[1] - (b * x + a * y)] }
        })
    }

    /// Image of a point.
    pub fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.a * x - self.b * y + self.t[0], self.b * x + self.a * y + self.t[1]]
    }

    /// The inverse transform.
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        let [x, y] = self.t;
        Transform { a, b, t: [-(a * x - b * y), -(b * x + a * y)] }
    }

    /// Factor by which distances grow.
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }
}

/// ArcFace's template in a crop of `width × height`: the template of 112 × 112 (Deng et al. 2019, reference
/// implementation), scaled by the smaller side and centred.
pub fn template(width: usize, height: usize) -> [[f32; 2]; 5] {
    const POINTS: [[f32; 2]; 5] =
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];
    let scale = width.min(height) as f32 / 112.0;
    let shift = [width, height].map(|side| (side as f32 - 112.0 * scale) / 2.0);
    POINTS.map(|[x, y]| [x * scale + shift[0], y * scale + shift[1]])
}

/// The crop of `width × height` in which landmarks lie at `template`. Places outside the photo are black. `None` if
/// the landmarks are all in one place.
pub fn crop(
    photo: &RgbImage,
    landmarks: &[[f32; 2]; 5],
    template: &[[f32; 2]; 5],
    size: [u32; 2],
) -> Option<RgbImage> {
    Some(warp(photo, &Transform::between(landmarks, template)?, size))
}

/// The picture of `width × height` into which `to` transforms a photo. Places outside the photo are black.
pub fn warp(photo: &RgbImage, to: &Transform, [width, height]: [u32; 2]) -> RgbImage {
    let back = to.inverse();
    // A photo with more pixels than the picture is reduced first. Otherwise the picture would show single pixels of
    // it.
    let step = back.scale();
    let corners = [[0, 0], [width, 0], [0, height], [width, height]];
    let corners = corners.map(|corner| back.apply(corner.map(|x| x as f32 - 0.5)));
    let range = |axis: usize, side: u32| {
        let (low, high) = corners.iter().fold((f32::MAX, f32::MIN), |(low, high), corner| {
            (low.min(corner[axis]), high.max(corner[axis]))
        });
        let border = 2.0 * step.max(1.0);
        let [low, high] =
            [(low - border).floor(), (high + border).ceil()].map(|x| x.clamp(0.0, side as f32) as u32);
        (low, high)
    };
    let ((left, right), (top, bottom)) = (range(0, photo.width()), range(1, photo.height()));
    if left >= right || top >= bottom {
        return RgbImage::new(width, height);
    }
    let region = imageops::crop_imm(photo, left, top, right - left, bottom - top).to_image();
    let shrunk = |side: u32| if step > 1.0 { ((side as f32 / step).round() as u32).max(1) } else { side };
    let size = [shrunk(region.width()), shrunk(region.height())];
    let ratio = [size[0] as f32 / region.width() as f32, size[1] as f32 / region.height() as f32];
    let region = match step > 1.0 {
        true => resized(&region, size, Filter::Triangle),
        false => region,
    };
    RgbImage::from_fn(width, height, |x, y| {
        let [x, y] = back.apply([x as f32, y as f32]);
        sample(&region, [(x - left as f32 + 0.5) * ratio[0] - 0.5, (y - top as f32 + 0.5) * ratio[1] - 0.5])
    })
}

/// Bilinear interpolation between the centres of pixels. Black outside the area of pixels.
pub fn sample(photo: &RgbImage, at: [f32; 2]) -> Rgb<u8> {
    let (width, height) = photo.dimensions();
    let near = [(at[0], width), (at[1], height)].map(|(at, side)| {
        let side = side as f32;
        if !(-0.5..=side - 0.5).contains(&at) {
            return None;
        }
        // Without `floor` and `round`, which are functions of the system's library: this runs for every pixel of every face.
        let truncated = at as i32;
        let low = truncated - i32::from(truncated as f32 > at);
        Some((low, at - low as f32))
    });
    let [Some((x, x_share)), Some((y, y_share))] = near else { return Rgb([0; 3]) };
    let columns = [x.max(0) as u32, (x + 1).min(width as i32 - 1) as u32];
    let [[a, b], [c, d]] = [y.max(0) as u32, (y + 1).min(height as i32 - 1) as u32]
        .map(|row| columns.map(|column| photo.get_pixel(column, row).0.map(f32::from)));
    Rgb(std::array::from_fn(|channel| {
        let top = a[channel] + (b[channel] - a[channel]) * x_share;
        let bottom = c[channel] + (d[channel] - c[channel]) * x_share;
        rounded(top + (bottom - top) * y_share)
    }))
}

/// A value rounded to the nearest integer, halves upwards, and clamped to 0 … 255.
fn rounded(value: f32) -> u8 {
    let whole = value as u8;
    whole.saturating_add(u8::from(value - f32::from(whole) >= 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [[f32; 2]; 5] = [[10.0, 12.0], [30.0, 11.0], [20.0, 22.0], [13.0, 33.0], [28.0, 32.0]];

    fn near(a: [f32; 2], b: [f32; 2]) -> bool {
        (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-3
    }

    #[test]
    fn places_between_pixels_are_interpolated_and_rounded() {
        let photo = RgbImage::from_fn(5, 4, |x, y| {
            Rgb([(50 * x + 3 * y) as u8, (61 * y + x) as u8, (x * y * 20) as u8])
        });
        let nearest = |at: f32, side: u32| (at.clamp(0.0, side as f32 - 1.0)) as u32;
        for step in 0..60 * 50 {
            let at = [(step % 60) as f32 * 0.1 - 0.6, (step / 60) as f32 * 0.1 - 0.6];
            let is_inside = (-0.5..=4.5).contains(&at[0]) && (-0.5..=3.5).contains(&at[1]);
            let low = at.map(f32::floor);
            let share = [at[0] - low[0], at[1] - low[1]];
            let expected: [u8; 3] = std::array::from_fn(|channel| {
                let [top, bottom] = [0.0, 1.0].map(|down| {
                    let [a, b] = [0.0, 1.0].map(|right| {
                        let pixel = photo.get_pixel(nearest(low[0] + right, 5), nearest(low[1] + down, 4));
                        f32::from(pixel.0[channel])
                    });
                    a + (b - a) * share[0]
                });
                (top + (bottom - top) * share[1]).round().clamp(0.0, 255.0) as u8
            });
            assert_eq!(sample(&photo, at).0, if is_inside { expected } else { [0; 3] }, "{at:?}");
        }
    }

    #[test]
    fn values_are_rounded_as_by_the_library() {
        for thousandth in -2_000i32..258_000 {
            for value in [thousandth as f32 / 1_000.0, (thousandth as f32 / 1_000.0).next_down()] {
                assert_eq!(rounded(value), value.round().clamp(0.0, 255.0) as u8, "{value}");
            }
        }
    }

    #[test]
    fn a_similarity_is_found_again_and_inverted() {
        let made = Transform { a: 1.2, b: -0.7, t: [5.0, -3.0] };
        let found = Transform::between(&POINTS, &POINTS.map(|point| made.apply(point))).unwrap();
        for point in POINTS {
            assert!(near(found.apply(point), made.apply(point)));
            assert!(near(found.inverse().apply(found.apply(point)), point));
        }
    }

    #[test]
    fn landmarks_in_one_place_give_no_crop() {
        assert_eq!(Transform::between(&[[4.0, 4.0]; 5], &POINTS), None);
        assert_eq!(crop(&RgbImage::new(8, 8), &[[4.0, 4.0]; 5], &POINTS, [40, 40]), None);
    }

    #[test]
    fn a_face_in_place_is_cut_out_unchanged() {
        let photo = RgbImage::from_fn(60, 50, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 77]));
        let template = POINTS.map(|[x, y]| [x - 6.0, y - 4.0]);
        let cut = crop(&photo, &POINTS, &template, [40, 40]).unwrap();
        assert_eq!(cut, imageops::crop_imm(&photo, 6, 4, 40, 40).to_image());
    }

    #[test]
    fn a_large_photo_is_averaged_not_picked_from() {
        // Columns alternate between black and white. At an eighth of the size they are grey.
        let photo = RgbImage::from_fn(400, 400, |x, _| Rgb([if x % 2 == 0 { 0 } else { 255 }; 3]));
        let landmarks = POINTS.map(|point| point.map(|x| x * 8.0));
        let cut = crop(&photo, &landmarks, &POINTS, [44, 44]).unwrap();
        assert!(cut.pixels().all(|pixel| pixel.0.iter().all(|value| (100..156).contains(value))));
    }

    #[test]
    fn outside_of_the_photo_is_black() {
        let photo = RgbImage::from_pixel(40, 40, Rgb([200; 3]));
        let template = POINTS.map(|[x, y]| [x + 20.0, y]);
        let cut = crop(&photo, &POINTS, &template, [40, 40]).unwrap();
        assert_eq!(cut.get_pixel(5, 20), &Rgb([0; 3]));
        assert_eq!(cut.get_pixel(30, 20), &Rgb([200; 3]));
    }
}
