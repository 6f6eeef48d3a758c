//! Frames. A frame is a zero byte, then a message and its CRC-32 (ISO-HDLC, little-endian) encoded with COBS so that
//! they contain no zero byte, then a zero byte. The first zero ends any earlier bytes, so that noise before a frame
//! does not damage it.
//!
//! Consistent overhead byte stuffing: Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999.

use core::fmt;

use cobs::{CobsEncoder, DecodeResult, DecoderState};
use crc::{CRC_32_ISO_HDLC, Crc};
use heapless::Vec;

use crate::MAX_MESSAGE_BYTES;

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const CHECKSUM_BYTES: usize = 4;

/// The first and the last byte of a frame.
pub const END: u8 = 0;

/// Longest frame of a message of this length, in bytes.
pub const fn max_frame_bytes(message_bytes: usize) -> usize {
    cobs::max_encoding_length(message_bytes + CHECKSUM_BYTES) + 2
}

/// Why a frame was dropped or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Its message is longer than [`MAX_MESSAGE_BYTES`], or longer than the buffer.
    TooLong,
    /// Its bytes were damaged, or did not come from a frame.
    Damaged,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a message longer than {MAX_MESSAGE_BYTES} bytes"),
            Self::Damaged => write!(f, "a damaged message"),
        }
    }
}

impl core::error::Error for FrameError {}

/// Finds messages in a stream of bytes.
#[derive(Debug)]
pub struct Decoder {
    /// The message so far, and its checksum.
    message: Vec<u8, { MAX_MESSAGE_BYTES + CHECKSUM_BYTES }>,
    stuffing: DecoderState,
    /// Whether `message` is complete, so that the next byte begins another.
    is_whole: bool,
    is_too_long: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub const fn new() -> Self {
        Decoder { message: Vec::new(), stuffing: DecoderState::Idle, is_whole: false, is_too_long: false }
    }

    /// Takes the next byte. Returns `true` when the byte completes a frame; [`Self::message`] is then the frame's
    /// message until the next byte is pushed. Empty frames are ignored.
    ///
    /// # Errors
    /// [`FrameError`] when the byte ends a damaged frame, once for each frame. The next byte begins another frame.
    pub fn push(&mut self, byte: u8) -> Result<bool, FrameError> {
        if self.is_whole {
            self.start();
        }
        match self.stuffing.feed(byte) {
            Ok(DecodeResult::NoData) => return Ok(false),
            Ok(DecodeResult::DataContinue(byte)) => {
                self.is_too_long |= self.message.push(byte).is_err();
                return Ok(false);
            }
            Ok(DecodeResult::DataComplete) if !self.is_too_long => {
                let end = self.message.len().saturating_sub(CHECKSUM_BYTES);
                let (message, checksum) = (self.message.get(..end), self.message.get(end..));
                if let (Some(message), Some(checksum)) = (message, checksum)
                    && CHECKSUM.checksum(message).to_le_bytes() == *checksum
                {
                    self.message.truncate(end);
                    self.is_whole = true;
                    return Ok(true);
                }
            }
            Ok(DecodeResult::DataComplete) | Err(_) => {}
        }
        let error = if self.is_too_long { FrameError::TooLong } else { FrameError::Damaged };
        self.start();
        Err(error)
    }

    fn start(&mut self) {
        self.message.clear();
        self.is_whole = false;
        self.is_too_long = false;
    }

    /// The message completed by the last byte; empty if it completed none.
    pub fn message(&self) -> &[u8] {
        if self.is_whole { &self.message } else { &[] }
    }
}

