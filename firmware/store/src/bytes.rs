//! Fields of records, one after another. Reading past the end gives `None`, writing past it writes nothing.

/// Reads fields from the front.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes.
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// Writes fields one after another.
pub struct Fill<'a>(pub &'a mut [u8]);

impl Fill<'_> {
    /// Writes the next field.
    pub fn put(&mut self, field: &[u8]) -> &mut Self {
        if let Some((place, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(field.len()) {
            place.copy_from_slice(field);
            self.0 = rest;
        }
        self
    }
}
