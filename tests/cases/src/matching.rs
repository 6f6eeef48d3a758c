//! Cases of the matcher's kernel: one probe against many centres.

use matcher::MAX_DIMENSION;

use crate::random::{Random, ends};
use crate::{Counts, Failure, Set, naive};

/// Most centres of a case: several groups of the size that kernels process together, and some more.
const CENTRES: usize = 11;
/// Offsets in bytes at which centres are not aligned to words and vectors.
const OFFSETS: usize = 5;

#[repr(align(16))]
struct Aligned([i8; MAX_DIMENSION * CENTRES + OFFSETS]);

/// Runs `cases` random cases. Even and odd cases choose the dimension in different ways. Centres lie at any address;
/// elements are random or extreme.
///
/// # Errors
/// The first case in which the kernel and the naive loop differ. Its element is the number of a centre.
pub fn run<S: Set>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let mut random = Random(0x6a09_e667);
    let mut probe = [0i16; MAX_DIMENSION];
    let mut centres = Aligned([0; MAX_DIMENSION * CENTRES + OFFSETS]);
    for case in 0..cases {
        // Kernels may treat whole blocks separately.
        let dimension = match case % 2 {
            0 => 1 + case as usize / 2 % MAX_DIMENSION,
            _ => 32 * (1 + random.below(MAX_DIMENSION / 32)),
        };
        let count = random.below(CENTRES + 1);
        let offset = if random.next().is_multiple_of(2) { 0 } else { random.below(OFFSETS) };
        let probe = &mut probe[..dimension];
        let centres = &mut centres.0[offset..][..dimension * count];
        match random.below(4) {
            // All elements are at the ends of their range, which gives the largest sums.
            0 => {
                probe.fill(if random.next().is_multiple_of(2) { i16::MIN } else { i16::MAX });
                centres.fill(if random.next().is_multiple_of(2) { -127 } else { 127 });
            }
            1 => {
                random.fill(probe, ends::<i16>());
                centres
                    .iter_mut()
                    .for_each(|centre| *centre = if random.next().is_multiple_of(2) { -127 } else { 127 });
            }
            _ => {
                random.fill(probe, ends::<i16>());
                random.fill(centres, [-127, 127]);
            }
        }
        let mut dots = [0; CENTRES];
        naive::dots(probe, centres, &mut dots[..count]);
        // The bound equals or nearly equals the product of some centre.
        let bound = match random.below(4) {
            0 => i32::MIN,
            1 => i32::MAX,
            _ => dots[random.below(count.max(1))] - random.below(2) as i32,
        };
        let expected = dots[..count].iter().position(|&dot| dot > bound);
        let found = S::first_above(probe, centres, bound);
        let is_same = found == expected.map(|number| (number, dots[number]));
        counts.add("first_above", case, (!is_same).then_some(expected.unwrap_or(count)))?;
    }
    Ok(())
}
