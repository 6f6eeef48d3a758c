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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::thread;

    use super::*;

    #[test]
    fn ring_is_a_queue_with_an_end() {
        let (ring, mut queue) = (Ring::<8>::new(), VecDeque::new());
        let mut state = 1u32;
        for step in 0..10_000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 30 {
                0 | 1 => {
                    assert_eq!(ring.push(step as u8), queue.len() < 8);
                    if queue.len() < 8 {
                        queue.push_back(step as u8);
                    }
                }
                2 => assert_eq!(ring.pop(), queue.pop_front()),
                _ => {
                    let count = (state >> 26 & 3) as usize;
                    ring.skip(count);
                    queue.drain(..count.min(queue.len()));
                }
            }
            assert_eq!((ring.len(), ring.room()), (queue.len(), 8 - queue.len()));
            for ahead in 0..9 {
                assert_eq!(ring.peek(ahead), queue.get(ahead).copied());
            }
        }
        ring.skip(usize::MAX);
        assert!(ring.is_empty());
    }

    #[test]
    fn counts_may_wrap() {
        let ring = Ring::<4>::new();
        ring.written.store(usize::MAX - 1, Ordering::Relaxed);
        ring.read.store(usize::MAX - 1, Ordering::Relaxed);
        for byte in 0..4 {
            assert!(ring.push(byte));
        }
        assert!(!ring.push(4));
        for byte in 0..4 {
            assert_eq!(ring.pop(), Some(byte));
        }
        assert_eq!(ring.pop(), None);
    }

    #[test]
    fn writer_and_reader_at_once_lose_nothing() {
        static RING: Ring<16> = Ring::new();
        let bytes = 0..200_000u32;
        let writer = thread::spawn({
            let bytes = bytes.clone();
            move || {
                bytes.for_each(|byte| {
                    while !RING.push(byte as u8) {
                        thread::yield_now();
                    }
                })
            }
        });
        for byte in bytes {
            let found = loop {
                match RING.pop() {
                    Some(found) => break found,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(found, byte as u8);
        }
        writer.join().unwrap();
        assert!(RING.is_empty());
    }
}
