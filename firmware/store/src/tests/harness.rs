//! What must hold whatever happens to the supply, checked from outside: through the store's operations, the writes that
//! reach the flash, and the flash's raw bytes. Tests and the example `cuts` use it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use format::ModelId;
use store::record::{CounterRecord, Header, MAX_COMMITS, RECORD_BYTES};
use store::sim::{ERASED, Fault, Flash, PROGRAMMED, Tear, UNREADABLE};
use store::{Counters, Draft, Error, Layout, OpenError, Record, Slot, Store, SubCentre};

/// Bytes of a page.
pub const PAGE: usize = 256;
/// Elements of a centre.
pub const DIMENSION: u16 = 16;
/// The board's key.
pub const KEY: [u8; 32] = [7; 32];
/// The network.
pub const NETWORK: ModelId = ModelId([3; 16]);
/// Most people of a trial; so many fit.
const MOST: usize = 4;
/// Bytes that are enough to know somebody by.
const WINDOW: usize = 12;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// Something acknowledged is not there.
    Lost,
    /// Somebody deleted is there again, or somebody is there who never was.
    Revived,
    /// Flash holds more than the present people.
    Left,
    /// A counter has gone back, or changed without a reason.
    Back,
    /// The store does not open, or does not do what it should.
    Fails,
    /// An id was used again.
    Id,
    /// A nonce has sealed two texts.
    Nonce,
    /// A header was written before all of its pieces.
    Order,
}

/// The number of kinds of violation.
pub const KINDS: usize = 8;

/// The writes that reached the flash.
#[derive(Clone, Default)]
struct Trace {
    /// Highest epoch in the log.
    epoch: u64,
    /// Digests of the pieces sealed under an epoch, by their numbers.
    sealed: HashMap<(u64, u32), u64>,
    /// For each half: pieces since its first page was erased, and whether the header stands.
    halves: [(u32, bool); 2],
    violations: Vec<Violation>,
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = Fold::default();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A flash, with the store in it and its history.
#[derive(Clone)]
pub struct Memory<const WORD: usize> {
    bytes: Vec<u8>,
    words: Vec<u8>,
    wear: Vec<u32>,
    trace: Trace,
}

/// The layout of every trial: two log pages and two times four pages.
pub fn layout<const WORD: usize>() -> Layout {
    Layout::new_checked(PAGE as u32, PAGE as u32, WORD as u32, 2, 4).expect("a sound layout")
}

impl<const WORD: usize> Default for Memory<WORD> {
    fn default() -> Self {
        let bytes = layout::<WORD>().end() as usize;
        Memory {
            bytes: vec![0xff; bytes],
            words: vec![ERASED; bytes / WORD],
            wear: vec![0; bytes / PAGE],
            trace: Trace::default(),
        }
    }
}

/// A flash that is watched.
pub struct Watch<'a, const WORD: usize> {
    /// The flash.
    pub flash: Flash<'a, WORD, PAGE>,
    trace: &'a mut Trace,
}

impl<'a, const WORD: usize> Watch<'a, WORD> {
    /// Switches the memory on.
    pub fn new(memory: &'a mut Memory<WORD>, tear: Tear, seed: u64) -> Self {
        let Memory { bytes, words, wear, trace } = memory;
        Watch { flash: Flash::new(bytes, words, wear, tear, seed), trace }
    }

    fn half_of(offset: u32) -> Option<(usize, u32)> {
        let layout = layout::<WORD>();
        [1, 0].into_iter().find_map(|half| {
            let start = layout.half(half);
            (offset >= start).then(|| (half as usize, offset - start))
        })
    }
}

impl<const WORD: usize> ErrorType for Watch<'_, WORD> {
    type Error = Fault;
}

