//! The first centre whose product with the probe is above a bound, four centres at a time.

use core::arch::naked_asm;

use crate::kernels::helium::ops::Block;

/// Elements of 16 bits in one vector.
const LANES: usize = 8;

/// Vectors that the loop over blocks multiplies in each turn.
const UNROLLED: usize = 4;

// A turn multiplies a block. The probe's elements have twice the bytes of a centre's.
const _: () =
    assert!(size_of::<Block<i8>>() == UNROLLED * LANES && size_of::<Block<i16>>() == 2 * UNROLLED * LANES);

/// Arguments of the loop, which loads them in this order.
#[repr(C)]
pub struct Job {
    /// The first centre.
    pub centres: *const Block<i8>,
    /// The probe, as many elements as a centre.
    pub probe: *const Block<i16>,
    /// Bytes of a centre.
    pub dimension: usize,
    /// The loop stops at the first product above it.
    pub bound: i32,
    /// Number of groups of four centres; not zero.
    pub fours: usize,
    /// Blocks of a centre; not zero.
    pub blocks: usize,
}

super::assert_layout!(Job, 24, centres: 0, probe: 4, dimension: 8, bound: 12, fours: 16, blocks: 20);

/// Stops at the first centre whose product is above the bound, or after the last. The lower word is that product, the
/// upper word the address after its centre.
///
/// r0, r2, r4, r6: sums of four centres; r1, r3, r5, r7: their addresses; r8: probe; r9: bytes of a centre; r10: bound;
/// r11: remaining groups of four; r12: blocks of a centre; lr: remaining blocks; q0: the probe's elements; q1, q2:
/// elements of centres.
///
/// 2: a group of four centres; 3: the loop over their blocks; 5, 6, 7: the result is the second, third, fourth centre's;
/// 4: the end.
///
/// # Safety
/// The conditions that `ops::first_above` checks, and there must be a centre.
#[unsafe(naked)]
pub unsafe extern "C" fn first_above(job: &Job) -> u64 {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "ldm r0, {{r7-r12}}",
        // Four centres, from r7 on: their addresses, sums of zero, and the number of blocks.
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
        // A block of each centre. Eight elements of the probe serve all four centres, whose bytes are widened when they
        // are loaded.
        "3:",
        ".rept {unrolled}",
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
        // r1, r3, r5, r7 are now the addresses after the centres, and r7 thus that of the next four. r8 goes back to the
        // probe's start, which is twice the bytes of a centre before.
        "sub r8, r8, r9, lsl #1",
        // The first of the four whose product is above the bound. The first centre's result is in its place already.
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
        // The result: the product in r0, the address after its centre in r1. The fourth centre's, also after the last
        // four; then the third's, the second's.
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
        unrolled = const UNROLLED,
    )
}
