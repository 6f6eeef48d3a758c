//! Copies runs of bytes to the start of patches.

use core::arch::naked_asm;

/// Arguments of [`gather`], in the order in which it loads them.
#[repr(C)]
pub struct Gathering {
    /// Start of the first run.
    pub source: *const i8,
    /// Bytes from one run to the next.
    pub step_bytes: usize,
    /// Start of the first patch.
    pub patches: *mut i8,
    /// Bytes from one patch to the next.
    pub patch_bytes: usize,
    /// Length of a run.
    pub run_bytes: usize,
    /// Number of runs.
    pub count: usize,
}

super::assert_layout!(Gathering, 24, source: 0, step_bytes: 4, patches: 8, patch_bytes: 12, run_bytes: 16, count: 20);

/// `ops::gather`. r0: a run; r1: distance to the next; r2: its patch; r3: distance to the next; r4: bytes of a run;
/// r5: remaining runs.
///
/// # Safety
/// The conditions that `ops::gather` checks.
#[unsafe(naked)]
pub unsafe extern "C" fn gather(job: &Gathering) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r7, lr}}",
        "ldm r0, {{r0-r5}}",
        "cmp r4, #16",
        "bls 4f",
        // Long runs: one loop for each. Its last vector stores only the remaining bytes, because other taps may
        // follow.
        "2:",
        "mov r6, r0",
        "mov r7, r2",
        "dlstp.8 lr, r4",
        "3:",
        "vldrb.u8 q0, [r6], #16",
        "vstrb.8 q0, [r7], #16",
        "letp lr, 3b",
        "add r0, r1",
        "add r2, r3",
        "subs r5, #1",
        "bne 2b",
        "pop {{r4-r7, pc}}",
        // Runs of at most a vector: the lanes are the same for all, and one loop goes over the runs.
        "4:",
        "vctp.8 r4",
        "dls lr, r5",
        "5:",
        "vpstt",
        "vldrbt.u8 q0, [r0]",
        "vstrbt.8 q0, [r2]",
        "add r0, r1",
        "add r2, r3",
        "le lr, 5b",
        "pop {{r4-r7, pc}}",
    )
}
