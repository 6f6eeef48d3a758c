//! PNG files that end too early: the end is made up if only that is missing.

use std::borrow::Cow;

/// Bytes before the first chunk.
const SIGNATURE_BYTES: usize = 8;
/// Bytes of a chunk besides its data: length, type and checksum.
const FRAME_BYTES: usize = 12;
/// The last chunk of every file (W3C PNG, section 11.2.5).
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// The file, with an end if it has none. A last chunk of pixels that was cut off becomes a chunk of those that are there;
/// whether they are all is for the decoder to say.
pub fn ended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut at = SIGNATURE_BYTES;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let kind = &head[4..];
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let next = at.saturating_add(length).saturating_add(FRAME_BYTES);
        if next > bytes.len() {
            let data = &bytes[at + 8..];
            let data = &data[..data.len().min(length)];
            let mut whole = bytes[..at].to_vec();
            if kind == b"IDAT" {
                let typed = [b"IDAT", data].concat();
                whole.extend((data.len() as u32).to_be_bytes());
                whole.extend(&typed);
                whole.extend(checksum(&typed).to_be_bytes());
            }
            whole.extend(END);
            return whole.into();
        }
        if kind == b"IEND" {
            return bytes.into();
        }
        at = next;
    }
    [&bytes[..at.min(bytes.len())], END].concat().into()
}

/// CRC-32 of a chunk's type and data.
fn checksum(typed: &[u8]) -> u32 {
    !typed.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_is_made_up_where_it_is_missing() {
        let whole = [b"\x89PNG\r\n\x1a\n", &b"\0\0\0\x02IDATab\0\0\0\0"[..], END].concat();
        let sum = checksum(b"IDATab").to_be_bytes();
        let whole = [&whole[..18], &sum, &whole[22..]].concat();
        for length in 18..=whole.len() {
            assert_eq!(&*ended(&whole[..length]), &*whole, "{length}");
        }
        assert_eq!(checksum(b"IEND").to_be_bytes(), END[8..]);
    }
}
