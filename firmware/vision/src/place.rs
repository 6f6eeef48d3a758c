//! Places and rectangles in a frame.

/// A place in 1/256 pixel. Whole pixels are pixels' centres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// Five landmarks of a face: left eye, right eye, tip of the nose, left and right corner of the mouth, left and right as
/// seen.
pub type Points = [Point; 5];

/// A rectangle with upright sides, in 1/256 pixel. A whole frame is −128, −128, 256·width − 128, 256·height − 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left side.
    pub left: i32,
    /// Top side.
    pub top: i32,
    /// Right side. The rectangle is empty if it is not greater than the left side.
    pub right: i32,
    /// Bottom side. The rectangle is empty if it is not greater than the top side.
    pub bottom: i32,
}

impl Rect {
    /// Width in 1/256 pixel; zero if the right side is left of the left side.
    pub const fn width(&self) -> u32 {
        length(self.left, self.right)
    }

    /// Height in 1/256 pixel; zero if the bottom is above the top.
    pub const fn height(&self) -> u32 {
        length(self.top, self.bottom)
    }

    /// Area in 1/65536 of a pixel's area.
    pub const fn area(&self) -> u64 {
        self.width() as u64 * self.height() as u64
    }

    /// The middle, rounded down.
    pub const fn centre(&self) -> Point {
        Point { x: middle(self.left, self.right), y: middle(self.top, self.bottom) }
    }

    /// The part that lies in both rectangles; empty if there is none.
    pub fn intersection(&self, other: &Rect) -> Rect {
        Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Whether intersection over union is above `numerator / denominator`. Exact for all rectangles. Two empty
    /// rectangles do not overlap.
    pub fn overlaps_more_than(&self, other: &Rect, numerator: u16, denominator: u16) -> bool {
        // i / (a + b − i) > n / d, without the fraction and with sums only: i (d + n) > n a + n b.
        let both = self.intersection(other).area();
        let share = times(both, u32::from(numerator) + u32::from(denominator));
        let [high, low] = times(self.area(), numerator.into());
        let [other_high, other_low] = times(other.area(), numerator.into());
        let low = low + other_low;
        share > [high + other_high + (low >> 32), low & LOW]
    }
}

const LOW: u64 = (1 << 32) - 1;

/// A product in two parts: multiples of 2³², and the rest. The factor is below 2¹⁷, so the first part is below 2⁴⁹.
const fn times(area: u64, factor: u32) -> [u64; 2] {
    let low = (area & LOW) * factor as u64;
    [(area >> 32) * factor as u64 + (low >> 32), low & LOW]
}

const fn middle(from: i32, to: i32) -> i32 {
    ((from as i64 + to as i64) >> 1) as i32
}

const fn length(from: i32, to: i32) -> u32 {
    if to > from { to.wrapping_sub(from) as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Rect = Rect { left: i32::MIN, top: i32::MIN, right: i32::MAX, bottom: i32::MAX };

    #[test]
    fn measures_of_rectangles() {
        let rect = Rect { left: -128, top: -128, right: 384, bottom: 128 };
        assert_eq!((rect.width(), rect.height(), rect.area()), (512, 256, 1 << 17));
        assert_eq!(rect.centre(), Point { x: 128, y: 0 });
        assert_eq!((ALL.width(), ALL.area()), (u32::MAX, u64::from(u32::MAX).pow(2)));
        assert_eq!(ALL.centre(), Point { x: -1, y: -1 });
        let inverted = Rect { left: 5, right: 4, top: 0, bottom: 9 };
        assert_eq!((inverted.width(), inverted.height(), inverted.area()), (0, 9, 0));
    }

    #[test]
    fn overlap_is_compared_strictly() {
        let a = Rect { left: 0, top: 0, right: 100, bottom: 100 };
        // 5000 of 10000 + 10000 − 5000.
        let b = Rect { left: 50, right: 150, ..a };
        assert!(!a.overlaps_more_than(&b, 1, 3) && a.overlaps_more_than(&b, 333, 1000));
        assert!(a.overlaps_more_than(&a, 99, 100) && !a.overlaps_more_than(&a, 1, 1));
        let apart = Rect { left: 100, right: 200, ..a };
        assert!(!a.overlaps_more_than(&apart, 0, 1));
        assert!(ALL.overlaps_more_than(&ALL, u16::MAX - 1, u16::MAX) && !ALL.overlaps_more_than(&ALL, 1, 1));
        let empty = Rect::default();
        assert!(!empty.overlaps_more_than(&empty, 0, 1));
    }

    fn rect() -> impl Strategy<Value = Rect> {
        let side = || prop_oneof![any::<i32>(), -2000..2000, Just(i32::MIN), Just(i32::MAX)];
        [side(), side(), side(), side()].prop_map(|[left, top, right, bottom]| Rect {
            left,
            top,
            right,
            bottom,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn overlap_equals_its_definition(a in rect(), b in rect(), n in any::<u16>(), d in any::<u16>()) {
            let both = u128::from(a.intersection(&b).area());
            let either = u128::from(a.area()) + u128::from(b.area()) - both;
            prop_assert_eq!(a.overlaps_more_than(&b, n, d), both * u128::from(d) > either * u128::from(n));
            prop_assert_eq!(b.overlaps_more_than(&a, n, d), a.overlaps_more_than(&b, n, d));
        }
    }
}
