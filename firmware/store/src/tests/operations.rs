//! What the operations do, and each error.

use std::string::String;
use std::vec;
use std::vec::Vec;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use format::ModelId;
use proptest::prelude::*;

use super::harness::{Person, state};
use crate::sim::{Fault, Flash, Tear};
use crate::{
    Counters, Draft, Error, Head, Layout, LayoutError, MAX_CENTRES, OpenError, Part, Record, Slot, Store,
    SubCentre,
};

const PAGE: usize = 256;
const KEY: [u8; 32] = [1; 32];
const NETWORK: ModelId = ModelId([2; 16]);
const DIMENSION: u16 = 16;

type Sim<'a> = Flash<'a, 4, PAGE>;
type Result<T> = core::result::Result<T, OpenError<Fault>>;

fn layout() -> Layout {
    Layout::new_checked(0, PAGE as u32, 4, 2, 4).unwrap()
}

fn flash(bytes: &mut [u8]) -> Sim<'_> {
    Flash::new(bytes, &mut [], &mut [], Tear::Whole, 0)
}

fn blank() -> Vec<u8> {
    vec![0xff; layout().end() as usize]
}

fn open(bytes: &mut [u8]) -> Result<Store<Sim<'_>>> {
    Store::open(flash(bytes), layout(), &KEY, NETWORK, DIMENSION)
}

fn format_with<'a>(bytes: &'a mut [u8], key: &[u8; 32], network: ModelId) -> Result<Store<Sim<'a>>> {
    Store::format(flash(bytes), layout(), key, network, DIMENSION, 1000)
}

fn format(bytes: &mut [u8]) -> Store<Sim<'_>> {
    format_with(bytes, &KEY, NETWORK).unwrap()
}

fn add(store: &mut Store<Sim<'_>>, number: u64) -> u32 {
    Person::new(0, number).with_draft(|draft| store.add(draft)).unwrap()
}

/// A store of two people and some counters, as flash.
fn small() -> Vec<u8> {
    let mut bytes = blank();
    let mut store = format(&mut bytes);
    add(&mut store, 1);
    add(&mut store, 2);
    store.raise_floor(5).unwrap();
    count_attempt(&mut store).unwrap();
    bytes
}

#[test]
fn ids_are_not_used_again_after_the_highest_is_deleted() {
    let mut bytes = blank();
    let mut store = format(&mut bytes);
    assert_eq!([add(&mut store, 1), add(&mut store, 2)], [1, 2]);
    store.delete(2).unwrap();
    let mut store = open(&mut bytes).unwrap();
    assert_eq!(add(&mut store, 3), 3);
    store.delete_all().unwrap();
    let mut store = open(&mut bytes).unwrap();
    assert_eq!(add(&mut store, 4), 4);
    drop(store);
    let mut store = format(&mut bytes);
    assert!(store.people().is_empty());
    assert_eq!(add(&mut store, 5), 5);
}

#[test]
fn person_is_opened_as_enrolled() {
    let mut bytes = small();
    let mut store = open(&mut bytes).unwrap();
    let people = [Person::new(1, 1), Person::new(2, 2)];
    assert_eq!(state(&mut store).unwrap(), people);
    let (mut head, mut vector) = (Head::new(), [0x55; DIMENSION as usize]);
    for (index, person) in people.iter().enumerate() {
        let photos: Vec<u16> = person.centres.iter().map(|(photos, _)| *photos).collect();
        store.open_head(index, &mut head).unwrap();
        assert_eq!((head.id(), head.name(), head.flags()), (person.id, &*person.name, person.flags));
        assert_eq!(head.photos(), photos);
        let entry = store.people()[index];
        assert_eq!(
            (entry.id, entry.flags, usize::from(entry.centres)),
            (person.id, person.flags, photos.len())
        );
        assert_eq!(entry.photos, photos.iter().sum());
        for (centre, (_, elements)) in person.centres.iter().enumerate() {
            store.open_centre(index, centre as u8, &mut vector).unwrap();
            assert_eq!(vector, **elements);
        }
        assert_eq!(store.open_centre(index, photos.len() as u8, &mut vector), Err(Error::Unknown));
        assert_eq!(store.open_centre(index, 0, &mut vector[1..]), Err(Error::Centres));
    }
    assert_eq!(store.open_head(2, &mut head), Err(Error::Unknown));
    assert_eq!((head.id(), head.name()), (0, ""));
    let mut record = Record::new();
    store.open_person(0, &mut record).unwrap();
    assert_eq!(store.open_person(2, &mut record), Err(Error::Unknown));
    assert!(record.head().id() == 0 && record.centres().next().is_none());
    assert!(record.vectors.iter().all(|&element| element == 0));
}

