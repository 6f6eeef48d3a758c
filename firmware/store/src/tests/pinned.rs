//! The layout in flash, byte for byte. The bytes were made by another program: Python's hmac, hashlib, zlib, and
//! ChaCha20-Poly1305 of OpenSSL.

use std::vec::Vec;

use format::ModelId;
use proptest::prelude::*;

use super::harness::{Person, state};
use crate::record::{CounterRecord, Flaw, Header, MAX_COMMITS, emit_head, parse_head};
use crate::sim::{Flash, Tear};
use crate::{Counters, Draft, Head, Layout, Packed, Slot, Store, SubCentre, packed_bytes};

const LOG: &str = "
    4743545202000200a9ff79c5a8983a0801000000000000000000000001000000
    290000000000000000010000000000000ad75e07c089bb4fb90fd734322ae7a2
    4743545202000000a9ff79c5a339f24502000000000000000000000001000000
    29000000000000000001000000000000509f700abe74cc409e2a24b44e548597
    4743545202000000a9ff79c5a339f24503000000000000000000000002000000
    2a000000000000000002000000000000b9fd30a12e9fc1b5ba1ba01cf8143c58
    4743545202000100a9ff79c506eaae8e04000000000000000000000002000000
    2a000000000000008877665544332211df30d7be78e841982ba3006733c8ce6e
";
const HALF: &str = "
    4750504c02000100a9ff79c5557153d4404142434445464748494a4b4c4d4e4f
    2a000000000000007c00000004000000f657f1a3b2ec273db8c8750556562bde
    010000005fd6872370c9f1a3b4e98693a6501f71c557132c922a9b73ef9da2db
    87ca7b98c157c5d43621fe8683c54cc440d5b35658354ae7397af07c4b88f353
    e95f92031cc6eaf2f198a75c9c24ea8d44a3f64e8eb037ab6794503aa6f3ffa7
    7e0c37d892fa3c45ff1abaefbad2137cffb8369a4461333c336dc9f9
";

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| pair.iter().fold(0, |sum, digit| sum * 16 + digit.to_digit(16).unwrap() as u8);
    digits.chunks_exact(2).map(byte).collect()
}

fn key() -> [u8; 32] {
    core::array::from_fn(|index| index as u8)
}

const NETWORK: ModelId =
    ModelId([0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f]);

/// Two log pages, then two halves of a page.
fn flash() -> Vec<u8> {
    let mut bytes = std::vec![0xff; 4 * 256];
    bytes[..256].copy_from_slice(&from_hex(LOG));
    let half = from_hex(HALF);
    bytes[3 * 256..][..half.len()].copy_from_slice(&half);
    bytes
}

fn layout() -> Layout {
    Layout::new_checked(0, 256, 1, 2, 1).unwrap()
}

#[test]
fn flash_of_a_small_store_is_pinned() {
    let mut bytes = std::vec![0xff; 4 * 256];
    let sim: Flash<'_, 1, 256> = Flash::new(&mut bytes, &mut [], &mut [], Tear::Whole, 0);
    let mut store = Store::format(sim, layout(), &key(), NETWORK, 4, 80).unwrap();
    let centres = [SubCentre { photos: 5, vector: &[1, -2, 127, -127] }];
    store.add(&Draft { name: "Zoë", flags: 0x0102, centres: &centres }).unwrap();
    store.change_counters(|counters| {
        (counters.lockouts, counters.is_locked, counters.starts) = (0x88, true, 0x1122_3344);
        counters.commits = 0x55_6677;
    });
    drop(store);
    assert_eq!(bytes, flash());
}

#[test]
fn person_on_the_way_to_another_store_is_pinned() {
    let mut bytes = flash();
    let sim: Flash<'_, 1, 256> = Flash::new(&mut bytes, &mut [], &mut [], Tear::Whole, 0);
    let mut store = Store::open(sim, layout(), &key(), NETWORK, 4).unwrap();
    let mut packed = Vec::new();
    store.show(0, &mut |piece| packed.extend(piece)).unwrap();
    let mut expected = std::vec![0; 88];
    expected[4..10].copy_from_slice(&[0x02, 0x01, 1, 4, 5, 0]);
    expected[24..28].copy_from_slice("Zoë".as_bytes());
    expected.extend([1, 0xfe, 127, 0x81]);
    assert_eq!(packed, expected);
    assert_eq!(packed.len(), packed_bytes(4, 1));
    let read = Packed::parse(&packed, 4).unwrap();
    assert_eq!((read.head().name(), read.head().flags(), read.head().photos()), ("Zoë", 0x0102, &[5][..]));
    assert_eq!(read.centres().collect::<Vec<_>>(), [[1, 0xfe, 127, 0x81]]);
    // Another number of elements, an id, and every length.
    assert!(Packed::parse(&packed, 2).is_none());
    for length in 0..packed.len() {
        assert!(Packed::parse(&packed[..length], 4).is_none());
    }
    packed[0] = 1;
    assert!(Packed::parse(&packed, 4).is_none());
    assert!(store.show(1, &mut |_| panic!("nobody")).is_err());
}

