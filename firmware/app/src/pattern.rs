//! Generated pixels that replace a photo, pictures in a board's memory, and a checksum of the network's output for them. All are the
//! same on every machine, so a board can be compared with the simulator without a link.

use core::convert::Infallible;

use nn::RowSource;

/// Pixels from a linear congruential generator (Numerical Recipes), the high byte of each number.
pub struct Pattern(u32);

impl Pattern {
    /// The pattern for this seed.
    pub const fn new(start: u32) -> Self {
        Pattern(start)
    }

    /// The next number.
    pub fn number(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }
}

impl RowSource for Pattern {
    type Error = Infallible;

    fn row(&mut self, _y: u16, pixels: &mut [u8]) -> Result<(), Infallible> {
        pixels.iter_mut().for_each(|pixel| *pixel = (self.number() >> 24) as u8);
        Ok(())
    }
}

/// The bytes with which pictures begin that follow an image in its memory.
pub const PICTURES: [u8; 8] = *b"PICTURES";

/// The pictures in memory: [`PICTURES`], their number as a little-endian `u32`, and their pixels, `picture_bytes` each. None if the
/// memory does not begin so; those that are whole if it ends before.
pub fn pictures(memory: &[u8], picture_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let (count, pixels) = match memory.strip_prefix(&PICTURES).and_then(<[u8]>::split_first_chunk) {
        Some((count, pixels)) => (u32::from_le_bytes(*count), pixels),
        None => (0, &[][..]),
    };
    pixels.chunks_exact(picture_bytes.max(1)).take(count as usize)
}

/// FNV-1a (Fowler, Noll, Vo), 32 bits, of an output's bytes. Different outputs almost never have the same checksum.
pub fn check(bytes: &[u8]) -> u32 {
    continued(0x811c_9dc5, bytes)
}

/// [`check`] of what came before, and of these bytes.
pub fn continued(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// [`check`] of elements of two bytes, little-endian.
pub fn check_elements(elements: &[i16]) -> u32 {
    elements.iter().fold(check(&[]), |hash, element| continued(hash, &element.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_is_the_published_hash() {
        // Test vectors from the FNV draft.
        assert_eq!([check(b""), check(b"a"), check(b"foobar")], [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
        assert_eq!(check_elements(&[0x6f66, 0x626f, 0x7261]), check(b"foobar"));
    }

    #[test]
    fn pictures_are_those_that_are_whole() {
        let memory = |count: u32| {
            let mut memory = [0; 21];
            memory[..8].copy_from_slice(&PICTURES);
            memory[8..12].copy_from_slice(&count.to_le_bytes());
            memory[12..].copy_from_slice(b"abcdefghi");
            memory
        };
        let found =
            |memory: &[u8], expected: &[&[u8]]| assert!(pictures(memory, 4).eq(expected.iter().copied()));
        found(&memory(0), &[]);
        found(&memory(1), &[b"abcd"]);
        found(&memory(u32::MAX), &[b"abcd", b"efgh"]);
        found(&memory(2)[..15], &[]);
        found(&memory(2)[..10], &[]);
        found(&memory(2)[1..], &[]);
        found(&[0xff; 21], &[]);
        assert_eq!(pictures(&memory(9), 0).count(), 9);
    }

    #[test]
    fn pixels_are_the_numbers_high_bytes() {
        let mut row = [0; 3];
        assert_eq!(Pattern::new(1).row(0, &mut row), Ok(()));
        assert_eq!(row, [0x3c, 0x5e, 0x81]);
    }
}
