//! Frames that the emulator's computer writes into the machine's memory, as a camera's DMA does on a real board.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{Ordering, compiler_fence};

use programs::FrameSource;

/// Memory that is shared with the emulator's computer.
pub struct Frames {
    address: usize,
    bytes: usize,
}

impl Frames {
    /// The memory at an address; 0 bytes for none.
    ///
    /// # Safety
    /// These addresses are memory that nothing else in this program uses. The computer writes to it only while the board
    /// waits for a request.
    pub const unsafe fn new((address, bytes): (usize, usize)) -> Self {
        Frames { address, bytes }
    }
}

impl FrameSource for Frames {
    fn memory(&mut self) -> &mut [u8] {
        if self.bytes == 0 {
            return &mut [];
        }
        // What was read before is read anew: the computer may have written since.
        compiler_fence(Ordering::SeqCst);
        let start = ptr::with_exposed_provenance_mut(self.address);
        // SAFETY: the caller of `new` promised memory that nothing else uses, and that the computer does not write to
        // while a task borrows it.
        unsafe { core::slice::from_raw_parts_mut(start, self.bytes) }
    }
}
