//! Frames: `EF AA`, an id, the length of the data (16 bits, big-endian), the data, and the exclusive or of all bytes
//! from the id to the last of the data.

use heapless::Vec;

/// The first two bytes of a frame.
pub const START: [u8; 2] = [0xef, 0xaa];

/// Bytes of a frame without its data.
pub const OVERHEAD_BYTES: usize = 6;

/// Most data of a command: enrolment in its longest form.
pub const MAX_COMMAND_BYTES: usize = 40;

/// Most data of a reply or a note: the ids of 100 people.
pub const MAX_REPLY_BYTES: usize = 203;

/// Longest frame of a controller.
pub const MAX_COMMAND_FRAME_BYTES: usize = OVERHEAD_BYTES + MAX_COMMAND_BYTES;

/// Longest frame of a device.
pub const MAX_REPLY_FRAME_BYTES: usize = OVERHEAD_BYTES + MAX_REPLY_BYTES;

/// A silence of this many milliseconds ends a frame that is not complete: see [`Decoder::pause`].
pub const PAUSE_MS: u64 = 100;

/// Finds the frames of a controller.
pub type CommandDecoder = Decoder<MAX_COMMAND_FRAME_BYTES>;

/// Finds the frames of a device.
pub type ReplyDecoder = Decoder<MAX_REPLY_FRAME_BYTES>;

/// A frame's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// A command's number, or the kind of a device's message.
    pub id: u8,
    /// The data, at most what the decoder's frames can hold.
    pub data: &'a [u8],
}

/// Finds frames of at most `N` bytes in a stream of bytes. If what looked like a frame is none, its bytes are searched
/// again, so that noise before a frame does not swallow the frame.
#[derive(Debug)]
pub struct Decoder<const N: usize> {
    /// What may be a frame, from its first byte. Fewer than `N` bytes, unless they begin with a complete frame.
    bytes: Vec<u8, N>,
    /// Length of the complete frame at the front, in bytes; 0 if there is none.
    frame_bytes: usize,
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decoder<N> {
    /// A decoder at the start of a stream.
    pub const fn new() -> Self {
        const { assert!(N > OVERHEAD_BYTES) };
        Decoder { bytes: Vec::new(), frame_bytes: 0 }
    }

    /// Takes the next byte. Returns a frame when there is one, at most one for each byte.
    pub fn push(&mut self, byte: u8) -> Option<Frame<'_>> {
        self.skip(self.frame_bytes);
        // There is room, as `search` leaves fewer than N bytes without a frame.
        let _ = self.bytes.push(byte);
        self.search();
        self.frame()
    }

    /// To be called when no byte came for [`PAUSE_MS`], and again until it returns `None`: what is not complete now is no
    /// frame. Returns the next frame among the bytes that were taken for the beginning of a longer one.
    pub fn pause(&mut self) -> Option<Frame<'_>> {
        self.skip(self.frame_bytes);
        self.search();
        while self.frame_bytes == 0 && !self.bytes.is_empty() {
            self.skip(1);
            self.search();
        }
        self.frame()
    }

    /// Whether there are bytes that may become a frame.
    pub fn is_waiting(&self) -> bool {
        self.bytes.len() > self.frame_bytes
    }

    fn frame(&self) -> Option<Frame<'_>> {
        match self.bytes.get(..self.frame_bytes)? {
            [_, _, id, _, _, data @ .., _] => Some(Frame { id: *id, data }),
            _ => None,
        }
    }

    /// Skips bytes up to a complete frame, or to bytes that may become one.
    fn search(&mut self) {
        self.frame_bytes = 0;
        loop {
            let start = (0..self.bytes.len()).find(|&at| {
                let rest = self.bytes.get(at..).unwrap_or_default();
                rest.starts_with(&START) || matches!(rest, [only] if *only == START[0])
            });
            self.skip(start.unwrap_or(self.bytes.len()));
            let &[_, _, _, high, low, ..] = self.bytes.as_slice() else { return };
            let frame_bytes = OVERHEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
            if frame_bytes <= N {
                match self.bytes.get(START.len()..frame_bytes) {
                    None => return,
                    Some(checked) if parity(checked) == 0 => {
                        self.frame_bytes = frame_bytes;
                        return;
                    }
                    Some(_) => {}
                }
            }
            self.skip(1);
        }
    }

    fn skip(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        if count == 0 {
            return;
        }
        let rest = self.bytes.len() - count;
        for at in 0..rest {
            if let Some(&byte) = self.bytes.get(at + count)
                && let Some(place) = self.bytes.get_mut(at)
            {
                *place = byte;
            }
        }
        self.bytes.truncate(rest);
        self.frame_bytes = 0;
    }
}

fn parity(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |parity, byte| parity ^ byte)
}

