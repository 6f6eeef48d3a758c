//! How bytes for the flash become pages that the boot ROM programs.
//! (RP2350 data sheet, section 5.4.8.)

/// Bytes of a page, which the boot ROM programs as a whole.
pub const PAGE: usize = 256;

/// A page: its offset, and its bytes. Bytes that are not to be changed are 0xff, which programs nothing.
pub type Page = (u32, [u8; PAGE]);

/// The pages for bytes at an offset.
pub fn pages(offset: u32, bytes: &[u8]) -> impl Iterator<Item = Page> {
    let mut rest = bytes;
    let mut at = offset;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = at as usize % PAGE;
        let (now, later) = rest.split_at(rest.len().min(PAGE - start));
        let mut page = [0xff; PAGE];
        page[start..][..now.len()].copy_from_slice(now);
        let found = (at - start as u32, page);
        rest = later;
        at += now.len() as u32;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_program_the_bytes_and_nothing_else(offset in 0u32..2_000, bytes in prop::collection::vec(any::<u8>(), 0..1_500)) {
            let mut flash = vec![0xff; 4096];
            let mut starts = Vec::new();
            for (at, page) in pages(offset, &bytes) {
                prop_assert!((at as usize).is_multiple_of(PAGE));
                starts.push(at);
                for (cell, byte) in flash[at as usize..].iter_mut().zip(page) {
                    *cell &= byte;
                }
            }
            let mut wanted = vec![0xff; 4096];
            wanted[offset as usize..][..bytes.len()].copy_from_slice(&bytes);
            prop_assert_eq!(flash, wanted);
            prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn page_is_pinned() {
        let found: Vec<Page> = pages(254, &[1, 2, 3]).collect();
        let (mut first, mut second) = ([0xff; PAGE], [0xff; PAGE]);
        (first[254], first[255], second[0]) = (1, 2, 3);
        assert_eq!(found, [(0, first), (256, second)]);
    }
}
