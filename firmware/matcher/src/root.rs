//! Real numbers, represented by their sign and their square.

use core::cmp::Ordering;

/// The real number `√square`, or `−√square` when negative.
///
/// Cosines have this form: `dot / √n` is irrational but has a rational square. Two of them, multiplied by a common
/// positive denominator, are compared exactly by sign and square. Zero has no sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root<T> {
    negative: bool,
    square: T,
}

impl<T: Ord + Default> Root<T> {
    /// The root of `square`, negated if `negative` (zero stays zero).
    pub fn new(negative: bool, square: T) -> Self {
        Root { negative: negative && square != T::default(), square }
    }
}

impl<T: Ord> Ord for Root<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.square.cmp(&other.square),
            (true, true) => other.square.cmp(&self.square),
        }
    }
}

impl<T: Ord> PartialOrd for Root<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_reals() {
        let ascending = [(true, 9), (true, 4), (false, 0), (false, 4), (false, 9)];
        let ascending = ascending.map(|(negative, square)| Root::<u32>::new(negative, square));
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j));
            }
        }
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(Root::<u32>::new(true, 0), Root::new(false, 0));
    }
}