#[test]
fn longest_person_passes() {
    let layout = Layout::new_checked(0, 4096, 4, 2, 2).unwrap();
    let mut bytes = vec![0xff; layout.end() as usize];
    let flash: Flash<'_, 4, 4096> = Flash::new(&mut bytes, &mut [], &mut [], Tear::Whole, 0);
    let mut store = Store::format(flash, layout, &KEY, NETWORK, 512, 0).unwrap();
    let vectors: Vec<Vec<i8>> = (1..=8).map(|number| vec![number * -15; 512]).collect();
    let centres: Vec<_> = vectors.iter().map(|vector| SubCentre { photos: 9000, vector }).collect();
    let name: String = core::iter::repeat_n('é', 32).collect();
    let id = store.add(&Draft { name: &name, flags: 7, centres: &centres }).unwrap();
    store.rename(id, "a").unwrap();
    store.rename(id, &name).unwrap();
    let people = state(&mut store).unwrap();
    let centres = vectors.into_iter().map(|vector| (9000, vector)).collect();
    assert_eq!(people, [Person { id, name, flags: 7, centres }]);
    assert_eq!(store.people()[0].photos, u16::MAX);
}

#[test]
fn unusable_drafts_are_refused_and_change_nothing() {
    let mut bytes = small();
    let before = bytes.clone();
    let mut store = open(&mut bytes).unwrap();
    let vector = [1; DIMENSION as usize];
    let one = SubCentre { photos: 1, vector: &vector };
    let good = Draft { name: "name", flags: 0, centres: &[one] };
    let long: String = core::iter::repeat_n('a', 65).collect();
    for name in ["", &long] {
        assert_eq!(store.add(&Draft { name, ..good }), Err(Error::Name));
        assert_eq!(store.replace(1, &Draft { name, ..good }), Err(Error::Name));
        assert_eq!(store.rename(1, name), Err(Error::Name));
    }
    let mut lowest = vector;
    lowest[3] = -128;
    let vectors: [&[i8]; 4] = [&vector[1..], &[1; 17], &[0; 16], &lowest];
    for vector in vectors {
        assert_eq!(
            store.add(&Draft { centres: &[one, SubCentre { photos: 1, vector }], ..good }),
            Err(Error::Centres)
        );
    }
    assert_eq!(store.add(&Draft { centres: &[one; MAX_CENTRES + 1], ..good }), Err(Error::Centres));
    for id in [0, 3, u32::MAX] {
        assert_eq!(store.delete(id), Err(Error::Unknown));
        assert_eq!(store.rename(id, "name"), Err(Error::Unknown));
        assert_eq!(store.replace(id, &good), Err(Error::Unknown));
    }
    assert_eq!(store.add(&Draft { centres: &[one; MAX_CENTRES], ..good }), Ok(3));
    assert_eq!(store.add(&Draft { centres: &[one; MAX_CENTRES], ..good }), Err(Error::Full));
    store.delete(3).unwrap();
    drop(store);
    assert_ne!(bytes, before);
}

