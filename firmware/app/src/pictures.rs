//! Pictures that follow an image in a board's memory, so that programs that measure or test embed them without a link.
//!
//! They begin at the next multiple of [`format::ALIGNMENT`] after the image: a mark of 8 bytes, their number as a little-endian
//! `u32`, and their pixels, `[h][w][c]` bytes each in the network's colour order.

use format::{align_up, header};

const MARK: [u8; 8] = *b"PICTURES";

/// The bytes before the pixels of `count` pictures.
pub fn head(count: u32) -> [u8; 12] {
    let mut head = [0; 12];
    head[..8].copy_from_slice(&MARK);
    head[8..].copy_from_slice(&count.to_le_bytes());
    head
}

/// The pictures behind the image with which a memory begins, `picture_bytes` each. Empty if no mark follows the image. A picture that
/// the memory's end cuts off is left out.
pub fn behind_image(memory: &[u8], picture_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let end = header::image_bytes(memory).ok().and_then(align_up);
    let behind = end.and_then(|end| memory.get(end..));
    pictures(behind.unwrap_or_default(), picture_bytes)
}

fn pictures(memory: &[u8], picture_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let (count, pixels) = match memory.strip_prefix(&MARK).and_then(<[u8]>::split_first_chunk) {
        Some((count, pixels)) => (u32::from_le_bytes(*count), pixels),
        None => (0, &[][..]),
    };
    pixels.chunks_exact(picture_bytes.max(1)).take(count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_that_is_cut_off_is_left_out() {
        let memory = |count: u32| {
            let mut memory = [0; 21];
            memory[..12].copy_from_slice(&head(count));
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
    }
}
