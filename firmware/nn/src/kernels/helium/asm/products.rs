//! Products of tiles: the arguments and the shared code of the loops that multiply tiles of two pixels and four
//! filters.

use super::multiply::multiply_ahead;
use super::multiply_wide::multiply_wide_ahead;
use crate::kernels::helium::choose::{self, UNROLLED};
use crate::kernels::helium::ops::Place;
use crate::quant::Stage;

/// Arguments of the loops. The loops for filters of any length advance its pointers.
#[repr(C)]
pub struct Products {
    bias: *const i32,
    positive: *const i32,
    negative: *const i32,
    weights: *const i8,
    output: *mut u8,
    taps: usize,
    /// The first pixel and its partner in the pair. The other pixels follow each of them.
    pub(super) pixels: [*const u8; 2],
    /// Number of pairs minus one in the upper half, the zero point in the lower.
    pub(super) pairs: u32,
    /// Bytes of a filter that the code at `ahead` multiplies.
    ahead_bytes: usize,
    /// Number of groups of four channels.
    pub(super) groups: usize,
    /// Bytes of output from a pixel to the next.
    stride_bytes: usize,
    /// Bytes of output from a pixel to its partner in the pair.
    distance_bytes: usize,
    zero_point: i32,
    shift: u32,
    low: i32,
    high: i32,
    /// Code for the first vectors of filters too long for the unrolled loop, or 0.
    ahead: usize,
    /// Bytes of the unrolled loop to skip.
    skipped_bytes: usize,
    /// Bytes from the end of a row's output to the start of the next channels'.
    pub(super) next_bytes: usize,
    /// Destinations of a pair's bytes: first one pixel's channels, then the other's.
    pub(super) places: [u16; 8],
}

super::assert_layout!(
    Products, 96,
    bias: 0, positive: 4, negative: 8, weights: 12, output: 16, taps: 20, pixels: 24, pairs: 32, ahead_bytes: 36,
    groups: 40, stride_bytes: 44, distance_bytes: 48, zero_point: 52, shift: 56, low: 60, high: 64, ahead: 68,
    skipped_bytes: 72, next_bytes: 76, places: 80
);

impl Products {
    /// For `count` pixels; `None` if there are fewer.
    pub fn new<I, O>(
        (pixels, count): (&[I], usize),
        (weights, taps): (&[i8], usize),
        stage: &Stage<'_>,
        place: Place<'_, O>,
    ) -> Option<Self> {
        let lanes = choose::lanes::<I>();
        let steps = taps.div_ceil(lanes);
        let ahead = if lanes == 16 { multiply_ahead } else { multiply_wide_ahead } as *const ();
        let [ahead_steps, unrolled_steps] = choose::split_steps(steps);
        let [element, pairs] = [size_of::<O>(), count.div_ceil(2)];
        let stride_bytes = place.stride * element;
        let distance = count / 2;
        let other = distance * stride_bytes;
        let second = pixels.get(lanes * steps * distance..)?;
        Some(Products {
            bias: stage.bias.as_ptr(),
            positive: stage.positive.as_ptr(),
            negative: stage.negative.as_ptr(),
            weights: weights.as_ptr(),
            output: place.elements.as_mut_ptr().cast(),
            taps,
            pixels: [pixels.as_ptr(), second.as_ptr()].map(<*const I>::cast),
            pairs: (pairs as u32 - 1) << 16 | stage.zero_point as u16 as u32,
            ahead_bytes: lanes * ahead_steps,
            groups: stage.bias.len() / 4,
            stride_bytes,
            distance_bytes: other,
            zero_point: stage.zero_point,
            shift: stage.shift,
            low: stage.low,
            high: stage.high,
            ahead: if ahead_steps == 0 { 0 } else { ahead.addr() },
            skipped_bytes: BODY_BYTES * (UNROLLED - unrolled_steps),
            next_bytes: (4 * element).wrapping_sub(pairs * stride_bytes),
            places: [0, 1, 2, 3, 4, 5, 6, 7].map(|i| (i / 2 + i % 2 * other) as u16),
        })
    }
}
/// Length in bytes of the code of one [`products`], or of the same for elements of 16 bits. The unrolled loop is entered after the copies that are not needed.
pub const BODY_BYTES: usize = 56;

/// Adds to the sums the products of the first vectors of two pixels and of four filters.
macro_rules! first_products {
    () => {
        "vldrb.u8 q0, [r1], #16
        vldrb.u8 q1, [r3], #16
        vmladava.s8 r0, q0, q4
        vmladava.s8 r8, q1, q4
        vmladava.s8 r2, q0, q5
        vmladava.s8 r10, q1, q5
        vmladava.s8 r4, q0, q6
        vmladava.s8 r12, q1, q6
        vmladava.s8 r6, q0, q7
        vmladava.s8 lr, q1, q7"
    };
}
pub(super) use first_products;