#[test]
fn as_many_people_as_the_capacity_says_fit() {
    let mut bytes = blank();
    let mut store = format(&mut bytes);
    let vector = [1; DIMENSION as usize];
    let draft = Draft { name: "name", flags: 0, centres: &[SubCentre { photos: 1, vector: &vector }; 2] };
    let capacity = layout().capacity(DIMENSION, 2);
    assert_eq!(capacity, (4 * PAGE - 64) / (104 + 2 * 32));
    for id in 1..=capacity {
        assert_eq!(store.add(&draft), Ok(id as u32));
    }
    assert!(store.free_bytes() < layout().person_bytes(DIMENSION, 2));
    assert_eq!(store.add(&draft), Err(Error::Full));
    assert_eq!(store.people().len(), capacity);
}

/// Counts a failed attempt.
fn count_attempt<F: NorFlash>(store: &mut Store<F>) -> core::result::Result<(), Error<F::Error>> {
    let Counters { attempts, lockouts, is_locked, .. } = store.counters();
    store.set_attempts(attempts.saturating_add(1), lockouts, is_locked)
}

#[test]
fn holders_of_keys_stay_when_all_people_are_deleted() {
    let mut bytes = small();
    let mut store = open(&mut bytes).unwrap();
    let holder = store.add(&Draft { name: "a key", flags: 7, centres: &[] }).unwrap();
    assert!(store.people().len() > 1);
    store.delete_people().unwrap();
    assert_eq!(
        store.people().iter().map(|entry| (entry.id, entry.centres)).collect::<Vec<_>>(),
        [(holder, 0)]
    );
    let mut store = open(&mut bytes).unwrap();
    let mut head = Head::new();
    store.open_head(0, &mut head).unwrap();
    assert_eq!((head.name(), head.flags(), store.people().len()), ("a key", 7, 1));
    assert_eq!(store.open_centre(0, 0, &mut [0; DIMENSION as usize]), Err(Error::Unknown));
    store.count_start().unwrap();
    assert_eq!(open(&mut bytes).unwrap().counters().starts, 1);
}

#[test]
fn counters_last() {
    let mut bytes = small();
    let mut store = open(&mut bytes).unwrap();
    store.set_attempts(1, 9, true).unwrap();
    store.set_slot(Slot { is_second: true, trial: 3 }).unwrap();
    store.raise_floor(4).unwrap();
    let Counters { attempts, lockouts, is_locked, floor, slot, next_id, .. } =
        open(&mut bytes).unwrap().counters();
    assert_eq!((attempts, lockouts, is_locked, floor), (1, 9, true, 5));
    assert_eq!((slot, next_id), (Slot { is_second: true, trial: 3 }, 3));
    let mut store = open(&mut bytes).unwrap();
    store.set_attempts(0, 9, false).unwrap();
    let counters = open(&mut bytes).unwrap().counters();
    assert_eq!((counters.attempts, counters.is_locked, counters.floor), (0, false, 5));
    // Nothing changes, nothing is written.
    let before = bytes.clone();
    let mut store = open(&mut bytes).unwrap();
    store.set_attempts(0, 9, false).unwrap();
    store.raise_floor(5).unwrap();
    assert_eq!(store.into_flash().traffic().steps(), 0);
    assert_eq!(bytes, before);
}

#[track_caller]
fn refuses(bytes: &mut [u8], key: &[u8; 32], network: ModelId, dimension: u16, expected: OpenError<Fault>) {
    let before = bytes.to_vec();
    assert_eq!(Store::open(flash(bytes), layout(), key, network, dimension).err(), Some(expected));
    assert_eq!(bytes, before, "a refused store is as before");
}

#[test]
fn foreign_stores_are_refused_and_stay() {
    let mut bytes = small();
    refuses(&mut bytes, &KEY, ModelId([4; 16]), DIMENSION, OpenError::OtherNetwork);
    refuses(&mut bytes, &KEY, NETWORK, DIMENSION + 1, OpenError::OtherNetwork);
    refuses(&mut bytes, &[9; 32], NETWORK, DIMENSION, OpenError::Key);
    refuses(&mut bytes, &KEY, NETWORK, 0, OpenError::Dimension(0));
    refuses(&mut bytes, &KEY, NETWORK, 513, OpenError::Dimension(513));
    refuses(&mut blank(), &KEY, NETWORK, DIMENSION, OpenError::Unformatted);
    assert_eq!(state(&mut open(&mut bytes).unwrap()).unwrap().len(), 2);
}