/// Puts a message into a frame.
///
/// # Errors
/// [`FrameError::TooLong`] when the message is longer than [`MAX_MESSAGE_BYTES`], or `frame` is shorter than
/// [`max_frame_bytes`].
pub fn encode<'a>(message: &[u8], frame: &'a mut [u8]) -> Result<&'a [u8], FrameError> {
    if message.len() > MAX_MESSAGE_BYTES || frame.len() < max_frame_bytes(message.len()) {
        return Err(FrameError::TooLong);
    }
    let (start, stuffed) = frame.split_first_mut().ok_or(FrameError::TooLong)?;
    *start = END;
    let mut encoder = CobsEncoder::new(stuffed);
    let checksum = CHECKSUM.checksum(message).to_le_bytes();
    encoder.push(message).and_then(|()| encoder.push(&checksum)).map_err(|_| FrameError::TooLong)?;
    let end = 1 + encoder.finalize();
    *frame.get_mut(end).ok_or(FrameError::TooLong)? = END;
    frame.get(..=end).ok_or(FrameError::TooLong)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// All results of a decoder for these bytes.
    fn decode(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Result<Vec<u8>, FrameError>> {
        let results = bytes.iter().filter_map(|&byte| match decoder.push(byte) {
            Ok(true) => Some(Ok(decoder.message().to_vec())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        });
        results.collect()
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut frame = [0xa5; crate::MAX_FRAME_BYTES];
        encode(message, &mut frame).unwrap().to_vec()
    }

    #[test]
    fn frame_is_pinned() {
        // CRC-32 of "123456789" is 0xcbf43926.
        let frame = [0, 14, 49, 50, 51, 52, 53, 54, 55, 56, 57, 0x26, 0x39, 0xf4, 0xcb, 0];
        assert_eq!(framed(b"123456789"), frame);
        assert_eq!(decode(&mut Decoder::new(), &frame), [Ok(b"123456789".to_vec())]);
        // CRC-32 of four zero bytes is 0x2144df1c.
        let frame = [0, 1, 1, 1, 1, 5, 0x1c, 0xdf, 0x44, 0x21, 0];
        assert_eq!(framed(&[0; 4]), frame);
        assert_eq!(decode(&mut Decoder::new(), &frame), [Ok([0; 4].to_vec())]);
    }

    #[test]
    fn every_length_up_to_the_longest_passes_and_no_longer() {
        let bytes: Vec<u8> = (0..=MAX_MESSAGE_BYTES).map(|index| (index % 255) as u8 + 1).collect();
        let mut decoder = Decoder::new();
        for length in (0..600).chain([MAX_MESSAGE_BYTES]) {
            assert_eq!(decode(&mut decoder, &framed(&bytes[..length])), [Ok(bytes[..length].to_vec())]);
        }
        assert_eq!(encode(&bytes, &mut [0; 2 * MAX_MESSAGE_BYTES]), Err(FrameError::TooLong));
        assert_eq!(encode(&bytes[..9], &mut [0; max_frame_bytes(9) - 1]), Err(FrameError::TooLong));
    }

    #[test]
    fn frame_that_is_too_long_is_reported_once_and_the_next_is_received() {
        let mut bytes = std::vec![0xff; 3 * crate::MAX_FRAME_BYTES];
        bytes.extend(framed(b"next"));
        assert_eq!(decode(&mut Decoder::new(), &bytes), [Err(FrameError::TooLong), Ok(b"next".to_vec())]);
        // One byte too long, but well formed.
        let message = [0x55; MAX_MESSAGE_BYTES + 1 + CHECKSUM_BYTES];
        let mut frame = [END; cobs::max_encoding_length(MAX_MESSAGE_BYTES + 1 + CHECKSUM_BYTES) + 1];
        cobs::encode(&message, &mut frame);
        assert_eq!(decode(&mut Decoder::new(), &frame), [Err(FrameError::TooLong)]);
    }

    #[test]
    fn empty_frames_are_nothing() {
        assert_eq!(decode(&mut Decoder::new(), &[END; 5]), []);
    }

    #[test]
    fn damage_of_any_bit_is_reported_and_the_next_frame_received() {
        let (frame, next) = (framed(b"a message, \0 and more"), framed(b"next"));
        for bit in 8..8 * (frame.len() - 1) {
            let mut bytes = frame.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes.extend(&next);
            let results = decode(&mut Decoder::new(), &bytes);
            let (last, before) = results.split_last().unwrap();
            assert_eq!(*last, Ok(b"next".to_vec()), "bit {bit}");
            assert!(!before.is_empty() && before.iter().all(Result::is_err), "bit {bit}: {before:?}");
        }
    }

    #[test]
    fn message_is_there_until_the_next_byte() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.message(), b"");
        decode(&mut decoder, &framed(b"one"));
        assert_eq!(decoder.message(), b"one");
        assert_eq!(decoder.push(END), Ok(false));
        assert_eq!(decoder.message(), b"");
    }

    proptest! {
        #[test]
        fn message_after_any_noise_is_received(
            noise in prop::collection::vec(any::<u8>(), 0..2000),
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..4),
        ) {
            let mut decoder = Decoder::new();
            decode(&mut decoder, &noise);
            for message in messages {
                let results = decode(&mut decoder, &framed(&message));
                prop_assert_eq!(results.last(), Some(&Ok(message)));
                prop_assert!(results.len() <= 2);
                decode(&mut decoder, &noise);
            }
        }

        #[test]
        fn noise_within_a_frame_costs_that_frame_alone(
            before in prop::collection::vec(any::<u8>(), 0..300),
            noise in prop::collection::vec(1..=u8::MAX, 1..20),
            place in any::<prop::sample::Index>(),
            after in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = framed(&before);
            // The bytes after the first zero, up to the last.
            let place = 1 + place.index(bytes.len() - 1);
            bytes.splice(place..place, noise);
            bytes.extend(framed(&after));
            let results = decode(&mut Decoder::new(), &bytes);
            prop_assert_eq!(results.last(), Some(&Ok(after)));
            prop_assert!(results.len() == 2);
        }
    }
}
