//! Products of windows that slide along packed columns.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::pack::{Packing, pack};
use crate::kernels::helium::choose;
use crate::kernels::helium::ops::{Column, Place};
use crate::quant::Stage;

/// Arguments of the loop.
#[repr(C)]
pub struct Sliding {
    image: Packing,
    taps: Packing,
    bias: *const i32,
    positive: *const i32,
    negative: *const i32,
    output: *mut i8,
    /// Number of groups of four pixels.
    fours: usize,
    /// The zero point in the lower half. Negative if pixels remain: a last group of four then overlaps the group
    /// before.
    rest: u32,
    /// The size of that overlap, in columns and in the output.
    overlap_bytes: [usize; 2],
    shift: u32,
    zero_point: i32,
    four_stride_bytes: usize,
    /// Number of groups of sixteen channels.
    groups: usize,
    low: i32,
    high: i32,
    /// Address of the filters minus the first step, and distance from the filters to the first columns minus their
    /// first step. Loads add a step before they read.
    filters: *const u8,
    windows_offset: usize,
    /// Destinations of the bytes of four pixels: two channels, pixel by pixel.
    places: [u16; 8],
}

super::assert_layout!(
    Sliding, 200,
    image: 0, taps: 60, bias: 120, positive: 124, negative: 128, output: 132, fours: 136, rest: 140, overlap_bytes: 144,
    shift: 152, zero_point: 156, four_stride_bytes: 160, groups: 164, low: 168, high: 172, filters: 176,
    windows_offset: 180, places: 184
);
// The loop assumes that channels are 4 bytes and columns 64 bytes apart, and that the second record follows the
// first.
const _: () = assert!(size_of::<Column>() == 64 && size_of::<Packing>() == offset_of!(Sliding, taps));

impl Sliding {
    /// For windows `step` columns apart. The loop packs `image` and `taps`.
    pub fn new(
        image: Packing,
        taps: Packing,
        columns: *const Column,
        step: usize,
        pixels: usize,
        stage: &Stage<'_>,
        place: Place<'_, i8>,
    ) -> Self {
        let (fours, rest) = choose::fours(pixels);
        let overlap = rest.unwrap_or(0);
        let first_step = if step == 1 { 256 } else { 252 };
        let filters = taps.columns.cast_const().cast::<u8>().wrapping_sub(8);
        let taps_address = taps.columns.addr();
        Sliding {
            image,
            taps,
            bias: stage.bias.as_ptr(),
            positive: stage.positive.as_ptr(),
            negative: stage.negative.as_ptr(),
            output: place.elements.as_mut_ptr(),
            fours,
            rest: u32::from(rest.is_some()) << 31 | stage.zero_point as u16 as u32,
            overlap_bytes: [overlap * step * size_of::<Column>(), overlap * place.stride],
            shift: stage.shift,
            zero_point: stage.zero_point,
            four_stride_bytes: 4 * place.stride,
            groups: stage.bias.len() / 16,
            low: stage.low,
            high: stage.high,
            filters,
            windows_offset: columns.addr().wrapping_sub(first_step).wrapping_sub(taps_address),
            places: [0, 1, 2, 3, 4, 5, 6, 7].map(|i| (i / 2 * place.stride + i % 2) as u16),
        }
    }
}