/// Gives all records and headers another version, with a check that fits.
fn with_version(bytes: &[u8], version: u16, range: core::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    for record in bytes[range].chunks_exact_mut(64) {
        if [*b"GCTR", *b"GPPL"].contains(record.first_chunk().unwrap()) {
            record[4..6].copy_from_slice(&version.to_le_bytes());
            let check = crc.checksum(&record[..12]);
            record[12..16].copy_from_slice(&check.to_le_bytes());
        }
    }
    bytes
}

#[test]
fn later_version_is_refused_and_stays() {
    let bytes = small();
    let (log, halves) = (0..2 * PAGE, 2 * PAGE..bytes.len());
    for range in [0..bytes.len(), log.clone(), halves] {
        let mut bytes = with_version(&bytes, 3, range);
        refuses(&mut bytes, &KEY, NETWORK, DIMENSION, OpenError::Version(3));
    }
    let mut bytes = with_version(&bytes, 0, log);
    refuses(&mut bytes, &KEY, NETWORK, DIMENSION, OpenError::Damaged(Part::Counters));
}

#[test]
fn unfitting_layouts_are_refused() {
    let new = Layout::new_checked;
    assert_eq!(new(0, 256, 3, 2, 1), Err(LayoutError::Word(3)));
    assert_eq!(new(0, 256, 64, 2, 1), Err(LayoutError::Word(64)));
    assert_eq!(new(0, 256, 0, 2, 1), Err(LayoutError::Word(0)));
    assert_eq!(new(0, 100, 4, 2, 1), Err(LayoutError::Page(100)));
    assert_eq!(new(0, 0, 4, 2, 1), Err(LayoutError::Page(0)));
    assert_eq!(new(64, 256, 4, 2, 1), Err(LayoutError::Base(64)));
    assert_eq!(new(0, 256, 4, 1, 1), Err(LayoutError::Pages));
    assert_eq!(new(0, 256, 4, 2, 0), Err(LayoutError::Pages));
    let most = LayoutError::Capacity(u32::MAX.into());
    assert_eq!(new(0xffff_ff00, 256, 4, 2, 1), Err(most));
    assert_eq!(new(0, 1 << 31, 4, u32::MAX, u32::MAX), Err(most));
    let mut bytes = blank();
    let mut open = |layout| Store::open(flash(&mut bytes), layout, &KEY, NETWORK, DIMENSION).err();
    let geometry = Some(OpenError::Layout(LayoutError::Geometry));
    assert_eq!(open(new(0, 512, 4, 2, 1).unwrap()), geometry);
    assert_eq!(open(new(0, 256, 8, 2, 1).unwrap()), geometry);
    let capacity = Some(OpenError::Layout(LayoutError::Capacity(10 * PAGE as u64)));
    assert_eq!(open(new(256, 256, 4, 2, 4).unwrap()), capacity);
    assert_eq!(Layout::in_flash(&flash(&mut bytes), 0, 2, 4), Ok(layout()));
}

/// Whether the damaged store opens as the whole one, or says that it is damaged.
fn is_honest(mut bytes: Vec<u8>, people: &[Person]) -> bool {
    match open(&mut bytes) {
        Ok(mut store) => state(&mut store).unwrap() == people,
        Err(OpenError::Unformatted) => false,
        Err(_) => true,
    }
}