/// The same for the next vector.
macro_rules! products {
    () => {
        "vldrb.u8 q0, [r1], #16
        vldrb.u8 q2, [r5], #16
        vmladava.s8 r0, q0, q2
        vldrb.u8 q1, [r3], #16
        vmladava.s8 r8, q1, q2
        vldrb.u8 q2, [r7], #16
        vmladava.s8 r2, q0, q2
        vmladava.s8 r10, q1, q2
        vldrb.u8 q2, [r9], #16
        vmladava.s8 r4, q0, q2
        vmladava.s8 r12, q1, q2
        vldrb.u8 q2, [r11], #16
        vmladava.s8 r6, q0, q2
        vmladava.s8 lr, q1, q2"
    };
}
pub(super) use products;

/// Moves sums into vectors, one for each pixel. Each instruction moves two lanes that are two apart.
macro_rules! place_products {
    () => {
        "vmov q0[2], q0[0], r0, r4
        vmov q1[2], q1[0], r8, r12
        vmov q0[3], q0[1], r2, r6
        vmov q1[3], q1[1], r10, lr"
    };
}
pub(super) use place_products;

/// Multiplies sums: one multiplier for both signs, no shift. q3: multipliers.
macro_rules! linear {
    () => {
        "vrmulh.s32 q0, q0, q3
        vrmulh.s32 q1, q1, q3"
    };
}
pub(super) use linear;

/// Multiplies sums: one multiplier for both signs, and a shift.
macro_rules! linear_shifted {
    () => {
        concat!(
            "ldr r0, [sp, #80]
            vshl.s32 q0, r0
            vshl.s32 q1, r0\n",
            linear!()
        )
    };
}
pub(super) use linear_shifted;

/// Multiplies sums: one multiplier for each sign, no shift.
macro_rules! signed {
    () => {
        "vldrw.u32 q2, [sp, #96]
        vpte.s32 ge, q0, zr
        vrmulht.s32 q0, q0, q3
        vrmulhe.s32 q0, q0, q2
        vpte.s32 ge, q1, zr
        vrmulht.s32 q1, q1, q3
        vrmulhe.s32 q1, q1, q2"
    };
}
pub(super) use signed;

