//! The loop over centres: assembly on the target, its arithmetic elsewhere, so that the kernels can be tested on any machine.
#![allow(unsafe_code)]

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
        let job = arm::Job {
            centres: centres.as_ptr(),
            probe: probe.as_ptr(),
            dimension: blocks * size_of::<Block<i8>>(),
            bound,
            fours: centres.len() / (4 * blocks),
            blocks,
        };
        // SAFETY: the lengths were checked, and the loop reads within them.
        let stop = unsafe { arm::first_above(&job) };
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

// Naked functions are assembled without the target's features, so each names the features that it needs.
#[cfg(arm_helium)]
mod arm {
    use core::arch::naked_asm;

    use super::Block;

    /// Arguments of the loop, which loads them in this order.
    #[repr(C)]
    pub struct Job {
        pub centres: *const Block<i8>,
        pub probe: *const Block<i16>,
        /// Bytes of a centre.
        pub dimension: usize,
        pub bound: i32,
        /// Number of centres, a multiple of four; not zero.
        pub fours: usize,
        /// Blocks of a centre; not zero.
        pub blocks: usize,
    }

    /// Stops at the first centre whose product is above the bound, or after the last. The lower word is that product,
    /// the upper word the address after its centre.
    ///
    /// r0, r2, r4, r6: sums; r1, r3, r5, r7: centres; r8–r12: the rest of the job.
    ///
    /// # Safety
    /// The conditions that [`super::first_above`] checks, and there must be a centre.
    #[unsafe(naked)]
    pub unsafe extern "C" fn first_above(job: &Job) -> u64 {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r11, lr}}",
            "ldm r0, {{r7-r12}}",
            "2:",
            "mov r1, r7",
            "add r3, r1, r9",
            "add r5, r3, r9",
            "add r7, r5, r9",
            "movs r0, #0",
            "movs r2, #0",
            "movs r4, #0",
            "movs r6, #0",
            "dls lr, r12",
            "3:",
            ".rept 4",
            "vldrh.u16 q0, [r8], #16",
            "vldrb.s16 q1, [r1], #8",
            "vmladava.s16 r0, q0, q1",
            "vldrb.s16 q2, [r3], #8",
            "vmladava.s16 r2, q0, q2",
            "vldrb.s16 q1, [r5], #8",
            "vmladava.s16 r4, q0, q1",
            "vldrb.s16 q2, [r7], #8",
            "vmladava.s16 r6, q0, q2",
            ".endr",
            "le lr, 3b",
            "sub r8, r8, r9, lsl #1",
            "cmp r0, r10",
            "bgt 4f",
            "cmp r2, r10",
            "bgt 5f",
            "cmp r4, r10",
            "bgt 6f",
            "cmp r6, r10",
            "bgt 7f",
            "subs r11, #1",
            "bne 2b",
            "7:",
            "mov r0, r6",
            "mov r1, r7",
            "b 4f",
            "6:",
            "mov r0, r4",
            "mov r1, r5",
            "b 4f",
            "5:",
            "mov r0, r2",
            "mov r1, r3",
            "4:",
            "pop {{r4-r11, pc}}",
        )
    }
}