#[test]
fn flip_of_any_bit_is_told_or_without_effect() {
    let bytes = small();
    let people = state(&mut open(&mut bytes.clone()).unwrap()).unwrap();
    let half = (2..10).map(|page| page * PAGE).find(|&at| bytes[at..].starts_with(b"GPPL")).unwrap();
    let pieces: u32 =
        people.iter().map(|person| layout().person_bytes(DIMENSION, person.centres.len())).sum();
    let half = half..half + 64 + pieces as usize;
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if half.contains(&(bit / 8)) {
            // A mark of the key may look like another key.
            let is_key = (half.start + 8..half.start + 12).contains(&(bit / 8));
            let error = open(&mut flipped).err();
            let expected = OpenError::Damaged(Part::People);
            assert!(
                error == Some(expected) || is_key && error == Some(OpenError::Key),
                "bit {bit}: {error:?}"
            );
        } else {
            assert!(is_honest(flipped, &people), "bit {bit}");
        }
    }
}

#[test]
fn erased_parts_are_damage_and_no_empty_store() {
    let bytes = small();
    let mut without_people = bytes.clone();
    without_people[2 * PAGE..].fill(0xff);
    refuses(&mut without_people, &KEY, NETWORK, DIMENSION, OpenError::Damaged(Part::People));
    let mut without_counters = bytes.clone();
    without_counters[..2 * PAGE].fill(0xff);
    refuses(&mut without_counters, &KEY, NETWORK, DIMENSION, OpenError::Damaged(Part::Counters));
}

#[test]
fn damaged_counter_records_give_back_neither_epoch_nor_id() {
    for attempts in 0..9 {
        for damaged in 1..=3 {
            let mut bytes = blank();
            let mut store = format(&mut bytes);
            (1..=3).for_each(|number| assert_eq!(u64::from(add(&mut store, number)), number));
            (0..attempts).for_each(|_| count_attempt(&mut store).unwrap());
            store.delete(3).unwrap();
            store.delete_all().unwrap();
            let before = store.counters();
            drop(store);
            let sequence = |record: &[u8]| u32::from_le_bytes(*record[16..].first_chunk().unwrap());
            let mut places: Vec<usize> = (0..2 * PAGE).step_by(64).filter(|at| bytes[*at] == b'G').collect();
            places.sort_by_key(|at| sequence(&bytes[*at..]));
            for at in places.into_iter().rev().take(damaged) {
                bytes[at + 20] ^= 1;
            }
            let mut store = open(&mut bytes).unwrap();
            let counters = store.counters();
            assert!(counters.epoch >= before.epoch && counters.next_id >= before.next_id, "{counters:?}");
            assert!(add(&mut store, 4) >= 4);
            let counters = store.counters();
            assert_eq!(open(&mut bytes).unwrap().counters(), counters);
        }
    }
}

#[test]
fn damage_after_opening_is_told_and_the_damaged_person_can_be_deleted() {
    let mut bytes = small();
    let mut store = open(&mut bytes).unwrap();
    let start = store.start();
    store.flash_mut().bytes_mut()[start + 64 + 50] ^= 1;
    let (mut record, mut head) = (Record::new(), Head::new());
    assert_eq!(store.open_person(0, &mut record), Err(Error::Damaged));
    assert_eq!(record.head().id(), 0);
    assert_eq!(store.open_head(0, &mut head), Err(Error::Damaged));
    store.open_person(1, &mut record).unwrap();
    // Nobody is lost by a commit that cannot move a person.
    assert_eq!(store.rename(2, "name"), Err(Error::Damaged));
    assert_eq!(store.people().len(), 2);
    store.delete(1).unwrap();
    assert_eq!(state(&mut store).unwrap(), [Person::new(2, 2)]);
}

/// A flash whose counter log takes nothing any more.
struct Worn<'a>(Sim<'a>);

impl ErrorType for Worn<'_> {
    type Error = Fault;
}

impl ReadNorFlash for Worn<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> core::result::Result<(), Fault> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Worn<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> core::result::Result<(), Fault> {
        self.0.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> core::result::Result<(), Fault> {
        if offset < layout().half(0) { Ok(()) } else { self.0.write(offset, bytes) }
    }
}

