//! Pictures that networks see of a frame, and places in them.

use format::preprocess::Preprocess;
use vision::{Frame, Point, Points, Rect, Resize, Similarity, Warp};

/// Places count as at most this far from the frame's origin, in 1/256 pixel.
pub(crate) const FARTHEST: i32 = 1 << 28;

/// A place, limited to [`FARTHEST`].
pub(crate) fn bounded(place: i64) -> i32 {
    place.clamp(-i64::from(FARTHEST), FARTHEST.into()) as i32
}

/// The least rectangle of the proportions `[width, height]` that has a part in its middle: a detector's picture of that
/// size shows the part so.
pub fn around(part: &Rect, [width, height]: [u16; 2]) -> Rect {
    let [wide, high] = [(part.left, part.right), (part.top, part.bottom)]
        .map(|(low, high)| i64::from(high) - i64::from(low));
    let [width, height] = [width, height].map(i64::from);
    let [more, below] = match wide * height >= high * width {
        true => [0, wide * height / width.max(1) - high],
        false => [high * width / height.max(1) - wide, 0],
    };
    let range = |low: i32, side: i64, more: i64| {
        let start = i64::from(low) - (more >> 1);
        [start, start + side + more].map(bounded)
    };
    let [left, right] = range(part.left, wide, more);
    let [top, bottom] = range(part.top, high, below);
    Rect { left, top, right, bottom }
}

/// A network's picture of a part of a frame.
pub fn view<'f>(frame: &Frame<'f>, part: Rect, input: &Preprocess) -> Resize<'f> {
    Resize::new(*frame, &part, [input.width, input.height], input.colour)
}

/// A detector's picture of a part of a frame.
pub fn detector_view<'f>(frame: &Frame<'f>, part: &Rect, input: &Preprocess) -> Resize<'f> {
    view(frame, around(part, [input.width, input.height]), input)
}

/// From the crop of a face for an embedder to the frame; `None` when the landmarks cannot belong to a face.
pub fn upright(points: &Points, input: &Preprocess) -> Option<Similarity> {
    let template = input.template.map(|place| {
        let [x, y] = place.map(|place| i32::from(place) << 2);
        Point { x, y }
    });
    Similarity::to_frame(points, &template, [input.width, input.height])
}

/// The crop of a face for an embedder, as a source of rows; `None` when the landmarks cannot belong to a face.
pub fn crop<'f>(frame: &Frame<'f>, points: &Points, input: &Preprocess) -> Option<Warp<'f>> {
    let size = [input.width, input.height];
    Some(Warp::new(*frame, &upright(points, input)?, size, input.colour, false))
}

/// From a detector's picture to the frame.
pub(crate) struct Shown<'a> {
    part: &'a Rect,
    /// Frame pixels for each pixel of the picture, in 1/65536.
    step_q16: [i64; 2],
}

impl<'a> Shown<'a> {
    /// A picture of `[width, height]` that shows a part of the frame. Its sides count as [`bounded`].
    pub fn new(part: &'a Rect, [width, height]: [u16; 2]) -> Self {
        let step = |low: i32, high: i32, side: u16| {
            let [low, high] = [low, high].map(|place| i64::from(bounded(place.into())));
            ((high - low) << 8) / i64::from(side.max(1))
        };
        let step_q16 = [step(part.left, part.right, width), step(part.top, part.bottom, height)];
        Shown { part, step_q16 }
    }

    /// A place in the frame, in 1/256 pixel. `place` is in 1/256 pixel of the picture, counted from the corner of its
    /// first pixel.
    pub fn place(&self, place: [i64; 2]) -> [i32; 2] {
        let start = [self.part.left, self.part.top];
        core::array::from_fn(|axis| {
            let place = place[axis].clamp(-(1 << 24), 1 << 24);
            let moved = (place * self.step_q16[axis] + (1 << 15)) >> 16;
            bounded(i64::from(start[axis]) + moved)
        })
    }

    /// A box in the frame: left, top, right, bottom.
    pub fn rect(&self, [left, top, right, bottom]: [i64; 4]) -> Rect {
        let [left, top] = self.place([left, top]);
        let [right, bottom] = self.place([right, bottom]);
        Rect { left, top, right, bottom }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn picture_shows_the_part_in_its_middle() {
        // A frame of 320 × 240 pixels in a picture of the same proportions, in a wide and in a tall one.
        let frame = Rect { left: -128, top: -128, right: 320 * 256 - 128, bottom: 240 * 256 - 128 };
        assert_eq!(around(&frame, [160, 120]), frame);
        let (left, right) = (-128 - 80 * 256, 400 * 256 - 128);
        assert_eq!(around(&frame, [160, 80]), Rect { left, right, ..frame });
        let (top, bottom) = (-128 - 40 * 256, 280 * 256 - 128);
        assert_eq!(around(&frame, [96, 96]), Rect { top, bottom, ..frame });
    }

    #[test]
    fn corners_of_a_picture_are_those_of_its_part() {
        let part = Rect { left: -1000, top: 20, right: 5000, bottom: 4020 };
        let shown = Shown::new(&part, [60, 40]);
        assert_eq!(shown.rect([0, 0, 60 * 256, 40 * 256]), part);
        assert_eq!(shown.place([30 * 256, 20 * 256]), [2000, 2020]);
    }

    proptest! {
        #[test]
        fn nothing_overflows(sides in prop::array::uniform4(prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)]),
                             size in [1u16..=8192, 1u16..=8192], place in any::<[i64; 2]>()) {
            let [left, top, right, bottom] = sides;
            let part = Rect { left, top, right, bottom };
            let around = around(&part, size);
            for part in [part, around] {
                let found = Shown::new(&part, size).place(place);
                prop_assert!(found.iter().all(|place| place.unsigned_abs() <= FARTHEST.unsigned_abs()));
            }
        }

        #[test]
        fn picture_has_its_proportions(left in -9000i32..9000, top in -9000i32..9000, wide in 256i32..1 << 21,
                                       high in 256i32..1 << 21, size in [16u16..=640, 16u16..=640]) {
            let part = Rect { left, top, right: left + wide, bottom: top + high };
            let around = around(&part, size);
            prop_assert_eq!(around.intersection(&part), part);
            let exact = f64::from(around.width()) / f64::from(around.height());
            let asked = f64::from(size[0]) / f64::from(size[1]);
            let step = 1.0 / f64::from(around.width().min(around.height()));
            prop_assert!((exact / asked - 1.0).abs() <= step, "{around:?}");
        }
    }
}
