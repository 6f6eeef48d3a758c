//! The memory for frames.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use core::{ptr, slice};

use chips::flash::Region;
use programs::FrameSource;
use programs::app::device::camera::{Camera, Taken};

/// Bytes of a line of the cache.
const LINE_BYTES: usize = 32;

/// The memory for frames.
pub struct FrameMemory {
    region: Region,
}

impl FrameMemory {
    /// The memory at these addresses; whoever comes second has none.
    ///
    /// # Panics
    /// When these are not whole lines of the cache, which is told of whole lines, in which nothing else lies.
    ///
    /// # Safety
    /// These addresses are RAM that nothing else in this program uses, except that a receiver lets
    /// DMA write there.
    pub unsafe fn take(region: Region) -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        assert!(region.0.is_multiple_of(LINE_BYTES) && region.1.is_multiple_of(LINE_BYTES), "whole lines");
        FrameMemory { region: if TAKEN.swap(true, Ordering::Relaxed) { (0, 0) } else { region } }
    }

    /// Its address and its bytes; 0 bytes for none.
    pub fn region(&self) -> Region {
        self.region
    }
}

/// A board without a camera: frames come over the link.
impl Camera for FrameMemory {
    const IS_THERE: bool = false;

    fn taken(&mut self) -> Option<Taken> {
        None
    }

    fn hold(&mut self) -> bool {
        true
    }

    fn release(&mut self) {}
}

impl FrameSource for FrameMemory {
    fn memory(&mut self) -> &mut [u8] {
        let (address, bytes) = self.region;
        if bytes == 0 {
            return &mut [];
        }
        // SAFETY: `take` was promised the memory, which is borrowed here. DMA writes to it only while a receiver, which has it
        // then, lends it to nobody. Any content is a slice of bytes.
        unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), bytes) }
    }
}
