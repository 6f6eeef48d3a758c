//! The photo check: a network's score for a live face, from one picture.
//!
//! One colour picture tells little: a good print or a good screen passes. See the book on what it does not stop.

use format::network::Model;
use format::sight::Sight;
use nn::Outputs;
use vision::{Frame, Rect};

use crate::fixed::exp_q16;
use crate::grid::{self, Facts, Grid};

/// Most classes of the network.
const MAX_CLASSES: usize = 8;

/// Number of classes, if the network gives classes.
fn classes(model: &Model<'_>) -> Option<usize> {
    let Facts { cells, channels } = grid::facts(model, 0)?;
    (model.outputs().count() == 1)
        .then_some(cells * channels)
        .filter(|count| (2..=MAX_CLASSES).contains(count))
}

/// Whether a network gives classes of which one is `live`.
pub(crate) fn fits(model: &Model<'_>, sight: &Sight) -> bool {
    classes(model).is_some_and(|count| usize::from(sight.live) < count)
}

/// The part of the frame that the network sees of a face: `span` times as wide and high as its box, with the same
/// proportions, moved and reduced to lie inside the frame (minivision-ai, Silent-Face-Anti-Spoofing, `CropImage`).
pub(crate) fn part(frame: &Frame<'_>, bounds: &Rect, sight: &Sight) -> Rect {
    let sides = [frame.width(), frame.height()].map(|side| i64::from(side) << 8);
    let [width, height] = [(bounds.left, bounds.right), (bounds.top, bounds.bottom)]
        .map(|(low, high)| i64::from(high - low).max(256));
    // In 1/256.
    let span = i64::from(sight.span).min((sides[0] << 8) / width).min((sides[1] << 8) / height);
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
pub(crate) fn score(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight) -> u16 {
    let count = classes(model).unwrap_or(0).min(MAX_CLASSES);
    let grid = Grid::new(model, outputs, 0, count.max(1));
    let mut values = [0; MAX_CLASSES];
    let values = &mut values[..count];
    for (class, value) in values.iter_mut().enumerate() {
        *value = grid.value_q16(0, class);
    }
    let largest = values.iter().copied().max().unwrap_or(0);
    let power = |value: i32| u64::from(exp_q16(value.saturating_sub(largest)));
    let sum: u64 = values.iter().map(|&value| power(value)).sum();
    let live = values.get(usize::from(sight.live)).map_or(0, |&value| power(value));
    ((live << 16) / sum.max(1)).min(u16::MAX.into()) as u16
}