/// Multiplies sums: one multiplier for each sign, and a shift. The sign before the shift selects the multiplier.
macro_rules! shifted {
    () => {
        "ldr r0, [sp, #80]
        vldrw.u32 q2, [sp, #96]
        vpttee.s32 ge, q0, zr
        vshlt.s32 q0, r0
        vrmulht.s32 q0, q0, q3
        vshle.s32 q0, r0
        vrmulhe.s32 q0, q0, q2
        vpttee.s32 ge, q1, zr
        vshlt.s32 q1, r0
        vrmulht.s32 q1, q1, q3
        vshle.s32 q1, r0
        vrmulhe.s32 q1, q1, q2"
    };
}
pub(super) use shifted;

/// Turns products into bytes. A value that saturates at 16 bits is so far outside the bytes that adding a zero point
/// of a byte does not bring it back. r9: the zero point in the lower half; r7: destination. The low bytes of the
/// halves are stored: even places hold the channels of one pixel, odd places those of the other.
macro_rules! whole_bytes {
    ($places:literal) => {
        concat!(
            "vqmovnb.s32 q0, q0
            vldrw.u32 q2, ",
            $places,
            "\nvqmovnt.s32 q0, q1
            vqadd.s16 q0, q0, r9
            vqmovnb.s16 q0, q0
            vstrb.16 q0, [r7, q2]"
        )
    };
}
pub(super) use whole_bytes;

/// The same as `whole_bytes`, with a clamp.
macro_rules! clamped_bytes {
    ($places:literal) => {
        concat!(
            "vqmovnb.s32 q0, q0
            vldrw.u32 q2, [sp, #128]
            vqmovnt.s32 q0, q1
            vldrw.u32 q1, [sp, #144]
            vqadd.s16 q0, q0, r9
            vmax.s16 q0, q0, q2
            vldrw.u32 q2, ",
            $places,
            "\nvmin.s16 q0, q0, q1
            vstrb.16 q0, [r7, q2]"
        )
    };
}
pub(super) use clamped_bytes;

/// Turns products into elements, one pixel at a time. Values have 32 bits up to the clamp. r0 becomes the destination
/// of the other pixel.
macro_rules! elements {
    ($store:literal) => {
        concat!(
            "ldrd r0, r2, [sp, #84]
            vldrw.u32 q2, [sp, #128]
            vadd.i32 q0, q0, r2
            vadd.i32 q1, q1, r2
            vmax.s32 q0, q0, q2
            vmax.s32 q1, q1, q2
            vldrw.u32 q2, [sp, #144]
            vmin.s32 q0, q0, q2
            vmin.s32 q1, q1, q2
            add r0, r7\n",
            $store,
            " q0, [r7]\n",
            $store,
            " q1, [r0]"
        )
    };
}
pub(super) use elements;

/// Turns products into bytes.
macro_rules! bytes {
    ($places:literal) => {
        elements!("vstrb.32")
    };
}
pub(super) use bytes;

/// Turns products into elements of 16 bits.
macro_rules! halves {
    ($places:literal) => {
        elements!("vstrh.32")
    };
}
pub(super) use halves;

/// The beginning of the loops. r0: the job, which moves to r12. Sets r1: groups; r2: the output's stride; and the
/// common part of the stack, see [`super::multiply`] and [`super::multiply_near`].
macro_rules! enter_multiply {
    ($clamped:literal) => {
        concat!(
            "push {{r4-r11, lr}}
            sub sp, #4
            vpush {{d8-d15}}
            sub sp, #176
            mov r12, r0
            str r0, [sp, #72]
            add r0, #40
            ldm r0, {{r1-r9}}
            str r2, [sp, #64]
            str r5, [sp, #80]
            strd r3, r4, [sp, #84]
            vdup.",
            $clamped,
            " q0, r6
            vdup.",
            $clamped,
            " q1, r7
            vldrw.u32 q2, [r12, #{places}]
            vstrw.32 q0, [sp, #128]
            vstrw.32 q1, [sp, #144]
            vstrw.32 q2, [sp, #112]
            vadd.i16 q2, q2, r2
            vstrw.32 q2, [sp, #160]"
        )
    };
}
pub(super) use enter_multiply;

/// The end of the loops.
macro_rules! leave_multiply {
    () => {
        "add sp, #176
        vpop {{d8-d15}}
        add sp, #4
        pop {{r4-r11, pc}}"
    };
}
pub(super) use leave_multiply;

/// The beginning of the loops for filters of any length, after [`enter_multiply`]. The entry into the unrolled loop at 4 (an
/// odd address, for Thumb) is computed once, as all filters have the same length. At 5, once for four channels, their
/// multipliers and biases are loaded, and the job moves on to the next four.
macro_rules! enter_groups {
    ($group_bytes:literal) => {
        concat!(
            "adr.w r1, 4f
            add r1, r9
            orr r1, #1
            str r1, [sp, #68]
            cmp r8, #0
            it eq
            moveq r8, r1
            str.w r8, [sp, #48]
            5:
            ldr.w lr, [sp, #72]
            ldm.w lr, {{r1, r3, r5, r7, r9, r11}}
            vldrw.u32 q3, [r3], #16
            vldrw.u32 q0, [r5], #16
            vstrw.32 q0, [sp, #96]
            str.w r9, [sp, #56]
            add.w r9, r9, #",
            $group_bytes,
            "\nldm r1!, {{r0, r2, r4, r6}}
            add.w r8, r7, r11, lsl #2
            stm.w lr, {{r1, r3, r5, r8, r9}}"
        )
    };
}
pub(super) use enter_groups;

/// The end of the loops for filters of any length: the next four channels, or [`leave_multiply`]. The entry relies on the
/// loop's length: for any other length the number of bytes here is negative, which does not assemble.
macro_rules! leave_groups {
    () => {
        concat!(
            "ldr r1, [sp, #72]
            ldr r0, [r1, #{groups}]
            subs r0, #1
            str r0, [r1, #{groups}]
            bne.w 5b\n",
            leave_multiply!(),
            "\n.space (3b - 4b) - {unrolled} * {body_bytes}
            .space {unrolled} * {body_bytes} - (3b - 4b)"
        )
    };
}
pub(super) use leave_groups;

/// The vectors of long filters between the first and the last [`UNROLLED`]: a function that the loop jumps to, and that jumps
/// back. It uses the loop's registers and stack. `$filter` is the register of the first filter.
macro_rules! ahead {
    ($name:ident, $products:ident, $filter:literal) => {
        /// The vectors of long filters between the first and the last [`UNROLLED`].
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            naked_asm!(
                ".cpu cortex-m55",
                // Products of `AHEAD` vectors; their loads advance the pixels and the filters.
                "2:",
                ".rept {ahead}",
                $products!(),
                ".endr",
                // All core registers hold sums or pointers: one is saved in q0, which the next pixel's load overwrites.
                "vmov s0, r0",
                // r0 becomes the distance from the first filter's pointer to the end of these vectors. Their number is a
                // multiple of the number between two checks, so the distance is zero at the end.
                "ldr r0, [sp, #52]",
                concat!("sub.w r0, r0, ", $filter),
                "cbz r0, 3f",
                "vmov r0, s0",
                "b.w 2b",
                // Continue in the unrolled loop, at the start of the last vectors.
                "3:",
                "vmov r0, s0",
                "ldr pc, [sp, #68]",
                ahead = const AHEAD,
            )
        }
    };
}
pub(super) use ahead;
