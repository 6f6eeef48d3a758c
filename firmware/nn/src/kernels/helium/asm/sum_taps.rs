//! Sums of the products of a pixel's taps, each channel with its own filter.

use core::arch::naked_asm;

/// Arguments of the loop, in the order in which it loads them.
#[repr(C)]
pub struct Taps<T> {
    /// Elements of all channels under each tap.
    pub taps: *const *const T,
    /// Number of taps.
    pub count: usize,
    /// Filters `[count][channels]`.
    pub weights: *const i8,
    /// Number of channels.
    pub channels: usize,
    /// Room for the sums of all channels, in whole groups of eight.
    pub sums: *mut i32,
}

super::assert_layout!(Taps<i8>, 20, taps: 0, count: 4, weights: 8, channels: 12, sums: 16);

impl<T> Taps<T> {
    /// Sums.
    ///
    /// # Safety
    /// The conditions that `ops::sum_taps` checks. Elements have one or two bytes.
    pub unsafe fn run(&self) {
        let run = if size_of::<T>() == 1 { sum_bytes } else { sum_halves };
        // SAFETY: the caller promises this.
        unsafe { run(core::ptr::from_ref(self).cast()) };
    }
}

/// `ops::sum_taps`. r0: the job, then elements of a tap; r1, r9: taps, a tap; r2: their number; r3, r7: filters of eight
/// channels, of a tap; r4: channels; r5: sums; r6: bytes of the channels before; r8: remaining channels; q0, q1: elements
/// and filters of eight channels; q2, q3: sums of even and of odd channels; q4: products of even channels.
///
/// 2: eight channels; 3: a tap.
macro_rules! sum_taps {
    ($name:ident, $load:literal, $bytes:literal) => {
        /// `ops::sum_taps`.
        ///
        /// # Safety
        /// See [`Taps::run`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(job: *const Taps<u8>) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r4-r9, r10, lr}}",
                "vpush {{d8-d9}}",
                "ldm r0, {{r1-r5}}",
                "mov r8, r4",
                "movs r6, #0",
                // Eight channels; of the last ones only the remaining lanes load.
                "2:",
                "vctp.16 r8",
                // All sums start at zero, and each group of channels starts at the first tap.
                "vmov.i32 q2, #0",
                "vmov.i32 q3, #0",
                "mov r9, r1",
                "mov r7, r3",
                "dls lr, r2",
                "3:",
                // A tap: its elements of these channels in q0, and their filters in q1, both in lanes of 16 bits. Lanes that
                // do not load are zero. From a tap's filters to the next tap's are as many bytes as channels.
                "ldr r0, [r9], #4",
                "add r0, r6",
                "vpstt",
                concat!($load, " q0, [r0]"),
                "vldrbt.s16 q1, [r7]",
                "add r7, r4",
                // Products have 32 bits: those of even channels are added to q2, those of odd channels to q3.
                "vmullb.s16 q4, q0, q1",
                "vmullt.s16 q0, q0, q1",
                "vadd.i32 q2, q2, q4",
                "vadd.i32 q3, q3, q0",
                "le lr, 3b",
                // The two stores interleave even and odd channels. They always write eight sums, for which there is room.
                "vst20.32 {{q2, q3}}, [r5]",
                "vst21.32 {{q2, q3}}, [r5]!",
                // The next eight channels: eight bytes further in the filters, and eight elements further in each tap.
                "adds r3, #8",
                concat!("adds r6, #", $bytes),
                "subs r8, #8",
                "bgt 2b",
                "vpop {{d8-d9}}",
                "pop {{r4-r9, r10, pc}}",
            )
        }
    };
}

sum_taps!(sum_bytes, "vldrbt.s16", "8");
sum_taps!(sum_halves, "vldrht.u16", "16");