impl<const WORD: usize> ReadNorFlash for Watch<'_, WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.flash.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<const WORD: usize> NorFlash for Watch<'_, WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        assert!(from >= layout::<WORD>().base(), "erasure outside of the store");
        if let (Some((half, 0)), false) = (Self::half_of(from), self.flash.is_off()) {
            self.trace.halves[half] = (0, false);
        }
        self.flash.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        assert!(offset >= layout::<WORD>().base(), "write outside of the store");
        let was_off = self.flash.is_off();
        let result = self.flash.write(offset, bytes);
        if was_off {
            return result;
        }
        let trace = &mut *self.trace;
        match Self::half_of(offset) {
            None => {
                if let (Ok(()), Ok(record)) = (result, CounterRecord::parse(bytes.try_into().unwrap())) {
                    trace.epoch = trace.epoch.max(record.counters.epoch);
                }
            }
            Some((half, 0)) => {
                trace.halves[half].1 = true;
                let header = Header::parse(bytes.try_into().unwrap()).expect("a header");
                if header.epoch != trace.epoch {
                    trace.violations.push(Violation::Nonce);
                }
            }
            Some((half, _)) => {
                let (index, is_headed) = &mut trace.halves[half];
                if *is_headed {
                    trace.violations.push(Violation::Order);
                }
                let place = (trace.epoch, *index);
                *index += 1;
                if *trace.sealed.entry(place).or_insert(digest(bytes)) != digest(bytes) {
                    trace.violations.push(Violation::Nonce);
                }
            }
        }
        result
    }
}

/// A person as the tests know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: u32,
    /// The name.
    pub name: String,
    /// The flags.
    pub flags: u16,
    /// Photos and elements of each sub-centre.
    pub centres: Vec<(u16, Vec<i8>)>,
}

impl Person {
    /// Somebody with 1 to 2 sub-centres, different for each number.
    pub fn new(id: u32, number: u64) -> Self {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..8 {
            random();
        }
        let centres = (0..1 + random() % 2)
            .map(|_| {
                let vector = (0..DIMENSION).map(|_| (random() >> 20) as i8).map(|x| x.max(-127) | 1);
                let vector = vector.collect();
                (random() as u16 % 100, vector)
            })
            .collect();
        Person { id, name: name(random()), flags: random() as u16, centres }
    }

    /// The holder of a key, who has no sub-centres.
    pub fn key(id: u32, number: u64) -> Self {
        Person { centres: Vec::new(), ..Person::new(id, number) }
    }

    /// Calls `act` with the person's draft.
    pub fn with_draft<T>(&self, act: impl FnOnce(&Draft) -> T) -> T {
        let centres: Vec<_> =
            self.centres.iter().map(|(photos, vector)| SubCentre { photos: *photos, vector }).collect();
        act(&Draft { name: &self.name, flags: self.flags, centres: &centres })
    }

    fn texts(&self) -> impl Iterator<Item = Vec<u8>> {
        let centres = self.centres.iter().map(|(_, vector)| vector.iter().map(|&x| x as u8).collect());
        std::iter::once(self.name.clone().into_bytes()).chain(centres)
    }
}

fn name(number: u64) -> String {
    format!("name {number:016x}")
}

/// An operation. People are named by their place among the present ones, modulo their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as the store's operations")]
pub enum Op {
    Add(u64),
    AddKey(u64),
    Replace(usize, u64),
    Rename(usize, u64),
    Delete(usize),
    DeleteLast,
    DeleteAll,
    DeletePeople,
    Attempt,
    Clear,
    Lock(u8),
    Unlock,
    Floor(u32),
    Slot(u8),
}

/// The state that the store should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The people, ids ascending.
    pub people: Vec<Person>,
    /// The counters.
    pub counters: Counters,
    /// Highest id ever seen.
    pub highest_id: u32,
}

/// Stores changed attempts and lock-outs.
fn set<F: NorFlash>(store: &mut Store<F>, change: impl FnOnce(&mut Counters)) -> Result<(), Error<F::Error>> {
    let mut counters = store.counters();
    change(&mut counters);
    store.set_attempts(counters.attempts, counters.lockouts, counters.is_locked)
}

impl Model {
    fn at(&self, place: usize) -> Option<usize> {
        (!self.people.is_empty()).then(|| place % self.people.len().max(1))
    }

    /// The operation on this state, so that it can be done: nobody is deleted from an empty store.
    pub fn possible(&self, op: Op) -> Op {
        match op {
            Op::Add(_) | Op::AddKey(_) if self.people.len() >= MOST => Op::Delete(0),
            Op::Replace(..) | Op::Rename(..) | Op::Delete(_) | Op::DeleteLast if self.people.is_empty() => {
                Op::Attempt
            }
            op => op,
        }
    }

