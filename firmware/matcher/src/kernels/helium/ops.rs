//! The loop over centres: assembly on the target, its arithmetic elsewhere, so that the kernels can be tested on any machine.
#![allow(unsafe_code)]

/// Elements that the loop multiplies before it checks whether the centre has more.
pub type Block<T> = [T; 32];

/// The first of `centres` whose product with the probe is above `bound`: its number and the product. A centre has as
/// many blocks as the probe. The number of centres is a multiple of four, perhaps zero.
///
/// # Panics
/// When lengths do not agree.
pub fn first_above(probe: &[Block<i16>], centres: &[Block<i8>], bound: i32) -> Option<(usize, i32)> {
    let blocks = probe.len();
    assert!(blocks > 0 && centres.len().is_multiple_of(4 * blocks));
    #[cfg(arm_helium)]
    {
        if centres.is_empty() {
            return None;
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
        (dot > bound).then(|| ((past - centres.as_ptr() as usize) / job.dimension - 1, dot))
    }
    #[cfg(not(arm_helium))]
    {
        let dot = |centre: &[Block<i8>]| {
            let elements = centre.as_flattened().iter().zip(probe.as_flattened());
            elements.fold(0, |sum: i32, (&c, &p)| sum.wrapping_add(i32::from(c) * i32::from(p)))
        };
        centres.chunks_exact(blocks).map(dot).enumerate().find(|&(_, dot)| dot > bound)
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