#[test]
fn worn_log_is_told_and_loses_nothing() {
    let mut bytes = small();
    let mut store = open(&mut bytes).unwrap();
    let (counters, people) = (store.counters(), state(&mut store).unwrap());
    drop(store);
    let mut store = Store::open(Worn(flash(&mut bytes)), layout(), &KEY, NETWORK, DIMENSION).unwrap();
    for _ in 0..3 {
        assert_eq!(count_attempt(&mut store), Err(Error::Worn));
        assert_eq!(store.delete(1), Err(Error::Worn));
        assert_eq!((store.counters(), state(&mut store).unwrap()), (counters, people.clone()));
    }
    drop(store);
    let mut store = open(&mut bytes).unwrap();
    assert_eq!((store.counters(), state(&mut store).unwrap()), (counters, people));
    count_attempt(&mut store).unwrap();
}

#[test]
fn format_keeps_counters_of_the_same_key_only() {
    let mut bytes = small();
    let before = open(&mut bytes).unwrap().counters();
    let other = ModelId([4; 16]);
    let counters = format_with(&mut bytes, &KEY, other).unwrap().counters();
    assert_eq!(counters, Counters { epoch: before.epoch + 1, commits: before.commits + 1, ..before });
    assert_eq!(open(&mut bytes).err(), Some(OpenError::OtherNetwork));
    let counters = format_with(&mut bytes, &[9; 32], NETWORK).unwrap().counters();
    assert_eq!(counters, Counters { epoch: 501, next_id: 1, commits: 1, ..Counters::default() });
    assert_eq!(open(&mut bytes).err(), Some(OpenError::Key));
}

#[test]
fn cut_while_formatting_asks_for_formatting_again() {
    for key in [KEY, [9; 32]] {
        for old in [blank(), small()] {
            let mut step = 0;
            loop {
                let mut bytes = old.clone();
                let mut flash: Sim = Flash::new(&mut bytes, &mut [], &mut [], Tear::Both, step);
                flash.cut_after(step);
                if Store::format(&mut flash, layout(), &key, NETWORK, DIMENSION, 0).is_ok() {
                    break;
                }
                flash.power_on();
                match Store::open(&mut flash, layout(), &key, NETWORK, DIMENSION) {
                    // Before the first record: the old store. In the last one: the new store.
                    Ok(store) => assert!(
                        [0, 2].contains(&store.people().len()) && key == KEY || store.people().is_empty()
                    ),
                    Err(OpenError::Unformatted) => {}
                    Err(OpenError::Key | OpenError::Damaged(Part::Counters)) => {
                        assert!(key != KEY && old != blank())
                    }
                    Err(error) => panic!("{error:?}"),
                }
                let mut store = Store::format(&mut flash, layout(), &key, NETWORK, DIMENSION, 0).unwrap();
                let id = Person::new(0, 1).with_draft(|draft| store.add(draft)).unwrap();
                assert_eq!(store.people()[0].id, id);
                drop(store);
                let mut store = Store::open(&mut flash, layout(), &key, NETWORK, DIMENSION).unwrap();
                assert_eq!(state(&mut store).unwrap(), [Person::new(id, 1)]);
                step += 1;
            }
            assert!(step > 30, "{step}");
        }
    }
}

#[test]
fn store_is_small_in_memory() {
    assert!(size_of::<Store<()>>() <= 2700, "{}", size_of::<Store<()>>());
    assert!(size_of::<Record>() <= 4200);
}

