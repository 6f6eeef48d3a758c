//! The kernels' contract: one probe against many centres, and the choice of a kernel set.
//!
//! A set has a type `Probe`, made from the probe's [`Elements`], with one function: it finds the first of some centres
//! whose inner product with the probe is above a bound. Centres that are no nearer than the nearest seen so far are
//! skipped there.
//!
//! A set has an answer for every length. Centres whose shape a fast loop does not take go to a loop that takes any.

use core::num::NonZeroUsize;

use crate::dot::MAX_DIMENSION;

/// Asserts the offsets of a record's fields on the target, and its size.
#[cfg(any(arm_dsp, arm_helium))]
macro_rules! assert_layout {
    ($type:ty, $size:literal, $($field:ident: $offset:literal),+) => {
        const _: () = {
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)+
            assert!(size_of::<$type>() == $size);
        };
    };
}
#[cfg(any(arm_dsp, arm_helium))]
use assert_layout;

pub mod dsp;
pub mod helium;
pub mod portable;

#[cfg(arm_dsp)]
use dsp as set;
#[cfg(arm_helium)]
use helium as set;
#[cfg(not(any(arm_dsp, arm_helium)))]
use portable as set;

pub use set::Probe;

/// Elements of a probe, 1 to [`MAX_DIMENSION`].
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    elements: &'a [i16],
    dimension: NonZeroUsize,
}

impl<'a> Elements<'a> {
    /// These elements; `None` if there are none, or more than [`MAX_DIMENSION`].
    pub fn new_checked(elements: &'a [i16]) -> Option<Self> {
        let dimension = NonZeroUsize::new(elements.len()).filter(|count| count.get() <= MAX_DIMENSION)?;
        Some(Elements { elements, dimension })
    }

    /// The elements.
    pub fn as_slice(&self) -> &'a [i16] {
        self.elements
    }

    /// Their number.
    pub fn dimension(&self) -> NonZeroUsize {
        self.dimension
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_finds_the_same_beside_a_part_of_a_centre() {
        #[repr(align(16))]
        struct Aligned([i8; 32 * 9 + 31]);
        let centres = Aligned(core::array::from_fn(|place| (place * 89 % 255) as i8));
        let probe: [i16; 32] = core::array::from_fn(|place| (place * 31) as i16 - 500);
        let probe = Elements::new_checked(&probe).unwrap();
        // Whole centres, and a part of one more.
        for count in 0..centres.0.len() {
            let centres = &centres.0[..count];
            for bound in [i32::MIN, 0, 200_000, i32::MAX] {
                let found = portable::Probe::new(probe).first_above(centres, bound);
                assert_eq!(dsp::Probe::new(probe).first_above(centres, bound), found, "{count} {bound}");
                assert_eq!(helium::Probe::new(probe).first_above(centres, bound), found, "{count} {bound}");
            }
        }
    }

    #[test]
    fn probes_have_one_element_to_the_most() {
        for (count, expected) in [(0, None), (1, Some(1)), (512, Some(512)), (513, None)] {
            let elements = [7; 513];
            let checked = Elements::new_checked(&elements[..count]);
            assert_eq!(checked.map(|checked| checked.dimension().get()), expected);
            assert_eq!(checked.map(|checked| checked.as_slice().len()), expected);
        }
    }
}