/// Puts data into a frame. Returns `None` if the frame is longer than `N` bytes.
pub fn emit<const N: usize>(frame: Frame<'_>) -> Option<Vec<u8, N>> {
    let [high, low] = u16::try_from(frame.data.len()).ok()?.to_be_bytes();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&START).ok()?;
    bytes.extend_from_slice(&[frame.id, high, low]).ok()?;
    bytes.extend_from_slice(frame.data).ok()?;
    bytes.push(parity(&bytes[START.len()..])).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    type Owned = (u8, Vec<u8>);

    fn owned(frame: Frame<'_>) -> Owned {
        (frame.id, frame.data.to_vec())
    }

    /// All frames of a decoder for these bytes.
    fn decode<const N: usize>(decoder: &mut Decoder<N>, bytes: &[u8]) -> Vec<Owned> {
        bytes.iter().filter_map(|&byte| decoder.push(byte).map(owned)).collect()
    }

    /// The frames that a pause brings to light.
    fn pause<const N: usize>(decoder: &mut Decoder<N>) -> Vec<Owned> {
        core::iter::from_fn(|| decoder.pause().map(owned)).collect()
    }

    fn framed(id: u8, data: &[u8]) -> Vec<u8> {
        emit::<MAX_REPLY_FRAME_BYTES>(Frame { id, data }).unwrap().to_vec()
    }

    #[test]
    fn frames_are_pinned() {
        let pinned: [(u8, &[u8], &[u8]); 5] = [
            (0x11, &[], &[0xef, 0xaa, 0x11, 0, 0, 0x11]),
            (0x12, &[0, 10], &[0xef, 0xaa, 0x12, 0, 2, 0, 10, 0x1a]),
            (0x20, &[0x01, 0x02], &[0xef, 0xaa, 0x20, 0, 2, 1, 2, 0x21]),
            (0x00, &[0x11, 0, 0], &[0xef, 0xaa, 0, 0, 3, 0x11, 0, 0, 0x12]),
            (0x01, &[0x00], &[0xef, 0xaa, 1, 0, 1, 0, 0]),
        ];
        for (id, data, bytes) in pinned {
            assert_eq!(framed(id, data), bytes);
            assert_eq!(decode(&mut CommandDecoder::new(), bytes), [(id, data.to_vec())]);
        }
    }

    #[test]
    fn every_length_up_to_the_longest_passes_and_no_longer() {
        let data: Vec<u8> = (0..=MAX_REPLY_BYTES).map(|index| index as u8).collect();
        for length in 0..=MAX_REPLY_BYTES {
            let frame = framed(7, &data[..length]);
            assert_eq!(decode(&mut ReplyDecoder::new(), &frame), [(7, data[..length].to_vec())]);
            let commands = decode(&mut CommandDecoder::new(), &frame);
            assert_eq!(commands.len(), usize::from(length <= MAX_COMMAND_BYTES), "{length}");
        }
        assert_eq!(emit::<MAX_REPLY_FRAME_BYTES>(Frame { id: 7, data: &data }), None);
        assert_eq!(emit::<5>(Frame { id: 7, data: &[] }), None);
    }

    #[test]
    fn damage_of_any_bit_costs_no_more_than_the_frame() {
        let (frame, next) = (framed(0x12, &[0, 10, 0xef, 0xaa, 3]), framed(0x30, b""));
        for bit in 0..8 * frame.len() {
            let mut bytes = frame.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes.extend(&next);
            let mut decoder = CommandDecoder::new();
            let mut frames = decode(&mut decoder, &bytes);
            frames.extend(pause(&mut decoder));
            assert_eq!(frames, [(0x30, Vec::new())], "bit {bit}");
        }
    }

    #[test]
    fn frame_inside_what_looked_like_a_longer_one_is_found_when_the_line_pauses() {
        let mut bytes = std::vec![0xef, 0xaa, 0x12, 0, 40];
        bytes.extend(framed(0x11, b""));
        bytes.extend(framed(0x30, b""));
        let mut decoder = CommandDecoder::new();
        assert_eq!(decode(&mut decoder, &bytes), []);
        assert!(decoder.is_waiting());
        assert_eq!(pause(&mut decoder), [(0x11, Vec::new()), (0x30, Vec::new())]);
        assert!(!decoder.is_waiting());
    }

    #[test]
    fn start_bytes_may_repeat() {
        let mut bytes = std::vec![0xef, 0xef, 0xaa, 0xef];
        bytes.extend(framed(0x11, b""));
        let mut decoder = CommandDecoder::new();
        let mut frames = decode(&mut decoder, &bytes);
        frames.extend(pause(&mut decoder));
        assert_eq!(frames, [(0x11, Vec::new())]);
    }

    /// Bytes among which beginnings of frames are frequent.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => any::<u8>().prop_map(|byte| std::vec![byte]),
            1 => Just(START.to_vec()),
            1 => (any::<u8>(), 0..50u8).prop_map(|(id, length)| std::vec![0xef, 0xaa, id, 0, length]),
        ];
        prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn frame_after_any_noise_and_a_pause_is_received(
            noise in noise(), id: u8, data in prop::collection::vec(any::<u8>(), 0..=MAX_COMMAND_BYTES),
        ) {
            let mut decoder = CommandDecoder::new();
            decode(&mut decoder, &noise);
            pause(&mut decoder);
            prop_assert!(!decoder.is_waiting());
            prop_assert_eq!(decode(&mut decoder, &framed(id, &data)), [(id, data)]);
        }

        #[test]
        fn noise_that_is_no_frame_costs_no_frame(
            noise in noise(), data in prop::collection::vec(any::<u8>(), 0..=MAX_COMMAND_BYTES),
        ) {
            let mut decoder = CommandDecoder::new();
            let mut bytes = noise.clone();
            bytes.extend(framed(0x12, &data));
            let mut frames = decode(&mut decoder, &bytes);
            frames.extend(pause(&mut decoder));
            // One in 256 beginnings of frames in noise has the parity of a frame, and may take bytes of the next.
            let end = frames.last().is_some_and(|frame| *frame == (0x12, data));
            prop_assert!(end || !frames.is_empty());
        }

        #[test]
        fn adjoining_frames_are_all_received(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..=MAX_REPLY_BYTES)), 0..5),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(id, data)| framed(*id, data)).collect();
            prop_assert_eq!(decode(&mut ReplyDecoder::new(), &bytes), frames);
        }
    }
}