    /// The state after the operation.
    pub fn after(&self, op: Op) -> Model {
        let mut model = self.clone();
        let Model { people, counters, .. } = &mut model;
        let is_commit = matches!(
            op,
            Op::Add(_)
                | Op::AddKey(_)
                | Op::Replace(..)
                | Op::Rename(..)
                | Op::Delete(_)
                | Op::DeleteLast
                | Op::DeleteAll
                | Op::DeletePeople
        );
        // A mutant may read any number.
        counters.epoch = counters.epoch.saturating_add(is_commit.into());
        counters.commits = counters.commits.saturating_add(is_commit.into()).min(MAX_COMMITS);
        match op {
            Op::Add(number) | Op::AddKey(number) => {
                let person = if matches!(op, Op::Add(_)) { Person::new } else { Person::key };
                people.push(person(counters.next_id, number));
                counters.next_id = counters.next_id.saturating_add(1);
            }
            Op::Replace(place, number) => {
                let person = &mut people[self.at(place).unwrap()];
                *person = Person::new(person.id, number);
            }
            Op::Rename(place, number) => people[self.at(place).unwrap()].name = name(number),
            Op::Delete(place) => drop(people.remove(self.at(place).unwrap())),
            Op::DeleteLast => drop(people.pop()),
            Op::DeleteAll => people.clear(),
            Op::DeletePeople => people.retain(|person| person.centres.is_empty()),
            Op::Attempt => counters.attempts += 1,
            Op::Clear => counters.attempts = 0,
            Op::Lock(lockouts) => (counters.lockouts, counters.is_locked) = (lockouts, true),
            Op::Unlock => counters.is_locked = false,
            Op::Floor(version) => counters.floor = counters.floor.max(version),
            Op::Slot(trial) => counters.slot = Slot { is_second: trial % 2 == 1, trial },
        }
        model
    }

    fn run<const WORD: usize>(&self, store: &mut Opened<WORD>, op: Op) -> Result<(), Error<Fault>> {
        let id = |place| self.people[self.at(place).unwrap()].id;
        match op {
            Op::Add(number) | Op::AddKey(number) => {
                let person = if matches!(op, Op::Add(_)) { Person::new } else { Person::key };
                let person = person(0, number);
                let id = person.with_draft(|draft| store.add(draft))?;
                assert_eq!(id, self.counters.next_id);
                Ok(())
            }
            Op::Replace(place, number) => {
                Person::new(0, number).with_draft(|draft| store.replace(id(place), draft))
            }
            Op::Rename(place, number) => store.rename(id(place), &name(number)),
            Op::Delete(place) => store.delete(id(place)),
            Op::DeleteLast => store.delete(self.people.last().unwrap().id),
            Op::DeleteAll => store.delete_all(),
            Op::DeletePeople => store.delete_people(),
            Op::Attempt => set(store, |counters| counters.attempts = counters.attempts.saturating_add(1)),
            Op::Clear => set(store, |counters| counters.attempts = 0),
            Op::Lock(lockouts) => {
                set(store, |counters| (counters.lockouts, counters.is_locked) = (lockouts, true))
            }
            Op::Unlock => set(store, |counters| counters.is_locked = false),
            Op::Floor(version) => store.raise_floor(version),
            Op::Slot(trial) => store.set_slot(Slot { is_second: trial % 2 == 1, trial }),
        }
    }
}

type Opened<'a, 'b, const WORD: usize> = Store<&'a mut Watch<'b, WORD>>;

/// Opens the store of a trial.
pub fn open<'a, 'b, const WORD: usize>(
    watch: &'a mut Watch<'b, WORD>,
) -> Result<Opened<'a, 'b, WORD>, OpenError<Fault>> {
    Store::open(watch, layout::<WORD>(), &KEY, NETWORK, DIMENSION)
}

/// The state that a store has.
pub fn state<F: NorFlash>(store: &mut Store<F>) -> Result<Vec<Person>, Error<F::Error>> {
    let mut record = Record::new();
    let mut people = Vec::new();
    for index in 0..store.people().len() {
        store.open_person(index, &mut record)?;
        let head = record.head();
        people.push(Person {
            id: head.id(),
            name: head.name().into(),
            flags: head.flags(),
            centres: record.centres().map(|centre| (centre.photos, centre.vector.to_vec())).collect(),
        });
    }
    Ok(people)
}

