//! The first centre whose product with the probe is above a bound.

use core::arch::naked_asm;

use crate::kernels::dsp::ops::{Block, Pairs};

/// Blocks in the unrolled loop.
const UNROLLED: usize = 4;

/// Bytes of code for each of them.
const BLOCK_BYTES: usize = 148;

// A block is eight words of a centre; two loads of four words read it. The probe has a pair of words for each of them.
const _: () = assert!(size_of::<Block>() == 2 * 16 && size_of::<Pairs>() == 8);

/// Arguments of the loop, which copies them onto its stack in this order.
#[repr(C)]
pub struct Job {
    probe: *const Pairs,
    /// Initial value of sums.
    zero: i32,
    /// Bytes of the unrolled loop to skip at the first entry. The loop computes its entry address from it.
    skipped_bytes: usize,
    probe_end: *const Pairs,
    centres_end: *const Block,
    bound: i32,
}

super::assert_layout!(
    Job, 24,
    probe: 0, zero: 4, skipped_bytes: 8, probe_end: 12, centres_end: 16, bound: 20
);

impl Job {
    /// A job from the probe, eight pairs for each block of a centre, the end of the centres, and the bound.
    pub fn new(probe: &[Pairs], centres_end: *const Block, bound: i32) -> Self {
        let skipped_bytes = (probe.len() / 8).wrapping_neg() % UNROLLED * BLOCK_BYTES;
        let probe = probe.as_ptr_range();
        Job { probe: probe.start, zero: 0, skipped_bytes, probe_end: probe.end, centres_end, bound }
    }
}

/// Where the loop stopped: after the first centre whose product is above the bound, or after the last centre.
pub struct Stop {
    /// The product of the last centre that the loop multiplied, or the bound if there are no centres.
    pub dot: i32,
    /// Address after that centre, or the start if there are no centres.
    pub centre: *const Block,
}

/// Stops at the first centre whose product is above the bound. Without centres it returns the start and the bound.
///
/// # Safety
/// The conditions that `ops::first_above` checks.
pub unsafe fn first_above(job: &Job, centres: *const Block) -> Stop {
    if centres == job.centres_end {
        return Stop { dot: job.bound, centre: centres };
    }
    // SAFETY: the caller promises this, and there is a centre.
    let stop = unsafe { run(job, centres) };
    Stop { dot: stop as i32, centre: (stop >> 32) as usize as *const Block }
}

/// Adds to the sum in r3 the products of the four elements of a word. r2 becomes elements 0 and 2, `$word` elements 1
/// and 3; `$even` and `$odd` are the probe's pairs of the same elements.
macro_rules! multiply {
    ($word:literal, $even:literal, $odd:literal) => {
        concat!(
            "sxtb16 r2, ",
            $word,
            "\n",
            "sxtb16 ",
            $word,
            ", ",
            $word,
            ", ror #8\n",
            "smlad r3, r2, ",
            $even,
            ", r3\n",
            "smlad r3, ",
            $word,
            ", ",
            $odd,
            ", r3\n",
        )
    };
}

/// A [`Stop`], its product in the lower word.
///
/// r0: centre; r1: probe; r2: a pair of the centre; r3: sum; r4–r7: elements of the centre; r8–r12, lr: the probe's
/// pairs.
///
/// 2: a centre; 3: the loop over its blocks; 4: the end; 5: the end of the unrolled blocks.
///
/// On the stack: the job, at 8 with the entry of the loop over blocks in place of the bytes to skip.
///
/// # Safety
/// As [`first_above`], and there must be a centre.
#[unsafe(naked)]
unsafe extern "C" fn run(job: &Job, centres: *const Block) -> u64 {
    naked_asm!(
        ".arch armv7e-m",
        "push {{r4-r11, lr}}",
        // The job: r2: probe; r3: zero; r4: bytes to skip; r5: the probe's end; r6: the centres' end; r7: bound.
        "ldm r0, {{r2-r7}}",
        // The bytes to skip become the entry of the loop over blocks. The odd address selects Thumb.
        "adr.w r12, 3f",
        "add r4, r12",
        "orr r4, #1",
        // There are too few registers: the job lies on the stack.
        "push {{r2-r7}}",
        "mov r0, r1",
        // A centre: one load gives the probe's start in r1 and a sum of zero in r3, and jumps into the loop. In the first
        // turn the entry skips the blocks that the centre lacks to a multiple of the unrolled ones.
        "2:",
        "ldm sp, {{r1, r3, pc}}",
        // A block: r4–r7 hold four of its eight words, then the other four. r8–r12 and lr hold the probe's pairs for
        // three words, then for three more (the fourth, and the first two of the other four), then for the last two.
        "3:",
        ".rept {unrolled}",
        "ldm.w r0!, {{r4-r7}}",
        "ldm r1!, {{r8-r12, lr}}",
        multiply!("r4", "r8", "r9"),
        multiply!("r5", "r10", "r11"),
        multiply!("r6", "r12", "lr"),
        "ldm r1!, {{r8-r12, lr}}",
        multiply!("r7", "r8", "r9"),
        "ldm.w r0!, {{r4-r7}}",
        multiply!("r4", "r10", "r11"),
        multiply!("r5", "r12", "lr"),
        "ldm r1!, {{r8-r11}}",
        multiply!("r6", "r8", "r9"),
        multiply!("r7", "r10", "r11"),
        ".endr",
        "5:",
        // The centre has more blocks until r1 is the probe's end, now in r4.
        "ldr r4, [sp, #12]",
        "cmp r1, r4",
        "bne 3b",
        // r0 is now the address after the centre, r3 its product; r4: the centres' end; r5: the bound. The loop stops if
        // the product is above the bound or this was the last centre.
        "ldrd r4, r5, [sp, #16]",
        "cmp r3, r5",
        "bgt 4f",
        "cmp r0, r4",
        "bne 2b",
        // The result: the product in r0, the lower word, and the address after its centre in r1. The job leaves the
        // stack.
        "4:",
        "mov r1, r0",
        "mov r0, r3",
        "add sp, #24",
        "pop {{r4-r11, pc}}",
        // The entry relies on the loop's length: for any other length the number of bytes here is negative, which does
        // not assemble.
        ".space (5b - 3b) - {unrolled} * {block_bytes}",
        ".space {unrolled} * {block_bytes} - (5b - 3b)",
        unrolled = const UNROLLED,
        block_bytes = const BLOCK_BYTES,
    )
}
