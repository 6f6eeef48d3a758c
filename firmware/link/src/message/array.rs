//! Arrays of bytes in bodies. serde's own reader of arrays has code for each byte of each length, a kilobyte together.

use core::fmt;

use serde::Deserializer;
use serde::de::{Error, SeqAccess, Visitor};

struct Bytes<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<[u8; N], A::Error> {
        let mut array = [0; N];
        for (place, byte) in array.iter_mut().enumerate() {
            *byte = bytes.next_element()?.ok_or_else(|| Error::invalid_length(place, &self))?;
        }
        Ok(array)
    }
}

/// Reads an array as serde would.
pub fn read<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
    from.deserialize_tuple(N, Bytes)
}