/// How a session is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Not at all.
    None,
    /// The supply fails in this step.
    Cut(u64),
    /// This step happens only partly, without an error.
    Silent(u64),
}

/// A store at rest and the state that it has.
#[derive(Clone)]
pub struct World<const WORD: usize> {
    /// The flash.
    pub memory: Memory<WORD>,
    /// The state.
    pub model: Model,
    tear: Tear,
    seed: u64,
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = [u8; WINDOW]> {
    // Padding tells nothing.
    let is_telling = |window: &&[u8; WINDOW]| window.iter().filter(|&&byte| byte == 0xff).count() < 4;
    bytes.windows(WINDOW).filter_map(|window| window.first_chunk()).filter(is_telling).copied()
}

/// Byte sequences that must not be in flash once an operation is in force.
pub type Gone = HashSet<[u8; WINDOW], BuildHasherDefault<Fold>>;

/// A hash that is fast, for bytes that are random already.
#[derive(Default)]
pub struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed =
                (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ mixed >> 29;
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<const WORD: usize> World<WORD> {
    /// A formatted store.
    pub fn new(tear: Tear, seed: u64) -> Self {
        let mut memory = Memory::default();
        let mut watch = Watch::new(&mut memory, tear, seed);
        let store =
            Store::format(&mut watch, layout::<WORD>(), &KEY, NETWORK, DIMENSION, seed).expect("format");
        let model = Model { people: Vec::new(), counters: store.counters(), highest_id: 0 };
        drop(store);
        World { memory, model, tear, seed }
    }

    /// The header in force in raw flash, with its half.
    fn header(&self) -> Option<(usize, Header)> {
        let layout = layout::<WORD>();
        let found = [0, 1].into_iter().filter_map(|half| {
            let start = layout.half(half) as usize;
            let bytes = self.memory.bytes[start..].first_chunk::<RECORD_BYTES>().unwrap();
            Header::parse(bytes).ok().map(|header| (start, header))
        });
        found.max_by_key(|(_, header)| header.epoch)
    }

    /// What must be gone once the operation is in force: everything sealed before a commit, and the texts that are not
    /// in the new state.
    pub fn gone(&self, new: &Model) -> Gone {
        if new.people == self.model.people {
            return Gone::default();
        }
        let (start, header) = self.header().expect("a header");
        let pieces = start + RECORD_BYTES..start + RECORD_BYTES + header.length as usize;
        let mut gone: Gone = windows(&self.memory.bytes[pieces]).collect();
        gone.extend(self.model.people.iter().flat_map(|person| {
            person.texts().flat_map(|text| windows(&text).collect::<Vec<_>>()).collect::<Vec<_>>()
        }));
        gone
    }

    /// Opens the store, does the operations, and disturbs it. Returns the last operation's result and the steps.
    pub fn session(&mut self, ops: &[Op], disturbance: Disturbance) -> (Result<(), OpenError<Fault>>, u64) {
        self.seed = self.seed.wrapping_add(1);
        let mut watch = Watch::new(&mut self.memory, self.tear, self.seed);
        match disturbance {
            Disturbance::None => {}
            Disturbance::Cut(steps) => watch.flash.cut_after(steps),
            Disturbance::Silent(steps) => watch.flash.fail_after(steps),
        }
        let mut result = Ok(());
        let mut model = self.model.clone();
        match open(&mut watch) {
            Ok(mut store) => {
                for &op in ops {
                    result = model.run(&mut store, op).map_err(OpenError::from);
                    if result.is_err() {
                        break;
                    }
                    model = model.after(op);
                }
            }
            Err(error) => result = Err(error),
        }
        (result, watch.flash.traffic().steps())
    }

    /// Opens the store and compares it with the state, which is the new one if it is acknowledged, or else the old or
    /// the new one. Takes the state that it finds. Returns what must not be.
    pub fn check(&mut self, new: &Model, is_acknowledged: bool, gone: &Gone) -> Vec<Violation> {
        let old = self.model.clone();
        let mut violations = core::mem::take(&mut self.memory.trace.violations);
        // An acknowledged deletion does not wait for the next boot.
        if is_acknowledged && !self.is_clean(&new.people, Some(gone)) {
            violations.push(Violation::Left);
        }
        self.seed = self.seed.wrapping_add(1);
        let mut watch = Watch::new(&mut self.memory, self.tear, self.seed);
        let opened = open(&mut watch).map(|mut store| (state(&mut store), store.counters()));
        let Ok((Ok(people), counters)) = opened else {
            violations.push(Violation::Fails);
            return violations;
        };
        let is_new = people == new.people;
        if !is_new && (is_acknowledged || people != old.people) {
            let is_revived = people.iter().any(|person| !new.people.contains(person));
            violations.push(if is_revived { Violation::Revived } else { Violation::Lost });
        }
        let visible = |c: Counters| (c.attempts, c.lockouts, c.is_locked, c.floor, c.slot);
        let is_kept = visible(counters) == visible(new.counters)
            || !is_acknowledged && visible(counters) == visible(old.counters);
        let highest = people.iter().map(|person| person.id).max().unwrap_or(0);
        if !is_kept
            || counters.epoch < old.counters.epoch
            || counters.commits < old.counters.commits
            || counters.next_id < old.counters.next_id
            || counters.next_id <= highest
            || is_acknowledged && counters != new.counters
        {
            violations.push(Violation::Back);
        }
        let is_old_id = |id| old.people.iter().any(|person| person.id == id);
        if people.iter().any(|person| !is_old_id(person.id) && person.id <= old.highest_id) {
            violations.push(Violation::Id);
        }
        let highest_id = highest.max(old.highest_id);
        if !self.is_clean(&people, is_new.then_some(gone)) {
            violations.push(Violation::Left);
        }
        self.model = Model { people, counters, highest_id };
        violations
    }

    /// Makes erased words of the store refuse to be programmed. They stay blank.
    pub fn wear_out(&mut self, places: core::ops::Range<usize>) {
        let words = (PAGE + places.start) / WORD..(PAGE + places.end) / WORD;
        self.memory.words[words].fill(PROGRAMMED);
    }

    /// Changes bits of a byte of the flash, and opens the store: it has all people, or does not open. Then the bits are as before,
    /// unless the byte is erased since, and nothing is lost. Returns what must not be.
    pub fn damage(&mut self, place: usize, change: u8) -> Vec<Violation> {
        let start = layout::<WORD>().base() as usize;
        let at = start + place % (self.memory.bytes.len() - start);
        self.memory.bytes[at] ^= change;
        let wear = self.memory.wear[at / PAGE];
        self.seed = self.seed.wrapping_add(1);
        let mut watch = Watch::new(&mut self.memory, self.tear, self.seed);
        let mut violations = Vec::new();
        match open(&mut watch).map(|mut store| (state(&mut store), store.counters())) {
            Ok((people, counters)) => {
                if people.as_ref() != Ok(&self.model.people) {
                    violations.push(Violation::Lost);
                }
                // The latest record may be lost. No epoch and no id that was used is used again all the same.
                let sealed = self.memory.trace.sealed.keys().map(|&(epoch, _)| epoch).max();
                if sealed.is_some_and(|epoch| counters.epoch < epoch)
                    || counters.next_id <= self.model.highest_id
                {
                    violations.push(Violation::Back);
                }
                self.model.counters = counters;
                // Epochs between are those of a lost record, under which nothing was sealed.
                self.memory.trace.epoch = counters.epoch;
            }
            Err(OpenError::Write(_)) => violations.push(Violation::Fails),
            Err(_) => {}
        }
        if self.memory.wear[at / PAGE] == wear {
            self.memory.bytes[at] ^= change;
        }
        let model = self.model.clone();
        violations.extend(self.check(&model, false, &Gone::default()));
        violations
    }

    /// Whether flash is blank but for the log and the half in force, which is as it was sealed, and nothing that
    /// should be gone is left.
    fn is_clean(&self, people: &[Person], gone: Option<&Gone>) -> bool {
        let Memory { bytes, words, trace, .. } = &self.memory;
        let layout = layout::<WORD>();
        let Some((start, header)) = self.header() else { return false };
        let used = start..start + RECORD_BYTES + header.length as usize;
        let mut places = layout.half(0) as usize..layout.end() as usize;
        let is_blank = |at: usize| bytes[at] == 0xff && words[at / WORD] != UNREADABLE;
        if !places.all(|at| used.contains(&at) || is_blank(at)) {
            return false;
        }
        let mut at = start + RECORD_BYTES;
        let head = 104_usize.next_multiple_of(WORD);
        let centre = (usize::from(DIMENSION) + 16).next_multiple_of(WORD);
        let mut index = 0;
        for person in people {
            for bytes_of in core::iter::once(head).chain(person.centres.iter().map(|_| centre)) {
                let piece = bytes.get(at..at + bytes_of).unwrap_or_default();
                if trace.sealed.get(&(header.epoch, index)) != Some(&digest(piece)) {
                    return false;
                }
                at += bytes_of;
                index += 1;
            }
        }
        let is_found = |gone: &Gone| windows(bytes).any(|window| gone.contains(&window));
        at == used.end && !gone.is_some_and(is_found)
    }
}

/// Every kind of operation, with the log's pages turned several times.
pub const SCRIPT: [Op; 21] = [
    Op::Add(1),
    Op::Add(2),
    Op::Attempt,
    Op::Attempt,
    Op::Replace(0, 3),
    Op::Lock(u8::MAX),
    Op::Add(4),
    Op::Rename(1, 5),
    Op::Floor(9),
    Op::Delete(1),
    Op::Slot(1),
    Op::DeleteLast,
    Op::Unlock,
    Op::Clear,
    Op::Add(6),
    Op::Slot(2),
    Op::Floor(10),
    Op::AddKey(8),
    Op::DeletePeople,
    Op::DeleteAll,
    Op::Add(7),
];

/// Counts of what was tried and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations.
    pub operations: u64,
    /// Cuts, those of boots included.
    pub cuts: u64,
    /// Steps that failed silently.
    pub silent: u64,
    /// Violations by kind.
    pub violations: [u64; KINDS],
}

impl Tally {
    fn note(&mut self, violations: &[Violation]) {
        for &violation in violations {
            self.violations[violation as usize] += 1;
        }
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.violations == [0; KINDS]
    }

