//! An input as steps.

/// Ends a step.
pub const END: u8 = 0xa5;
/// Most steps of an input.
const MOST: usize = 256;

/// A step. Its first byte says which one, in its lower five bits, and how often: two to the power of the upper three.
pub struct Step<'a> {
    /// Which one, below 32.
    pub number: u8,
    /// How often, up to 128 times.
    pub times: u8,
    /// What belongs to it.
    pub rest: &'a [u8],
}

/// The steps of an input.
pub fn steps(input: &[u8]) -> impl Iterator<Item = Step<'_>> {
    let pieces = input.split(|&byte| byte == END).take(MOST);
    pieces.filter_map(|piece| {
        let (&first, rest) = piece.split_first()?;
        Some(Step { number: first & 0x1f, times: 1 << (first >> 5), rest })
    })
}

impl Step<'_> {
    /// What belongs to the step, the first time as it is, then each time with another byte changed.
    pub fn variations(&self) -> impl Iterator<Item = Vec<u8>> {
        variations(self.rest, self.times)
    }

    /// Two bytes as a number; missing ones are zero.
    pub fn number_at(&self, place: usize) -> u16 {
        let byte = |place: usize| self.rest.get(place).copied().unwrap_or(0);
        u16::from_le_bytes([byte(place), byte(place + 1)])
    }
}

/// Bytes as they are, then each time with another of them changed.
pub fn variations(bytes: &[u8], times: u8) -> impl Iterator<Item = Vec<u8>> {
    (0..times).map(|time| {
        let mut varied = bytes.to_vec();
        let place = 7 * usize::from(time) % bytes.len().max(1);
        if let Some(byte) = varied.get_mut(place) {
            *byte ^= time;
        }
        varied
    })
}
