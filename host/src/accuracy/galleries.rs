//! Galleries drawn from the people enrolled.

/// Gallery sizes, in addition to all enrolled people.
const SIZES: [usize; 3] = [1, 10, 50];

/// Number of galleries drawn of each size.
const GALLERIES: usize = 24;

/// Galleries of several sizes drawn from `all` people, and finally everybody.
pub(super) fn of_sizes(all: usize) -> Vec<Vec<Vec<usize>>> {
    let sizes = SIZES.into_iter().filter(|&size| size < all).chain([all]);
    let count = |size| if size == all { 1 } else { GALLERIES as u64 };
    sizes.map(|size| (0..count(size)).map(|seed| draw(all, size, seed + 1)).collect()).collect()
}

/// The people of a gallery drawn from `all`, ascending; the same seed gives the same gallery.
fn draw(all: usize, size: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..all).collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for place in 0..size.min(all) {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let other = place + ((state >> 33) as usize) % (all - place);
        numbers.swap(place, other);
    }
    numbers.truncate(size);
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_last_and_smaller_galleries_before() {
        let sizes = |all| of_sizes(all).iter().map(|drawn| (drawn.len(), drawn[0].len())).collect::<Vec<_>>();
        assert_eq!(sizes(20), [(GALLERIES, 1), (GALLERIES, 10), (1, 20)]);
        assert_eq!(sizes(1), [(1, 1)]);
    }

    #[test]
    fn galleries_are_drawn_without_repetition_and_again_the_same() {
        let gallery = draw(183, 50, 7);
        assert_eq!(gallery, draw(183, 50, 7));
        assert_ne!(gallery, draw(183, 50, 8));
        assert!(gallery.len() == 50 && gallery.is_sorted_by(|a, b| a < b));
        assert_eq!(draw(5, 5, 1), [0, 1, 2, 3, 4]);
    }
}
