//! Generated pixels that replace a photo, and a checksum of the network's output for them. Both are the same on every
//! machine, so a board can be compared with the simulator without a photo or a link.

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
    fn pixels_are_the_numbers_high_bytes() {
        let mut row = [0; 3];
        assert_eq!(Pattern::new(1).row(0, &mut row), Ok(()));
        assert_eq!(row, [0x3c, 0x5e, 0x81]);
    }
}
