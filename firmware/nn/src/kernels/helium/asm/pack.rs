//! Packs columns of four rows, four bytes for each channel.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::kernels::helium::choose;
use crate::kernels::helium::ops::{Column, is_aligned};

/// Rows to pack into columns, sixteen channels at a time: four bytes for each channel, one from each row. In the
/// order in which [`pack`] loads the fields.
#[repr(C)]
pub struct Packing {
    rows: [*const i8; 4],
    strides: [usize; 4],
    pub(super) columns: *mut Column,
    count: usize,
    /// Bytes from sixteen channels to the next sixteen.
    advances: [usize; 4],
    /// The common stride of three rows in whole words, or 0; see [`choose::common_stride`].
    common_stride: usize,
}

super::assert_layout!(Packing, 60, rows: 0, strides: 16, columns: 32, count: 36, advances: 40, common_stride: 56);
// Four stores interleave four vectors.
const _: () = assert!(size_of::<Column>() == 64);

impl Packing {
    /// For these rows, with the distance from one column to the next.
    pub fn new(rows: [(&[i8], usize); 4], columns: &mut [Column]) -> Self {
        let strides = rows.map(|(_, stride)| stride);
        let are_words = rows[..3].iter().all(|(row, _)| is_aligned(row));
        Packing {
            rows: rows.map(|(row, _)| row.as_ptr()),
            strides,
            columns: columns.as_mut_ptr(),
            count: columns.len(),
            advances: strides.map(|stride| if stride == 0 { 0 } else { 16 }),
            common_stride: choose::common_stride(strides, are_words),
        }
    }
}

/// A column of sixteen channels of four rows; registers hold the first row. r8: destination.
macro_rules! pack_columns {
    ($label:literal, $($load:literal),*) => {
        concat!(
            $label,
            ":\n",
            $($load, "\n",)*
            "vst40.8 {{q0, q1, q2, q3}}, [r8]
            vst41.8 {{q0, q1, q2, q3}}, [r8]
            vst42.8 {{q0, q1, q2, q3}}, [r8]
            vst43.8 {{q0, q1, q2, q3}}, [r8]!
            le lr, ",
            $label,
            "b"
        )
    };
}

/// Packs sixteen channels and moves on to the next. r10: the packing. Changes r0–r9, r11, r12 and q0–q3.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pack() {
    naked_asm!(
        ".cpu cortex-m55",
        // The loops count in lr.
        "mov r12, lr",
        "ldm.w r10, {{r0-r9}}",
        "cmp r9, #0",
        "beq 9f",
        "dls lr, r9",
        // There are three rows, and a fourth outside, which is the same vector for all columns. Most windows are three
        // high.
        "cbnz r7, 2f",
        "vldrb.u8 q3, [r3]",
        // A load that advances its pointer has the distance in the instruction, so each common channel count has its
        // own code.
        "ldr.w r11, [r10, #{common_stride}]",
        "cmp.w r11, #64",
        "beq 4f",
        "cmp.w r11, #128",
        "beq 5f",
        "cmp.w r11, #256",
        "beq 6f",
        pack_columns!(
            "3",
            "vldrb.u8 q0, [r0]",
            "vldrb.u8 q1, [r1]",
            "vldrb.u8 q2, [r2]",
            "add r0, r4",
            "add r1, r5",
            "add r2, r6"
        ),
        "b 9f",
        pack_columns!(
            "2",
            "vldrb.u8 q0, [r0]",
            "vldrb.u8 q1, [r1]",
            "vldrb.u8 q2, [r2]",
            "vldrb.u8 q3, [r3]",
            "add r0, r4",
            "add r1, r5",
            "add r2, r6",
            "add r3, r7"
        ),
        "b 9f",
        pack_columns!(
            "4",
            "vldrw.u32 q0, [r0], #64",
            "vldrw.u32 q1, [r1], #64",
            "vldrw.u32 q2, [r2], #64"
        ),
        "b 9f",
        pack_columns!(
            "5",
            "vldrw.u32 q0, [r0], #128",
            "vldrw.u32 q1, [r1], #128",
            "vldrw.u32 q2, [r2], #128"
        ),
        "b 9f",
        pack_columns!(
            "6",
            "vldrw.u32 q0, [r0], #256",
            "vldrw.u32 q1, [r1], #256",
            "vldrw.u32 q2, [r2], #256"
        ),
        // The next sixteen channels of all four rows at once.
        "9:",
        "vldrw.u32 q0, [r10, #{rows}]",
        "vldrw.u32 q1, [r10, #{advances}]",
        "vadd.i32 q0, q0, q1",
        "vstrw.32 q0, [r10, #{rows}]",
        "bx r12",
        common_stride = const offset_of!(Packing, common_stride),
        rows = const offset_of!(Packing, rows),
        advances = const offset_of!(Packing, advances),
    )
}
