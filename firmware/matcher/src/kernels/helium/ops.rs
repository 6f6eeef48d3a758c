//! The loop over centres: assembly on the target, its arithmetic elsewhere, so that the kernels can be tested on any machine.
//! The assembly is in `asm`.
#![allow(unsafe_code)]

#[cfg(arm_helium)]
use super::asm;

/// Elements that the loop multiplies before it checks whether the centre has more.
pub type Block<T> = [T; 32];

/// The loop does not take centres of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// The first of `centres` whose product with the probe is above `bound`: its number and the product. A centre has as
/// many blocks as the probe, 1 to 16. The number of centres is a multiple of four, perhaps zero.
///
/// # Errors
/// [`Misfit`] when lengths do not agree. Nothing was read then.
pub fn first_above(
    probe: &[Block<i16>],
    centres: &[Block<i8>],
    bound: i32,
) -> Result<Option<(usize, i32)>, Misfit> {
    let blocks = probe.len();
    if !(1..=16).contains(&blocks) || !centres.len().is_multiple_of(4 * blocks) {
        return Err(Misfit);
    }
    #[cfg(arm_helium)]
    {
        if centres.is_empty() {
            return Ok(None);
        }
        let job = asm::Job {
            centres: centres.as_ptr(),
            probe: probe.as_ptr(),
            dimension: blocks * size_of::<Block<i8>>(),
            bound,
            fours: centres.len() / (4 * blocks),
            blocks,
        };
        // SAFETY: the lengths were checked, and the loop reads within them.
        let stop = unsafe { asm::first_above(&job) };
        let (dot, past) = (stop as i32, (stop >> 32) as usize);
        Ok((dot > bound).then(|| ((past - centres.as_ptr() as usize) / job.dimension - 1, dot)))
    }
    #[cfg(not(arm_helium))]
    {
        let dot = |centre: &[Block<i8>]| {
            let elements = centre.as_flattened().iter().zip(probe.as_flattened());
            elements.fold(0, |sum: i32, (&c, &p)| sum.wrapping_add(i32::from(c) * i32::from(p)))
        };
        Ok(centres.chunks_exact(blocks).map(dot).enumerate().find(|&(_, dot)| dot > bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_the_loop_does_not_take_are_refused() {
        let (probe, centres) = ([[1; 32]; 17], [[1; 32]; 17 * 4]);
        assert_eq!(first_above(&probe[..16], &centres[..64], 0), Ok(Some((0, 512))));
        assert_eq!(first_above(&probe[..1], &[], 0), Ok(None));
        assert_eq!(first_above(&probe, &centres, 0), Err(Misfit));
        assert_eq!(first_above(&[], &[], 0), Err(Misfit));
        // Three centres, and four with a block more.
        assert_eq!(first_above(&probe[..2], &centres[..6], 0), Err(Misfit));
        assert_eq!(first_above(&probe[..2], &centres[..9], 0), Err(Misfit));
    }
}
