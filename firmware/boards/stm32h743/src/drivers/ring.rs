//! Bytes on their way between an interrupt and the loop.

use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// A queue of `N` bytes, a power of two, with one writer and one reader. Were there two, bytes would be lost or come twice,
/// and nothing else.
pub struct Ring<const N: usize> {
    bytes: [AtomicU8; N],
    /// Number of bytes that were ever written, and ever read; they wrap.
    written: AtomicUsize,
    read: AtomicUsize,
}

impl<const N: usize> Ring<N> {
    const MASK: usize = N - 1;
    const IS_SOUND: () = assert!(N.is_power_of_two());

    /// Empty.
    pub const fn new() -> Self {
        let () = Self::IS_SOUND;
        Ring {
            bytes: [const { AtomicU8::new(0) }; N],
            written: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
        }
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire)).min(N)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes for which there is room.
    pub fn room(&self) -> usize {
        N - self.len()
    }

    /// Adds a byte, for the writer. Returns whether there was room.
    pub fn push(&self, byte: u8) -> bool {
        if self.room() == 0 {
            return false;
        }
        let written = self.written.load(Ordering::Relaxed);
        self.place(written).store(byte, Ordering::Relaxed);
        self.written.store(written.wrapping_add(1), Ordering::Release);
        true
    }

    /// Takes the next byte, for the reader.
    pub fn pop(&self) -> Option<u8> {
        let byte = self.peek(0)?;
        self.skip(1);
        Some(byte)
    }

    /// The byte that comes `ahead` bytes after the next, for the reader.
    pub fn peek(&self, ahead: usize) -> Option<u8> {
        let read = self.read.load(Ordering::Relaxed);
        (ahead < self.len()).then(|| self.place(read.wrapping_add(ahead)).load(Ordering::Relaxed))
    }

    /// Takes so many bytes, or all, for the reader.
    pub fn skip(&self, bytes: usize) {
        let read = self.read.load(Ordering::Relaxed);
        self.read.store(read.wrapping_add(bytes.min(self.len())), Ordering::Release);
    }

    fn place(&self, count: usize) -> &AtomicU8 {
        &self.bytes[count & Self::MASK]
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}