#[test]
fn pinned_flash_is_read() {
    let mut bytes = flash();
    let sim: Flash<'_, 1, 256> = Flash::new(&mut bytes, &mut [], &mut [], Tear::Whole, 0);
    let mut store = Store::open(sim, layout(), &key(), NETWORK, 4).unwrap();
    let centres = [(5, [1, -2, 127, -127].to_vec())].to_vec();
    let person = Person { id: 1, name: "Zoë".into(), flags: 0x0102, centres };
    assert_eq!(state(&mut store).unwrap(), [person]);
    let counters = Counters {
        lockouts: 0x88,
        commits: 0x55_6677,
        is_locked: true,
        starts: 0x1122_3344,
        epoch: 42,
        next_id: 2,
        ..Counters::default()
    };
    assert_eq!(store.counters(), counters);
    assert_eq!(store.into_flash().traffic().steps(), 0);
    assert_eq!(bytes, flash());
}

#[test]
fn unknown_flags_and_gaps_are_refused() {
    let log = from_hex(LOG);
    let record = CounterRecord::parse(log.first_chunk().unwrap()).unwrap();
    assert!(record.is_formatting && record.sequence == 1);
    // The check covers the flags, so it is made anew.
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    for (flags, expected) in [(0x02, Ok(record)), (0x0a, Err(Flaw::Damaged)), (0x80, Err(Flaw::Damaged))] {
        let mut bytes = *log.first_chunk::<64>().unwrap();
        bytes[6] = flags;
        let check = crc.checksum(&bytes[..12]).to_le_bytes();
        bytes[12..16].copy_from_slice(&check);
        assert_eq!(CounterRecord::parse(&bytes), expected);
    }
    let mut header = *from_hex(HALF).first_chunk::<64>().unwrap();
    assert!(Header::parse(&header).is_ok());
    header[46] = 1;
    assert_eq!(Header::parse(&header), Err(Flaw::Damaged));
    assert_eq!(Header::parse(log.first_chunk().unwrap()), Err(Flaw::Damaged));
}

#[test]
fn heads_out_of_range_are_refused() {
    let vector = [1, 2];
    let centres = [SubCentre { photos: 3, vector: &vector }; 2];
    let mut bytes = [0xa5; 88];
    emit_head(&Head::of(9, &Draft { name: "name", flags: 1, centres: &centres }), &mut bytes);
    assert!(parse_head(&bytes, &mut Head::new()).is_some());
    // Centres, length of the name, photos of a third centre, the name's bytes, a byte after the name.
    for (at, value) in [(6, 0), (6, 9), (7, 0), (7, 65), (12, 1), (24, 0xff), (87, 1)] {
        let mut wrong = bytes;
        wrong[at] = value;
        assert!(parse_head(&wrong, &mut Head::new()).is_none(), "{at}");
    }
    assert!(parse_head(&bytes[..87], &mut Head::new()).is_none());
}

proptest! {
    #[test]
    fn counter_record_is_parsed_as_emitted(
        key: [u8; 4], sequence: u32, is_formatting: bool, tag: [u8; 16],
        attempts: u32, floor: u32, next_id: u32, epoch: u64, lockouts: u8, is_locked: bool, starts: u32,
        is_second: bool, trial: u8, commits in 0..=MAX_COMMITS,
    ) {
        let slot = Slot { is_second, trial };
        let counters = Counters { attempts, lockouts, is_locked, starts, floor, slot, epoch, next_id, commits };
        let record = CounterRecord { key, sequence, is_formatting, counters, tag };
        prop_assert_eq!(CounterRecord::parse(&record.emit()), Ok(record));
    }

    #[test]
    fn header_is_parsed_as_emitted(
        people: u16, key: [u8; 4], network: [u8; 16], epoch: u64, length: u32, dimension: u16, tag: [u8; 16],
    ) {
        let header = Header { people, key, network: ModelId(network), epoch, length, dimension, tag };
        prop_assert_eq!(Header::parse(&header.emit()), Ok(header));
    }

    #[test]
    fn head_is_parsed_as_emitted(
        id: u32, flags: u16, name in "\\PC{1,16}", photos in prop::collection::vec(any::<u16>(), 1..=8),
    ) {
        let centres: Vec<_> = photos.iter().map(|&photos| SubCentre { photos, vector: &[] }).collect();
        let mut bytes = [0xa5; 88];
        emit_head(&Head::of(id, &Draft { name: &name, flags, centres: &centres }), &mut bytes);
        let mut head = Head::new();
        prop_assert!(parse_head(&bytes, &mut head).is_some());
        prop_assert_eq!((head.id(), head.flags(), head.name()), (id, flags, &*name));
        prop_assert_eq!(head.photos(), photos);
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic(bytes: [u8; 32], other: [u8; 32]) {
        let mut record = [0; 64];
        record[..32].copy_from_slice(&bytes);
        record[32..].copy_from_slice(&other);
        let _ = (CounterRecord::parse(&record), Header::parse(&record), parse_head(&record, &mut Head::new()));
    }
}