/// Sums of four adjacent pixels for two channels: two windows, each multiplied with the filter and with the filter
/// shifted by a column. q2: sums of the first channel; those of the second then go to q1.
macro_rules! near {
    () => {
        "vldrw.u32 q0, [q3, #256]!
        vldrw.u32 q1, [q3, #128]
        vmladav.s8 r0, q0, q4
        vmladav.s8 r2, q0, q5
        vldrw.u32 q0, [q3, #4]
        vmladav.s8 r4, q1, q4
        vmladav.s8 r6, q1, q5
        vldrw.u32 q1, [q3, #132]
        vmov q2[2], q2[0], r0, r4
        vmladav.s8 r0, q0, q6
        vmov q2[3], q2[1], r2, r6
        vmladav.s8 r2, q0, q7
        vmladav.s8 r4, q1, q6
        vmladav.s8 r6, q1, q7"
    };
}

/// The same as `near`, for windows that are two columns apart: four windows.
macro_rules! apart {
    () => {
        "vldrw.u32 q0, [q3, #252]!
        vldrw.u32 q1, [q3, #128]
        vmladav.s8 r0, q0, q4
        vldrw.u32 q0, [q3, #256]
        vmladav.s8 r2, q1, q4
        vldrw.u32 q1, [q3, #384]
        vmladav.s8 r4, q0, q4
        vldrw.u32 q0, [q3, #4]
        vmladav.s8 r6, q1, q4
        vldrw.u32 q1, [q3, #132]
        vmov q2[2], q2[0], r0, r4
        vmladav.s8 r0, q0, q6
        vldrw.u32 q0, [q3, #388]
        vmov q2[3], q2[1], r2, r6
        vmladav.s8 r2, q1, q6
        vldrw.u32 q1, [q3, #260]!
        vmladav.s8 r6, q0, q6
        vmladav.s8 r4, q1, q6"
    };
}

/// Multiplies sums: one multiplier for both signs, no shift.
macro_rules! slide_linear {
    () => {
        "vdup.32 q0, r10
        vrmulh.s32 q2, q2, q0
        vdup.32 q0, r11
        vrmulh.s32 q1, q1, q0"
    };
}

/// Multiplies sums: one multiplier for both signs, and a shift.
macro_rules! slide_linear_shifted {
    () => {
        concat!(
            "ldr r0, [sp, #112]
            vshl.s32 q2, r0
            vshl.s32 q1, r0\n",
            slide_linear!()
        )
    };
}

/// Multiplies sums: one multiplier for each sign, no shift.
macro_rules! slide_signed {
    () => {
        "vdup.32 q0, r10
        vpt.s32 lt, q2, zr
        vdupt.32 q0, r8
        vrmulh.s32 q2, q2, q0
        vdup.32 q0, r11
        vpt.s32 lt, q1, zr
        vdupt.32 q0, r9
        vrmulh.s32 q1, q1, q0"
    };
}

/// Multiplies sums: one multiplier for each sign, and a shift. The sign before the shift selects the multiplier.
macro_rules! slide_shifted {
    () => {
        "ldr r0, [sp, #112]
        vdup.32 q0, r10
        vpt.s32 lt, q2, zr
        vdupt.32 q0, r8
        vshl.s32 q2, r0
        vrmulh.s32 q2, q2, q0
        vdup.32 q0, r11
        vpt.s32 lt, q1, zr
        vdupt.32 q0, r9
        vshl.s32 q1, r0
        vrmulh.s32 q1, q1, q0"
    };
}

/// Turns products into bytes, two for each pixel. A value that saturates at 16 bits is so far outside the bytes that
/// adding a zero point of a byte does not bring it back. q0 becomes the destinations.
macro_rules! slide_to_whole_bytes {
    () => {
        "vqmovnb.s32 q2, q2
        vldrw.u32 q0, [sp, #64]
        vqmovnt.s32 q2, q1
        vqadd.s16 q2, q2, r12
        vqmovnb.s16 q2, q2"
    };
}

/// The same as `slide_to_whole_bytes`, with a clamp.
macro_rules! slide_to_clamped_bytes {
    () => {
        "vqmovnb.s32 q2, q2
        vldrw.u32 q0, [sp, #32]
        vqmovnt.s32 q2, q1
        vldrw.u32 q1, [sp, #48]
        vqadd.s16 q2, q2, r12
        vmax.s16 q2, q2, q0
        vldrw.u32 q0, [sp, #64]
        vmin.s16 q2, q2, q1"
    };
}

/// Adds the zero point and clamps 32 bits.
macro_rules! slide_to_bytes {
    () => {
        "ldr r0, [sp, #128]
        vldrw.u32 q0, [sp, #32]
        vadd.i32 q2, q2, r0
        vadd.i32 q1, q1, r0
        vmax.s32 q2, q2, q0
        vmax.s32 q1, q1, q0
        vldrw.u32 q0, [sp, #48]
        vmin.s32 q2, q2, q0
        vmin.s32 q1, q1, q0
        vldrw.u32 q0, [sp, #64]
        vmovnt.i32 q2, q1"
    };
}

/// The loop. r1, r3: biases of two channels; r10, r11: their multipliers; r8, r9: their negative multipliers; r5:
/// destination of four pixels; r7: distance to the next four; r12: zero point, negative if pixels remain; r0, r2, r4,
/// r6: sums of four pixels; q3: addresses of the four columns of a window; q4–q7: filters of two channels, each
/// followed by itself shifted by a column.
///
/// 5: sixteen channels; 2: two of them; 3: four pixels; 4: the next two channels.
///
/// On the stack: at 0 remaining pairs of channels, 4 distance from filters to windows, 16 address of the last
/// channels' filters, 32 and 48 smallest and largest result, 64 destinations, 80 bias, 84 multipliers, 88 negative
/// multipliers, 92 output, 96 groups of four, 100 see r12, 104 overlap of the last four, 112 shift, 116 the job, 124
/// remaining groups, 128 zero point.
macro_rules! slide {
    ($name:ident, $sum:ident, $multiply:ident, $finish:ident, $clamped:literal) => {
        /// `ops::slide`.
        ///
        /// # Safety
        /// The conditions that `ops::slide` checks.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(job: &mut Sliding) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r4-r11, lr}}",
                "sub sp, #4",
                "vpush {{d8-d15}}",
                "sub sp, #136",
                "str r0, [sp, #116]",
                "add.w r12, r0, #{bias}",
                "ldm.w r12, {{r1-r10}}",
                "add.w r12, sp, #80",
                "stm.w r12, {{r1-r9}}",
                "str.w r10, [sp, #128]",
                "ldrd r1, r2, [r0, #{groups}]",
                "str r1, [sp, #124]",
                "ldr.w r3, [r0, #{high}]",
                concat!("vdup.", $clamped, " q0, r2"),
                concat!("vdup.", $clamped, " q1, r3"),
                "vldrw.u32 q2, [r0, #{places}]",
                "vstrw.32 q0, [sp, #32]",
                "vstrw.32 q1, [sp, #48]",
                "vstrw.32 q2, [sp, #64]",
                // Sixteen channels are packed: the image's columns, then the filters'.
                "5:",
                "ldr.w r10, [sp, #116]",
                "bl {pack}",
                "add.w r10, r10, #{taps}",
                "bl {pack}",
                "ldr r6, [sp, #116]",
                "ldr.w r7, [r6, #{four_stride_bytes}]",
                "ldrd r1, r2, [r6, #{filters}]",
                // A vector holds the addresses of the words of four adjacent columns, 64 bytes apart. Loads and steps
                // from there take a window of one channel each.
                "movs r0, #0",
                "vidup.u32 q0, r0, #8",
                "vshl.i32 q0, q0, #3",
                "vadd.i32 q0, q0, r1",
                "vstrw.32 q0, [sp, #16]",
                "movs r1, #8",
                "strd r1, r2, [sp]",
                // Two channels: biases, multipliers, and the destination of the output.
                "2:",
                "ldrd r0, r2, [sp, #80]",
                "ldrd r4, r5, [sp, #88]",
                "ldrd r1, r3, [r0], #8",
                "ldrd r10, r11, [r2], #8",
                "ldrd r8, r9, [r4], #8",
                "adds r6, r5, #2",
                "strd r0, r2, [sp, #80]",
                "strd r4, r6, [sp, #88]",
                "vldrw.u32 q0, [sp, #16]",
                // The filters of the next two channels are 8 bytes further. The shifted ones start 64 bytes earlier,
                // at the column of zeros.
                "vldrw.u32 q4, [q0, #8]!",
                "ldr r0, [sp, #4]",
                "vldrw.u32 q5, [q0, #-64]",
                "vldrw.u32 q6, [q0, #4]",
                "vldrw.u32 q7, [q0, #-60]",
                "vadd.i32 q3, q0, r0",
                "vstrw.32 q0, [sp, #16]",
                "ldrd r0, r12, [sp, #96]",
                "dls lr, r0",
                // Four pixels: sums of the first channel go to q2, of the second to q1.
                "3:",
                $sum!(),
                "vmov q1[2], q1[0], r0, r4",
                "vmov q1[3], q1[1], r2, r6",
                "vadd.i32 q2, q2, r1",
                "vadd.i32 q1, q1, r3",
                $multiply!(),
                $finish!(),
                "vstrb.16 q2, [r5, q0]",
                "add r5, r7",
                "le lr, 3b",
                // Pixels remain: compute the last four pixels, some of them a second time.
                "cmp.w r12, #0",
                "bge 4f",
                "uxth.w r12, r12",
                "ldrd r2, r4, [sp, #104]",
                "vsub.i32 q3, q3, r2",
                "subs r5, r5, r4",
                "mov.w lr, #1",
                "b.w 3b",
                "4:",
                "ldr r0, [sp]",
                "subs r0, #1",
                "str r0, [sp]",
                "bne.w 2b",
                "ldr r0, [sp, #124]",
                "subs r0, #1",
                "str r0, [sp, #124]",
                "bne.w 5b",
                "add sp, #136",
                "vpop {{d8-d15}}",
                "add sp, #4",
                "pop {{r4-r11, pc}}",
                pack = sym pack,
                taps = const offset_of!(Sliding, taps),
                bias = const offset_of!(Sliding, bias),
                groups = const offset_of!(Sliding, groups),
                high = const offset_of!(Sliding, high),
                places = const offset_of!(Sliding, places),
                four_stride_bytes = const offset_of!(Sliding, four_stride_bytes),
                filters = const offset_of!(Sliding, filters),
            )
        }
    };
}

slide!(slide_linear_to_whole_bytes, near, slide_linear, slide_to_whole_bytes, "16");
slide!(slide_linear_to_bytes, near, slide_linear_shifted, slide_to_clamped_bytes, "16");
slide!(slide_signed_to_whole_bytes, near, slide_signed, slide_to_whole_bytes, "16");
slide!(slide_to_bytes, near, slide_shifted, slide_to_bytes, "32");
slide!(skip_linear_to_whole_bytes, apart, slide_linear, slide_to_whole_bytes, "16");
slide!(skip_linear_to_bytes, apart, slide_linear_shifted, slide_to_clamped_bytes, "16");
slide!(skip_signed_to_whole_bytes, apart, slide_signed, slide_to_whole_bytes, "16");
slide!(skip_to_bytes, apart, slide_shifted, slide_to_bytes, "32");
