//! UF2: blocks of 512 bytes for mass-storage boot loaders, each with the address of its bytes.
//!
//! A block has 256 bytes of data at a multiple of 256, in the order of addresses: the boot loaders of Raspberry Pi take no other
//! length, and erase a page of flash when its first block comes.
//!
//! No block of the family *absolute* comes first, which erratum RP2350-E10 wants on chips with a partition table. No board here
//! has one. The boot loader would take the block literally, and erase the last page of the flash, where the store may lie.

use anyhow::{Context, Result, ensure};

use super::{Run, pages};

/// Bytes of a block, and most bytes of data in it.
const BLOCK: usize = 512;
const MOST_DATA: usize = 476;
/// Bytes of data in a block that is written.
pub const PAGE: usize = 256;
/// Words of a block that are always the same, and their places.
const MAGIC: [(usize, u32); 3] = [(0, 0x0A32_4655), (4, 0x9E5D_5157), (508, 0x0AB1_6F30)];
/// Flag: the block does not go to the main flash.
const ELSEWHERE: u32 = 1;
/// Flag: the block names a family of processors.
const FAMILY: u32 = 0x2000;

/// Writes bytes at their addresses, for a family of processors if there is one.
///
/// # Errors
/// When the bytes end beyond 4 GiB.
pub fn emit(runs: &[Run], family: Option<u32>) -> Result<Vec<u8>> {
    let pages = pages::<PAGE>(runs)?;
    let mut file = Vec::with_capacity(pages.len() * BLOCK);
    let count = pages.len() as u32;
    for (number, (address, page)) in (0..).zip(&pages) {
        let flags = if family.is_some() { FAMILY } else { 0 };
        let words = [flags, *address, PAGE as u32, number, count, family.unwrap_or(0)];
        let mut block = [0; BLOCK];
        let places = MAGIC.into_iter().chain((8..).step_by(4).zip(words));
        for (at, word) in places {
            block[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        block[32..32 + PAGE].copy_from_slice(page);
        file.extend(block);
    }
    Ok(file)
}

/// Reads the bytes, their addresses, and the family of processors if one is named.
///
/// # Errors
/// When a block is damaged or missing, or blocks are for several families.
pub fn parse(bytes: &[u8]) -> Result<(Vec<Run>, Option<u32>)> {
    ensure!(
        bytes.len().is_multiple_of(BLOCK),
        "it is cut short: {} bytes are not whole blocks of {BLOCK}; copy or export it again",
        bytes.len()
    );
    let mut parts: Vec<Option<Run>> = vec![None; bytes.len() / BLOCK];
    let mut families = Vec::new();
    let blocks = parts.len();
    for (index, block) in bytes.chunks_exact(BLOCK).enumerate() {
        let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        let damaged = || format!("block {index} of {blocks} is damaged; copy or export it again");
        ensure!(MAGIC.iter().all(|&(at, magic)| word(at) == magic), damaged());
        let [flags, address, length, number, count, family] = [8, 12, 16, 20, 24, 28].map(word);
        let data = block.get(32..).and_then(|data| data.get(..length as usize));
        let data = data.filter(|data| data.len() <= MOST_DATA).with_context(damaged)?;
        let family = (flags & FAMILY != 0 && family != 0).then_some(family);
        if !families.contains(&family) {
            families.push(family);
        }
        ensure!(
            count as usize == blocks,
            "it has {blocks} blocks, and block {index} says {count}: cut short, or two files in one; export again"
        );
        let place = parts.get_mut(number as usize).filter(|place| place.is_none()).with_context(damaged)?;
        *place = Some((address, if flags & ELSEWHERE == 0 { data.to_vec() } else { Vec::new() }));
    }
    ensure!(families.len() < 2, "its blocks are for several families of processors; give the file of one");
    Ok((parts.into_iter().flatten().collect(), families.pop().flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RP2350: u32 = 0xe48b_ff59;

    fn word(block: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(block[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn block_is_pinned_byte_for_byte() {
        let file = emit(&[(0x1000_0000, vec![7; 3])], Some(RP2350)).unwrap();
        let mut expected = vec![
            0x55, 0x46, 0x32, 0x0a, 0x57, 0x51, 0x5d, 0x9e, 0, 0x20, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0,
            0, 0, 1, 0, 0, 0, 0x59, 0xff, 0x8b, 0xe4, 7, 7, 7,
        ];
        expected.resize(32 + 256, 0xff);
        expected.resize(508, 0);
        expected.extend([0x30, 0x6f, 0xb1, 0x0a]);
        assert_eq!(file, expected);
    }

    #[test]
    fn program_of_several_parts_is_whole_pages_that_another_reader_understands() {
        // The second part begins in the page in which the first ends, the third far behind both.
        let first: Vec<u8> = (0..300u32).map(|i| i as u8).collect();
        let runs = [(0x1000_0000, first.clone()), (0x1000_0130, vec![1; 10]), (0x1000_1001, vec![2; 256])];
        let file = emit(&runs, Some(RP2350)).unwrap();
        let blocks: Vec<&[u8]> = file.chunks_exact(BLOCK).collect();
        let addresses: Vec<u32> = blocks.iter().map(|block| word(block, 12)).collect();
        assert_eq!(addresses, [0x1000_0000, 0x1000_0100, 0x1000_1000, 0x1000_1100]);
        for (number, block) in (0..).zip(&blocks) {
            assert_eq!([16, 20, 24].map(|at| word(block, at)), [256, number, 4]);
        }
        let (read, families) = uf2_decode::convert_from_uf2(&file).unwrap();
        assert_eq!(families, [(RP2350, 0x1000_0000)].into());
        let mut expected = vec![0xff; 0x200];
        expected[..300].copy_from_slice(&first);
        expected[0x130..0x13a].fill(1);
        // That reader fills what is between blocks with zeros.
        expected.resize(0x1000, 0);
        expected.push(0xff);
        expected.extend([2; 256]);
        expected.resize(0x1200, 0xff);
        assert_eq!(read, expected);
        let (parts, family) = parse(&file).unwrap();
        assert_eq!((parts.len(), family), (4, Some(RP2350)));
    }

    #[test]
    fn blocks_for_several_families_are_refused() {
        let mut file = emit(&[(0, vec![1; 600])], Some(RP2350)).unwrap();
        file[BLOCK + 28] ^= 1;
        let said = parse(&file).unwrap_err().to_string();
        assert!(said.contains("several families"), "{said}");
    }

    #[test]
    fn bytes_beyond_the_last_address_are_refused() {
        assert!(emit(&[(u32::MAX - 1, vec![1; 2])], None).is_ok());
        assert!(emit(&[(u32::MAX - 1, vec![1; 3])], None).is_err());
    }
}
