//! A person as bytes that leave a store for another one. [`Store::show`](crate::Store::show) gives them; whoever carries
//! them seals them.
//!
//! ```text
//!   0  zero         4 bytes: an id belongs to one store
//!   4  head         84 bytes, as in the store, without its tag
//!  88  centres      i8 [dimension] each
//! ```

use crate::people::Head;
use crate::record::{CENTRE_TAG_BYTES, HEAD_BYTES, parse_head};
use crate::{MAX_CENTRES, MAX_DIMENSION};

const PACKED_HEAD_BYTES: usize = HEAD_BYTES - CENTRE_TAG_BYTES;

/// Bytes of a person with so many centres. Values over the limits count as the limits.
pub const fn packed_bytes(dimension: usize, centres: usize) -> usize {
    let dimension = if dimension > MAX_DIMENSION { MAX_DIMENSION } else { dimension };
    let centres = if centres > MAX_CENTRES { MAX_CENTRES } else { centres };
    PACKED_HEAD_BYTES + centres * dimension
}

/// A person who was packed. The name is wiped when this is dropped.
pub struct Packed<'b> {
    head: Head,
    vectors: &'b [u8],
    dimension: u16,
}

impl<'b> Packed<'b> {
    /// Reads a person whose centres have `dimension` elements. `None` if the bytes are none.
    pub fn parse(bytes: &'b [u8], dimension: u16) -> Option<Self> {
        let (start, vectors) = bytes.split_at_checked(PACKED_HEAD_BYTES)?;
        let mut head = Head::new();
        parse_head(start, &mut head)?;
        let is_whole = vectors.len() == usize::from(head.centres) * usize::from(dimension);
        (is_whole && head.id == 0).then_some(Packed { head, vectors, dimension })
    }

    /// The person without centres. The id is 0.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The elements of each centre, as bytes.
    pub fn centres(&self) -> impl Iterator<Item = &'b [u8]> + use<'_, 'b> {
        let mut left = self.vectors;
        core::iter::from_fn(move || {
            let (vector, rest) = left.split_at_checked(self.dimension.into())?;
            left = rest;
            (!vector.is_empty()).then_some(vector)
        })
    }
}
