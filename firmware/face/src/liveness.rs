//! The photo check: a network's score for a live face, from one picture.
//!
//! One colour picture tells little: a good print or a good screen passes. See the book on what it does not stop.

use format::network::{Function, Model};
use format::sight::Sight;
use nn::Outputs;
use vision::{Frame, Rect};

use crate::fixed::exp_q16;
use crate::grid::{self, Grid};

/// Most classes of the network.
const MAX_CLASSES: usize = 8;

/// Number of classes, if the network gives classes.
fn classes(model: &Model<'_>) -> Option<usize> {
    let facts = grid::facts(model, 0).filter(|facts| facts.function == Function::Identity)?;
    (model.outputs().count() == 1)
        .then_some(facts.elements())
        .filter(|count| (2..=MAX_CLASSES).contains(count))
}

/// Whether a network gives classes of which one is `live`.
pub(crate) fn fits(model: &Model<'_>, sight: &Sight) -> bool {
    classes(model).is_some_and(|count| usize::from(sight.live) < count)
}

/// The part of the frame that the network sees of a face: `sight.span_q8` / 256 times as wide and high as its box, with the same
/// proportions, moved and reduced to lie inside the frame (minivision-ai, Silent-Face-Anti-Spoofing, `CropImage`).
pub fn part(frame: &Frame<'_>, bounds: &Rect, sight: &Sight) -> Rect {
    let sides = [frame.width(), frame.height()].map(|side| i64::from(side) << 8);
    let [width, height] = [(bounds.left, bounds.right), (bounds.top, bounds.bottom)]
        .map(|(low, high)| (i64::from(high) - i64::from(low)).max(256));
    // In 1/256.
    let span =
        i64::from(sight.span_q8).min((sides[0] << 8) / width.max(1)).min((sides[1] << 8) / height.max(1));
    let range = |axis: usize, low: i32, high: i32, side: i64| {
        let half = (side * span) >> 9;
        let centre = (i64::from(low) + i64::from(high)) >> 1;
        // The centre of the first pixel is at 0, its corner half a pixel before.
        let [first, last] = [-128 + half, sides[axis] - 128 - half];
        let centre = centre.clamp(first, last.max(first));
        [(centre - half) as i32, (centre + half) as i32]
    };
    let [left, right] = range(0, bounds.left, bounds.right, width);
    let [top, bottom] = range(1, bounds.top, bounds.bottom, height);
    Rect { left, top, right, bottom }
}

/// The softmax of the live class, 0 to 1 in 1/65536.
pub(crate) fn score_q16(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight) -> u16 {
    let count = classes(model).unwrap_or(0).min(MAX_CLASSES);
    let grid = Grid::new(model, outputs, 0, count.max(1));
    let mut values = [0; MAX_CLASSES];
    let values = values.get_mut(..count).unwrap_or_default();
    for (class, value) in values.iter_mut().enumerate() {
        *value = grid.value_q16(0, class);
    }
    let largest = values.iter().copied().max().unwrap_or(0);
    let power = |value: i32| u64::from(exp_q16(value.saturating_sub(largest)));
    let sum: u64 = values.iter().map(|&value| power(value)).sum();
    let live = values.get(usize::from(sight.live)).map_or(0, |&value| power(value));
    ((live << 16) / sum.max(1)).min(u16::MAX.into()) as u16
}

#[cfg(test)]
mod tests {
    use format::PixelFormat;

    use super::*;

    /// The part of a grey frame of 320 × 240 pixels, in pixels from the corner of the first one.
    fn part_of(bounds: [i32; 4], span_q8: u16) -> [i32; 4] {
        let pixels = std::vec![0; 320 * 240];
        let frame = Frame::new_checked(&pixels, 320, 240, 320, PixelFormat::Grey).unwrap();
        let [left, top, right, bottom] = bounds.map(|place| place * 256 - 128);
        let sight = Sight { span_q8, ..Sight::default() };
        let Rect { left, top, right, bottom } = part(&frame, &Rect { left, top, right, bottom }, &sight);
        [left, top, right, bottom].map(|place| {
            assert_eq!((place + 128) % 256, 0);
            (place + 128) / 256
        })
    }

    #[test]
    fn part_is_span_times_the_box_around_its_middle() {
        assert_eq!(part_of([120, 100, 160, 150], 512), [100, 75, 180, 175]);
    }

    #[test]
    fn part_is_moved_into_the_frame() {
        assert_eq!(part_of([0, 0, 40, 50], 512), [0, 0, 80, 100]);
        assert_eq!(part_of([280, 190, 320, 240], 512), [240, 140, 320, 240]);
        // Boxes that reach beyond the frame, or lie outside.
        assert_eq!(part_of([-20, 100, 20, 150], 512), [0, 75, 80, 175]);
        assert_eq!(part_of([400, 300, 440, 350], 512), [240, 140, 320, 240]);
    }

    #[test]
    fn part_is_reduced_to_the_frame() {
        // Twice the box would be 320 high: 240 is one and a half times it.
        assert_eq!(part_of([100, 40, 180, 200], 512), [80, 0, 200, 240]);
        assert_eq!(part_of([0, 0, 320, 240], 1024), [0, 0, 320, 240]);
    }

    #[test]
    fn no_box_overflows() {
        let pixels = [0; 4];
        let frame = Frame::new_checked(&pixels, 2, 2, 2, PixelFormat::Grey).unwrap();
        let far = [i32::MIN, -1, 0, 1, i32::MAX];
        for (left, right) in far.into_iter().flat_map(|low| far.map(|high| (low, high))) {
            let bounds = Rect { left, top: right, right, bottom: left };
            let Rect { left, right, .. } =
                part(&frame, &bounds, &Sight { span_q8: 2048, ..Sight::default() });
            assert!(-128 <= left && left <= right && right <= 384, "{left} {right}");
        }
    }
}