    /// Number of violations of this kind.
    pub fn count(&self, violation: Violation) -> u64 {
        self.violations[violation as usize]
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Tally) {
        self.operations += other.operations;
        self.cuts += other.cuts;
        self.silent += other.silent;
        self.violations.iter_mut().zip(other.violations).for_each(|(sum, count)| *sum += count);
    }
}

/// Disturbs every step of every operation of the script, and every step of the boot after a cut, with every outcome of
/// `seeds` numbers. With words of a byte, the commit after a cut and silent failures are tried at every fourth step only.
/// Ends after the first operation with a violation.
pub fn exhaust<const WORD: usize>(tear: Tear, script: &[Op], seeds: u64) -> Tally {
    let mut tally = Tally::default();
    let mut before: World<WORD> = World::new(tear, 1);
    let mut previous: Option<Op> = None;
    for &op in script {
        // A session of the previous operation and this one; the previous one is not disturbed.
        let mut at_rest = before.clone();
        let undisturbed = previous.map_or(0, |op| at_rest.session(&[op], Disturbance::None).1);
        let mut old = at_rest.model.clone();
        if let Some(op) = previous {
            old = old.after(op);
            tally.note(&at_rest.check(&old, true, &Gone::default()));
        }
        let new = at_rest.model.after(op);
        let gone = at_rest.gone(&new);
        let ops: Vec<Op> = previous.into_iter().chain([op]).collect();
        let mut whole = before.clone();
        let (result, steps) = whole.session(&ops, Disturbance::None);
        if result.is_err() {
            tally.note(&[Violation::Fails]);
        }
        whole.model = old.clone();
        tally.note(&whole.check(&new, true, &gone));
        tally.operations += 1;
        for step in undisturbed..steps {
            for seed in 0..seeds {
                let mut cut = before.clone();
                cut.seed = step * 1000 + seed * 100;
                tally.cuts += 1;
                if cut.session(&ops, Disturbance::Cut(step)).0.is_ok() {
                    tally.note(&[Violation::Fails]);
                }
                cut.model = old.clone();
                let mut booted = cut.clone();
                let (_, boot_steps) = booted.session(&[], Disturbance::None);
                tally.note(&booted.check(&new, false, &gone));
                for boot_step in 0..boot_steps {
                    let mut booted = cut.clone();
                    tally.cuts += 1;
                    if booted.session(&[], Disturbance::Cut(boot_step)).0.is_ok() {
                        tally.note(&[Violation::Fails]);
                    }
                    tally.note(&booted.check(&new, false, &gone));
                }
                // With words of a byte there are many steps, and all bytes of a piece are alike.
                if WORD == 1 && step % 4 != 0 {
                    continue;
                }
                // Life goes on: the next commit seals under another epoch.
                let next = booted.model.possible(Op::Add(1000 + seed));
                let last = booted.model.after(next);
                let gone_next = booted.gone(&last);
                let (result, _) = booted.session(&[next], Disturbance::None);
                tally.note(&booted.check(&last, result.is_ok(), &gone_next));
                if result.is_err() {
                    tally.note(&[Violation::Fails]);
                }

                let mut silent = before.clone();
                silent.seed = step * 1000 + seed * 100;
                tally.silent += 1;
                let (result, _) = silent.session(&ops, Disturbance::Silent(step));
                silent.model = old.clone();
                tally.note(&silent.check(&new, result.is_ok(), &gone));
            }
        }
        if !tally.is_clean() {
            return tally;
        }
        before = at_rest;
        previous = Some(op);
    }
    tally
}

/// A trial of random operations and random disturbances. Ends with the first violation.
pub fn wander<const WORD: usize>(tear: Tear, seed: u64, operations: u64) -> Tally {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5555;
    let mut random = move |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % below
    };
    let mut tally = Tally::default();
    let mut world: World<WORD> = World::new(tear, seed);
    for number in 0..operations {
        let op = match random(16) {
            0..4 => Op::Add(seed ^ number << 32),
            4 => Op::Replace(random(4) as usize, seed ^ number << 32),
            5 => Op::Rename(random(4) as usize, random(u64::MAX)),
            6 | 7 => Op::Delete(random(4) as usize),
            8 => Op::DeleteLast,
            9 if random(3) == 0 => Op::DeleteAll,
            9 | 10 => Op::Attempt,
            11 => Op::Clear,
            12 => Op::Lock(random(u8::MAX.into()) as u8),
            13 => Op::Unlock,
            14 => Op::Floor(random(1000) as u32),
            _ => Op::Slot(random(4) as u8),
        };
        let op = world.model.possible(op);
        let new = world.model.after(op);
        let gone = world.gone(&new);
        let is_commit = new.counters.epoch != world.model.counters.epoch;
        let layout = layout::<WORD>();
        let bytes_of = |person: &Person| layout.person_bytes(DIMENSION, person.centres.len());
        let pieces: u32 = new.people.iter().map(bytes_of).sum();
        // The bytes programmed, and up to six pages erased.
        let bytes = if is_commit { 2 * RECORD_BYTES as u32 + pieces } else { RECORD_BYTES as u32 };
        let steps = random(u64::from(bytes) / WORD as u64 + 6);
        let disturbance = match random(8) {
            0..5 => Disturbance::Cut(steps),
            5 => Disturbance::Silent(steps),
            _ => Disturbance::None,
        };
        tally.operations += 1;
        let (result, _) = world.session(&[op], disturbance);
        let is_cut = matches!(disturbance, Disturbance::Cut(_)) && result.is_err();
        tally.cuts += u64::from(is_cut);
        tally.silent += u64::from(matches!(disturbance, Disturbance::Silent(_)));
        if result.is_err() && disturbance == Disturbance::None {
            tally.note(&[Violation::Fails]);
        }
        while is_cut && random(3) == 0 {
            let is_cut = world.session(&[], Disturbance::Cut(random(6))).0.is_err();
            tally.cuts += u64::from(is_cut);
        }
        tally.note(&world.check(&new, result.is_ok(), &gone));
        if !tally.is_clean() {
            return tally;
        }
    }
    tally
}
