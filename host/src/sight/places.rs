//! Boxes and points in pixels of a frame, as the host compares them with marks. Whole numbers are pixels' centres.

use vision::{Points, Rect};

use crate::bounds::least_trials;

/// Left, top, right, bottom.
pub type Bounds = [f32; 4];
/// Left eye, right eye, nose tip, left and right mouth corner, each `[x, y]`, left and right as seen.
pub type Landmarks = [[f32; 2]; 5];

fn pixels(place: i32) -> f32 {
    place as f32 / 256.0
}

/// A rectangle of a board in pixels.
pub fn bounds(rect: &Rect) -> Bounds {
    [rect.left, rect.top, rect.right, rect.bottom].map(pixels)
}

/// Landmarks of a board in pixels.
pub fn landmarks(points: &Points) -> Landmarks {
    points.map(|point| [point.x, point.y].map(pixels))
}

/// The part of their union that two boxes share, 0 to 1.
pub fn overlap(a: Bounds, b: Bounds) -> f32 {
    let area = |[left, top, right, bottom]: Bounds| (right - left).max(0.0) * (bottom - top).max(0.0);
    let both = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    both / (area(a) + area(b) - both).max(f32::MIN_POSITIVE)
}

/// Boxes that share more than this part of their union show one face, as on boards.
const SAME: f32 = 0.4;

/// Whether two boxes show one face.
pub fn is_same(a: Bounds, b: Bounds) -> bool {
    overlap(a, b) > SAME
}

/// Whether a point lies in a box.
pub fn holds([left, top, right, bottom]: Bounds, [x, y]: [f32; 2]) -> bool {
    (left..=right).contains(&x) && (top..=bottom).contains(&y)
}

/// Distance of two points.
pub fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The mean of five points.
pub fn middle(points: &Landmarks) -> [f32; 2] {
    [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / 5.0)
}

/// Mean distance of points from those that they should be, in distances between the eyes of the latter.
pub fn error(points: &Landmarks, expected: &Landmarks) -> f32 {
    let sum: f32 = points.iter().zip(expected).map(|(&a, &b)| distance(a, b)).sum();
    sum / (5.0 * distance(expected[0], expected[1]).max(f32::MIN_POSITIVE))
}

/// The fewest values that determine the percentile of a share: one of them lies beyond it. One value has a least, a middle and a
/// largest.
fn fewest(share: f64) -> usize {
    let beyond = share.min(1.0 - share);
    let is_known_of_one = beyond <= 0.0 || beyond == 0.5;
    if is_known_of_one { 1 } else { least_trials(beyond) }
}

/// The value below which this share of the values lies; `None` of too few values to determine it: a share of 0.9 needs ten, one of
/// 0.05 needs 20.
pub fn percentile(mut values: Vec<f32>, share: f64) -> Option<f32> {
    if values.len() < fewest(share) {
        return None;
    }
    values.sort_by(f32::total_cmp);
    values.get((values.len().saturating_sub(1) as f64 * share).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_a_share_of_the_union() {
        assert_eq!(overlap([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]), 2.0 / 6.0);
        assert_eq!(overlap([0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 3.0, 3.0]), 0.0);
        assert_eq!(overlap([0.0; 4], [0.0; 4]), 0.0);
    }

    #[test]
    fn boxes_that_share_more_than_two_fifths_show_one_face() {
        let side = |width: f32| [0.0, 0.0, width, 10.0];
        assert!(is_same(side(10.0), side(4.1)) && !is_same(side(10.0), side(3.9)));
    }

    #[test]
    fn error_is_in_distances_between_the_eyes() {
        let expected = [[0.0, 0.0], [10.0, 0.0], [5.0, 5.0], [2.0, 9.0], [8.0, 9.0]];
        let moved = expected.map(|[x, y]| [x + 3.0, y + 4.0]);
        assert!((error(&moved, &expected) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn percentile_is_a_value() {
        assert_eq!(percentile(vec![], 0.5), None);
        assert_eq!(percentile(vec![3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile((0..11).map(|x| x as f32).collect(), 0.9), Some(9.0));
    }

    #[test]
    fn percentile_that_too_few_values_determine_is_not_given() {
        let of = |count: u8, share: f64| percentile((0..count).map(f32::from).collect(), share);
        assert_eq!((of(1, 0.9), of(9, 0.9), of(10, 0.9)), (None, None, Some(8.0)));
        assert_eq!((of(19, 0.05), of(20, 0.05)), (None, Some(1.0)));
        assert_eq!((of(1, 0.0), of(1, 0.5), of(1, 1.0)), (Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!(of(0, 1.0), None);
    }
}