#[test]
fn figures_of_a_board_are_pinned() {
    // 64 KB: two log pages and twice seven pages of 4 KB.
    let layout = Layout::new_checked(0x10000, 4096, 1, 2, 7).unwrap();
    assert_eq!((layout.base(), layout.end(), layout.total_bytes()), (0x10000, 0x20000, 0x10000));
    assert_eq!((layout.half(0), layout.half(1)), (0x12000, 0x19000));
    assert_eq!(layout.person_bytes(512, 3), 104 + 3 * 528);
    assert_eq!(layout.capacity(512, 3), 16);
    assert_eq!(layout.capacity(128, 3), 53);
    assert_eq!(layout.capacity(16, 1), 200);
    let cost = layout.commit(512, 10, 3);
    assert_eq!((cost.written_bytes, cost.erased_bytes), (128 + 10 * 1688, 5 * 4096));
    assert_eq!(layout.attempts(10_000), 10_000 * 128);
    assert_eq!((layout.enrolments(10_000, false), layout.enrolments(10_000, true)), (20_000, 10_000));
    // The book's example.
    let book = Layout::new_checked(0, 4096, 1, 2, 32).unwrap();
    assert_eq!(book.total_bytes(), 264 * 1024);
    assert_eq!([128, 512].map(|dimension| book.person_bytes(dimension, 3)), [536, 1688]);
    assert_eq!([128, 512].map(|dimension| book.capacity(dimension, 3)), [200, 77]);
    let costs = [128, 512].map(|dimension| book.commit(dimension, 50, 3));
    assert_eq!(costs.map(|cost| cost.written_bytes), [26_928, 84_528]);
    assert_eq!(costs.map(|cost| cost.erased_bytes), [28 * 1024, 84 * 1024]);
    assert_eq!([false, true].map(|is_restarted| book.enrolments(100_000, is_restarted)), [200_000, 100_000]);
    assert_eq!(book.attempts(100_000), 12_800_000);
    let words = Layout::new_checked(0, 8192, 32, 2, 7).unwrap();
    assert_eq!(words.person_bytes(512, 3), 128 + 3 * 544);
}

#[test]
fn wear_is_as_predicted() {
    for is_restarted in [false, true] {
        let mut bytes = blank();
        add(&mut format(&mut bytes), 1);
        let mut wear = [0; 10];
        let flash: Sim = Flash::new(&mut bytes, &mut [], &mut wear, Tear::Whole, 0);
        let mut store = Store::open(flash, layout(), &KEY, NETWORK, DIMENSION).unwrap();
        let commits = 20;
        for number in 0..commits {
            if is_restarted {
                store = Store::open(store.into_flash(), layout(), &KEY, NETWORK, DIMENSION).unwrap();
            }
            store.rename(1, if number % 2 == 0 { "even" } else { "odd" }).unwrap();
        }
        let erasures = store.erasures();
        let flash = store.into_flash();
        let cycles = flash.wear();
        // Formatting and the first person are commits, too.
        assert!((cycles..=commits as u32 + 2).contains(&erasures), "{cycles} {erasures}");
        assert!(layout().enrolments(cycles, is_restarted) >= commits, "{cycles}");
        // A cycle more, because the store was opened once.
        assert!(layout().enrolments(cycles - 1, is_restarted) <= commits, "{cycles}");
        let cost = layout().commit(DIMENSION, 1, Person::new(1, 1).centres.len());
        assert_eq!(flash.traffic().words, commits * u64::from(cost.written_bytes) / 4);
    }
}

#[test]
fn attempts_wear_the_log() {
    let mut bytes = blank();
    drop(format(&mut bytes));
    let mut wear = [0; 10];
    let flash: Sim = Flash::new(&mut bytes, &mut [], &mut wear, Tear::Whole, 0);
    let mut store = Store::open(flash, layout(), &KEY, NETWORK, DIMENSION).unwrap();
    for _ in 0..200 {
        count_attempt(&mut store).unwrap();
    }
    let erasures = store.erasures();
    let cycles = store.into_flash().wear();
    assert!(cycles > 20 && (cycles..=cycles + 1).contains(&erasures), "{cycles} {erasures}");
}

proptest! {
    #[test]
    fn no_content_causes_a_panic(
        seed: u64,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..64),
        pages in prop::collection::vec((0..10usize, 0..10usize), 0..4),
    ) {
        let mut bytes = small();
        for (from, to) in pages {
            bytes.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
        }
        for (place, value) in flips {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let Ok(mut store) = open(&mut bytes) else { return Ok(()) };
        let _ = state(&mut store);
        let _ = count_attempt(&mut store);
        let _ = Person::new(0, seed).with_draft(|draft| store.add(draft));
        let _ = store.delete(1);
    }
}
