//! The store's operations.

use embedded_storage::nor_flash::NorFlash;
use format::ModelId;
use heapless::Vec;

use crate::half::{Buffer, Cursor, Origin, Terms, Unsound, buffer, clear, erase, pages};
use crate::layout::Layout;
use crate::log::Log;
use crate::nor::is_blank;
use crate::people::{Draft, Entry, Head, Record};
use crate::record::{Counters, HEAD_CLEAR_BYTES, Header, Slot, TAG_BYTES, emit_head, parse_head};
use crate::seal::Keys;
use crate::step::{Step, is_taken};
use crate::{Error, LayoutError, MAX_CENTRES, MAX_DIMENSION, MAX_NAME, MAX_PEOPLE, OpenError, Part};

/// An open store. `F` may be a `&mut` to a flash.
///
/// It keeps the entries and the counters in RAM, less than 2.7 KB, and no name and no centre. On a Cortex-M4 opening
/// takes less than 5.5 KB of stack, any other operation less than 3 KB.
pub struct Store<F> {
    flash: F,
    terms: Terms,
    /// The network of the half in force.
    origin: Origin,
    log: Log,
    people: Vec<Entry, MAX_PEOPLE>,
    /// The half in force, 0 or 1.
    half: u32,
    /// Its epoch.
    epoch: u64,
    /// Bytes of its pieces.
    length: u32,
    /// For each half, how many of its first pages this store itself has erased and not written since. A page that
    /// only looks blank may have been torn while it was erased, and is erased again before it is written.
    erased: [u32; 2],
    /// Whether something may be left outside of the half in force.
    is_dirty: bool,
}

/// The change that a commit makes to one person, or to all.
#[derive(Clone, Copy)]
enum Change<'a> {
    Add(&'a Draft<'a>),
    Replace(usize, &'a Draft<'a>),
    Rename(usize, &'a str),
    Delete(usize),
    DeleteAll,
    /// Deletes everybody who has centres.
    DeletePeople,
    /// As before; those to come have centres of this network.
    Adopt(Origin),
}

/// A commit's change to one of the present people.
enum Fate<'a> {
    Keep,
    Rename(&'a str),
    Replace(&'a Draft<'a>),
    Delete,
}

impl<'a> Change<'a> {
    fn fate(self, index: usize, entry: &Entry) -> Fate<'a> {
        match self {
            Change::DeleteAll => Fate::Delete,
            Change::DeletePeople | Change::Adopt(_) if entry.centres > 0 => Fate::Delete,
            Change::Delete(at) if at == index => Fate::Delete,
            Change::Replace(at, draft) if at == index => Fate::Replace(draft),
            Change::Rename(at, name) if at == index => Fate::Rename(name),
            _ => Fate::Keep,
        }
    }

    /// The network after the change.
    fn origin(self, before: Origin) -> Origin {
        match self {
            Change::Adopt(origin) => origin,
            _ => before,
        }
    }

    fn added(self) -> Option<&'a Draft<'a>> {
        match self {
            Change::Add(draft) => Some(draft),
            _ => None,
        }
    }
}

impl<E> From<LayoutError> for OpenError<E> {
    fn from(error: LayoutError) -> Self {
        OpenError::Layout(error)
    }
}

impl<E> From<Error<E>> for OpenError<E> {
    fn from(error: Error<E>) -> Self {
        OpenError::Write(error)
    }
}

impl<E> Unsound<E> {
    fn of(self, part: Part) -> OpenError<E> {
        match self {
            Unsound::Damaged => OpenError::Damaged(part),
            Unsound::Key => OpenError::Key,
            Unsound::Version(version) => OpenError::Version(version),
            Unsound::Flash(error) => OpenError::Flash(error),
        }
    }
}

/// Whether the name has a length from 1 to its limit.
fn check_name<E>(name: &str) -> Result<(), Error<E>> {
    if (1..=MAX_NAME).contains(&name.len()) { Ok(()) } else { Err(Error::Name) }
}

fn check_draft<E>(draft: &Draft, dimension: u16) -> Result<(), Error<E>> {
    check_name(draft.name)?;
    let is_sound = |vector: &[i8]| {
        vector.len() == usize::from(dimension)
            && !vector.contains(&i8::MIN)
            && vector.iter().any(|&element| element != 0)
    };
    let count = draft.centres.len();
    if count <= MAX_CENTRES && draft.centres.iter().all(|centre| is_sound(centre.vector)) {
        Ok(())
    } else {
        Err(Error::Centres)
    }
}

/// A network whose centres have a length from 1 to its limit.
fn origin<E>(network: ModelId, dimension: u16) -> Result<Origin, OpenError<E>> {
    match usize::from(dimension) {
        1..=MAX_DIMENSION => Ok(Origin { network, dimension }),
        _ => Err(OpenError::Dimension(dimension)),
    }
}

impl<F: NorFlash> Store<F> {
    /// Opens the store of this network and key; otherwise as [`Self::open_any`]. `dimension` is the number of elements of a
    /// centre, 1 to [`MAX_DIMENSION`].
    ///
    /// # Errors
    /// [`OpenError`]. Nothing but leftovers has been erased.
    pub fn open(
        flash: F,
        layout: Layout,
        key: &[u8; 32],
        network: ModelId,
        dimension: u16,
    ) -> Result<Self, OpenError<F::Error>> {
        let origin = origin(network, dimension)?;
        let store = Self::open_any(flash, layout, key)?;
        if store.origin == origin { Ok(store) } else { Err(OpenError::OtherNetwork) }
    }

    /// Opens the store of this key, whichever network made its centres, and erases what a cut has left. `key` is 32 secret
    /// random bytes of this device, which no other program uses.
    ///
    /// # Errors
    /// [`OpenError`], but not [`OpenError::OtherNetwork`]. Nothing but leftovers has been erased.
    pub fn open_any(mut flash: F, layout: Layout, key: &[u8; 32]) -> Result<Self, OpenError<F::Error>> {
        let terms = Self::terms(&flash, layout, key)?;
        let log = match Log::read(&mut flash, &terms.layout, &terms.keys) {
            Ok(log) if log.is_formatting => return Err(OpenError::Unformatted),
            Ok(log) => log,
            Err(unsound) => {
                let both = terms.layout.half(0)..terms.layout.end();
                return match is_blank(&mut flash, both) {
                    Ok(true) => Err(OpenError::Unformatted),
                    Ok(false) | Err(_) => Err(unsound.of(Part::Counters)),
                };
            }
        };
        let halves = [0, 1].map(|half| terms.check_half(&mut flash, half));
        let (half, header) = match halves {
            [Ok(first), Ok(second)] if first.epoch > second.epoch => (0, first),
            [_, Ok(second)] => (1, second),
            [Ok(first), _] => (0, first),
            // The more telling reason; damage is the least.
            [Err(Unsound::Damaged), Err(unsound)] | [Err(unsound), _] => {
                return Err(unsound.of(Part::People));
            }
        };
        let mut store = Store {
            flash,
            terms,
            origin: origin(header.network, header.dimension)?,
            log,
            people: Vec::new(),
            half,
            epoch: header.epoch,
            length: header.length,
            erased: [0; 2],
            is_dirty: true,
        };
        if is_taken(Step::Scrub) {
            store.scrub()?;
        }
        store.load(header.people)?;
        if store.log.is_raised {
            let Terms { layout, keys, .. } = &store.terms;
            let counters = store.log.counters;
            store.log.append(&mut store.flash, layout, keys, counters, false)?;
        }
        Ok(store)
    }

    /// Erases all people, whatever the flash holds, and opens the empty store. Counters that can be read with this key
    /// are kept: they never go back, and ids are not used again. Otherwise they start anew, and epochs start at a
    /// place that `random` chooses: 64 bits from the board's random source, since no two stores under one key may
    /// use the same epochs.
    ///
    /// # Errors
    /// [`OpenError::Layout`], [`OpenError::Dimension`], [`OpenError::Write`]. After the last, and after a cut, format
    /// again.
    pub fn format(
        mut flash: F,
        layout: Layout,
        key: &[u8; 32],
        network: ModelId,
        dimension: u16,
        random: u64,
    ) -> Result<Self, OpenError<F::Error>> {
        let terms = Self::terms(&flash, layout, key)?;
        let origin = origin(network, dimension)?;
        let mut log = match Log::read(&mut flash, &layout, &terms.keys) {
            Ok(log) => log,
            Err(_) => {
                for page in 0..layout.log_pages() {
                    clear(&mut flash, layout.log_page(page))?;
                }
                Log::new(&layout, Counters { epoch: random >> 1, next_id: 1, ..Counters::default() })
            }
        };
        let counters = log.counters.reserve().ok_or(Error::Exhausted)?;
        let epoch = counters.epoch;
        log.append(&mut flash, &layout, &terms.keys, counters, true)?;
        for half in [0, 1] {
            for page in pages(&layout, half, 0..layout.half_pages()) {
                erase(&mut flash, page)?;
            }
        }
        let all = layout.half_pages();
        let mut store = Store {
            flash,
            terms,
            origin,
            log,
            people: Vec::new(),
            half: 1,
            epoch: 0,
            length: 0,
            erased: [all; 2],
            is_dirty: false,
        };
        let header = store.write_half(0, epoch, Change::DeleteAll)?;
        store.write_header(0, &header)?;
        (store.half, store.epoch, store.erased) = (0, epoch, [0, all]);
        store.log.append(&mut store.flash, &layout, &store.terms.keys, counters, false)?;
        Ok(store)
    }

    fn terms(flash: &F, layout: Layout, key: &[u8; 32]) -> Result<Terms, OpenError<F::Error>> {
        layout.check(flash)?;
        Ok(Terms { layout, keys: Keys::of(key) })
    }

    /// Fills the entries from the half in force.
    fn load(&mut self, people: u16) -> Result<(), OpenError<F::Error>> {
        let damaged = || OpenError::Damaged(Part::People);
        let mut cursor = self.first_piece();
        let (mut buffer, mut head) = (buffer(), Head::new());
        let mut length = 0;
        for _ in 0..people {
            match self.terms.read(&mut self.flash, &mut cursor, 0, 0, &mut buffer) {
                Ok(()) => parse_head(&*buffer, &mut head).ok_or_else(damaged)?,
                Err(Error::Flash(error)) => return Err(OpenError::Flash(error)),
                Err(_) => return Err(damaged()),
            }
            if self.people.last().is_some_and(|last| last.id >= head.id) {
                return Err(damaged());
            }
            self.terms.skip_centres(&mut cursor, head.centres);
            length += self.person_bytes(head.centres);
            self.people.push(head.entry()).map_err(|_| damaged())?;
        }
        if length != self.length {
            return Err(damaged());
        }
        // The latest counter record may be lost without a trace, too.
        let next_id = head.id.saturating_add(1);
        let Log { counters, is_raised, .. } = &mut self.log;
        *is_raised |= counters.epoch < self.epoch || counters.next_id < next_id;
        counters.epoch = counters.epoch.max(self.epoch);
        counters.next_id = counters.next_id.max(next_id);
        Ok(())
    }

    fn first_piece(&self) -> Cursor {
        Cursor::new(&self.terms.layout, self.half, self.epoch, self.origin)
    }

    fn person_bytes(&self, centres: u8) -> u32 {
        self.terms.layout.person_bytes(self.origin.dimension, centres.into())
    }

    /// The people, ids ascending. Their indices change when somebody is deleted.
    pub fn people(&self) -> &[Entry] {
        &self.people
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        self.log.counters
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.terms.layout
    }

    /// The network that made the centres.
    pub fn network(&self) -> ModelId {
        self.origin.network
    }

    /// Elements of a centre.
    pub fn dimension(&self) -> u16 {
        self.origin.dimension
    }

    /// Bytes that are left in a half for more people; see [`Layout::person_bytes`].
    pub fn free_bytes(&self) -> u32 {
        let used = self.length.saturating_add(crate::record::RECORD_BYTES as u32);
        self.terms.layout.half_bytes().saturating_sub(used)
    }

    /// Index of the person with this id in [`Self::people`].
    pub fn find(&self, id: u32) -> Option<usize> {
        self.people.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// The entry, and the position of its head.
    fn seek(&self, index: usize) -> Option<(Entry, Cursor)> {
        let mut cursor = self.first_piece();
        let (before, rest) = self.people.split_at_checked(index)?;
        before.iter().for_each(|entry| self.terms.skip_person(&mut cursor, entry.centres));
        Some((*rest.first()?, cursor))
    }

    fn read_head(
        &mut self,
        entry: &Entry,
        cursor: &mut Cursor,
        head: &mut Head,
    ) -> Result<(), Error<F::Error>> {
        let mut buffer = buffer();
        self.terms.read(&mut self.flash, cursor, entry.id, 0, &mut buffer)?;
        let parsed = parse_head(&*buffer, head);
        if parsed.is_none() || head.entry() != *entry {
            head.wipe();
            return Err(Error::Damaged);
        }
        Ok(())
    }

    /// Opens the name and all else but the centres of the person at this index.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Flash`], [`Error::Damaged`]; then `head` is nobody.
    pub fn open_head(&mut self, index: usize, head: &mut Head) -> Result<(), Error<F::Error>> {
        head.wipe();
        let (entry, mut cursor) = self.seek(index).ok_or(Error::Unknown)?;
        self.read_head(&entry, &mut cursor, head)
    }

    /// Opens one sub-centre, from 0, of the person at this index. `vector` has as many elements as the dimension.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Centres`] if `vector` has another length, [`Error::Flash`], [`Error::Damaged`];
    /// then `vector` is unchanged.
    pub fn open_centre(
        &mut self,
        index: usize,
        centre: u8,
        vector: &mut [i8],
    ) -> Result<(), Error<F::Error>> {
        let (entry, mut cursor) = self.seek(index).ok_or(Error::Unknown)?;
        if centre >= entry.centres {
            return Err(Error::Unknown);
        }
        self.terms.skip_person(&mut cursor, centre);
        self.read_centre(&entry, &mut cursor, centre + 1, vector)
    }

    fn read_centre(
        &mut self,
        entry: &Entry,
        cursor: &mut Cursor,
        part: u8,
        vector: &mut [i8],
    ) -> Result<(), Error<F::Error>> {
        if vector.len() != usize::from(self.origin.dimension) {
            return Err(Error::Centres);
        }
        let mut buffer = buffer();
        self.terms.read(&mut self.flash, cursor, entry.id, part, &mut buffer)?;
        vector.iter_mut().zip(buffer.iter()).for_each(|(element, &byte)| *element = byte as i8);
        Ok(())
    }

    /// Opens the person at this index.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Flash`], [`Error::Damaged`]; then `record` is nobody.
    pub fn open_person(&mut self, index: usize, record: &mut Record) -> Result<(), Error<F::Error>> {
        record.wipe();
        let (entry, mut cursor) = self.seek(index).ok_or(Error::Unknown)?;
        self.read_head(&entry, &mut cursor, &mut record.head)?;
        record.dimension = self.origin.dimension;
        let vectors = record.vectors.chunks_exact_mut(usize::from(self.origin.dimension).max(1));
        for (part, vector) in (1..=entry.centres).zip(vectors) {
            if let Err(error) = self.read_centre(&entry, &mut cursor, part, vector) {
                record.wipe();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Shows the person at this index piece after piece, as [`Packed`](crate::Packed) reads them: in clear, without the id.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Flash`], [`Error::Damaged`]; then not all pieces were shown.
    pub fn show(&mut self, index: usize, take: &mut dyn FnMut(&[u8])) -> Result<(), Error<F::Error>> {
        let (entry, mut cursor) = self.seek(index).ok_or(Error::Unknown)?;
        let mut buffer = buffer();
        for part in 0..=entry.centres {
            self.terms.read(&mut self.flash, &mut cursor, entry.id, part, &mut buffer)?;
            if part == 0 {
                buffer.iter_mut().take(HEAD_CLEAR_BYTES).for_each(|byte| *byte = 0);
            }
            take(buffer.get(..cursor.text_bytes(part)).unwrap_or_default());
        }
        Ok(())
    }

    /// Adds a person and returns the id.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Centres`], [`Error::Full`], [`Error::Exhausted`], or any error of a commit:
    /// [`Error::Flash`], [`Error::ReadBack`], [`Error::Worn`], [`Error::Damaged`].
    pub fn add(&mut self, draft: &Draft) -> Result<u32, Error<F::Error>> {
        check_draft(draft, self.origin.dimension)?;
        let id = self.log.counters.next_id;
        if id == u32::MAX {
            return Err(Error::Exhausted);
        }
        if self.people.is_full() {
            return Err(Error::Full);
        }
        self.commit(Change::Add(draft))?;
        Ok(id)
    }

    /// Replaces name, flags and centres of a person, who keeps the id.
    ///
    /// # Errors
    /// [`Error::Unknown`] or any error of [`Self::add`].
    pub fn replace(&mut self, id: u32, draft: &Draft) -> Result<(), Error<F::Error>> {
        check_draft(draft, self.origin.dimension)?;
        let index = self.find(id).ok_or(Error::Unknown)?;
        self.commit(Change::Replace(index, draft))
    }

    /// Renames a person. The name has 1 to [`MAX_NAME`] bytes.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Unknown`], [`Error::Exhausted`] or any error of a commit.
    pub fn rename(&mut self, id: u32, name: &str) -> Result<(), Error<F::Error>> {
        check_name(name)?;
        let index = self.find(id).ok_or(Error::Unknown)?;
        self.commit(Change::Rename(index, name))
    }

    /// Deletes a person. After `Ok` nothing of this person is in flash.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Exhausted`] or any error of a commit.
    pub fn delete(&mut self, id: u32) -> Result<(), Error<F::Error>> {
        let index = self.find(id).ok_or(Error::Unknown)?;
        self.commit(Change::Delete(index))
    }

    /// Deletes all people. After `Ok` nothing of them is in flash.
    ///
    /// # Errors
    /// [`Error::Exhausted`] or any error of a commit.
    pub fn delete_all(&mut self) -> Result<(), Error<F::Error>> {
        self.commit(Change::DeleteAll)
    }

    /// Deletes all people but the holders of keys, who have no centres. After `Ok` nothing of them is in flash.
    ///
    /// # Errors
    /// As [`Self::delete_all`].
    pub fn delete_people(&mut self) -> Result<(), Error<F::Error>> {
        self.commit(Change::DeletePeople)
    }

    /// From now on holds people of another network. Deletes all people but the holders of keys, as [`Self::delete_people`]
    /// does, in the same commit. `dimension` is the number of elements of its centres, 1 to [`MAX_DIMENSION`].
    ///
    /// # Errors
    /// [`Error::Centres`] for another dimension, or as [`Self::delete_all`].
    pub fn adopt(&mut self, network: ModelId, dimension: u16) -> Result<(), Error<F::Error>> {
        let origin = origin::<F::Error>(network, dimension).map_err(|_| Error::Centres)?;
        self.commit(Change::Adopt(origin))
    }

    /// How many more people with this number of centres fit, each.
    pub fn places(&self, centres: u8) -> usize {
        let each = self.person_bytes(centres).max(1);
        (MAX_PEOPLE - self.people.len()).min((self.free_bytes() / each) as usize)
    }

    /// How often any page has been erased, at most, since the store was formatted without counters; see
    /// [`Layout::erasures`].
    pub fn erasures(&self) -> u32 {
        self.terms.layout.erasures(self.log.counters.commits, self.log.sequence)
    }

    /// Writes the counters once more, though nothing has changed: shows that a record can be written and read back.
    ///
    /// # Errors
    /// As [`Self::set_attempts`].
    pub fn rewrite_counters(&mut self) -> Result<(), Error<F::Error>> {
        self.append(self.log.counters)
    }

    /// Changes the counters. Nothing is written if nothing changes.
    fn update(&mut self, change: impl FnOnce(&mut Counters)) -> Result<(), Error<F::Error>> {
        let mut counters = self.log.counters;
        change(&mut counters);
        if counters == self.log.counters {
            return Ok(());
        }
        self.append(counters)
    }

    fn append(&mut self, counters: Counters) -> Result<(), Error<F::Error>> {
        let Terms { layout, keys, .. } = &self.terms;
        self.log.append(&mut self.flash, layout, keys, counters, false)
    }

    /// Stores the failed attempts and the lock-outs, in one record.
    ///
    /// # Errors
    /// [`Error::Flash`], [`Error::Worn`], [`Error::ReadBack`], [`Error::Exhausted`], as of all operations on counters.
    /// They are not stored then, and the attempt should not be answered.
    pub fn set_attempts(
        &mut self,
        attempts: u32,
        lockouts: u8,
        is_locked: bool,
    ) -> Result<(), Error<F::Error>> {
        self.update(|counters| {
            (counters.attempts, counters.lockouts, counters.is_locked) = (attempts, lockouts, is_locked);
        })
    }

    /// Counts a start of the device.
    ///
    /// # Errors
    /// As [`Self::set_attempts`].
    pub fn count_start(&mut self) -> Result<(), Error<F::Error>> {
        self.update(|counters| counters.starts = counters.starts.saturating_add(1))
    }

    /// Raises the lowest version of an image that may be started. A lower one than the present changes nothing.
    ///
    /// # Errors
    /// As [`Self::set_attempts`].
    pub fn raise_floor(&mut self, version: u32) -> Result<(), Error<F::Error>> {
        self.update(|counters| counters.floor = counters.floor.max(version))
    }

    /// Sets the image slot that is booted.
    ///
    /// # Errors
    /// As [`Self::set_attempts`].
    pub fn set_slot(&mut self, slot: Slot) -> Result<(), Error<F::Error>> {
        self.update(|counters| counters.slot = slot)
    }

    /// Erases everything outside of the half in force that is not blank. [`Self::open`] and commits do so themselves;
    /// call it after a commit that failed.
    ///
    /// # Errors
    /// [`Error::Flash`], [`Error::ReadBack`].
    pub fn scrub(&mut self) -> Result<(), Error<F::Error>> {
        let layout = self.terms.layout;
        let used = layout.pages_of(self.length);
        let other = pages(&layout, 1 - self.half, 0..layout.half_pages());
        for page in other.chain(pages(&layout, self.half, used..layout.half_pages())) {
            clear(&mut self.flash, page)?;
        }
        self.is_dirty = false;
        Ok(())
    }

    /// Bytes of all pieces after the change.
    fn length_after(&self, change: Change) -> Option<u32> {
        let kept = self.people.iter().enumerate().map(|(index, entry)| match change.fate(index, entry) {
            Fate::Delete => 0,
            Fate::Replace(draft) => self.person_bytes(draft.centres.len() as u8),
            Fate::Keep | Fate::Rename(_) => self.person_bytes(entry.centres),
        });
        let added = change.added().map(|draft| self.person_bytes(draft.centres.len() as u8));
        kept.chain(added).try_fold(0u32, u32::checked_add)
    }

    fn commit(&mut self, change: Change) -> Result<(), Error<F::Error>> {
        let layout = self.terms.layout;
        let length = self.length_after(change).ok_or(Error::Full)?;
        if length > layout.half_bytes().saturating_sub(crate::record::RECORD_BYTES as u32) {
            return Err(Error::Full);
        }
        let mut counters = self.log.counters.reserve().ok_or(Error::Exhausted)?;
        let epoch = counters.epoch;
        if change.added().is_some() {
            counters.next_id = counters.next_id.checked_add(1).ok_or(Error::Exhausted)?;
        }
        if is_taken(Step::Reserve) {
            self.log.append(&mut self.flash, &layout, &self.terms.keys, counters, false)?;
        } else {
            self.log.counters = counters;
        }

        let [old, new] = [self.half, 1 - self.half];
        if let Err(error) = self.write_new(new, epoch, length, change) {
            // The old half stays in force. What was written of the new one goes, if the flash still obeys.
            self.is_dirty = true;
            let _ = self.scrub();
            return Err(error);
        }
        let used = layout.pages_of(self.length);
        (self.half, self.epoch, self.length) = (new, epoch, length);
        self.apply(change, counters.next_id.saturating_sub(1));

        if is_taken(Step::FinalErase) {
            for page in pages(&layout, old, 0..used) {
                if let Err(error) = erase(&mut self.flash, page) {
                    self.is_dirty = true;
                    return Err(error);
                }
            }
            *self.erased_of(old) = used;
        }
        Ok(())
    }

    fn erased_of(&mut self, half: u32) -> &mut u32 {
        let [first, second] = &mut self.erased;
        if half == 0 { first } else { second }
    }

    /// Makes the half blank, writes it and reads it back.
    fn write_new(
        &mut self,
        half: u32,
        epoch: u64,
        length: u32,
        change: Change,
    ) -> Result<(), Error<F::Error>> {
        if self.is_dirty {
            self.scrub()?;
        }
        let layout = self.terms.layout;
        let known = core::mem::take(self.erased_of(half));
        for page in pages(&layout, half, known..layout.pages_of(length)) {
            erase(&mut self.flash, page)?;
        }
        let header = self.write_half(half, epoch, change)?;
        #[cfg(test)]
        if !is_taken(Step::HeaderLast) {
            for page in pages(&layout, half, 0..layout.pages_of(length)) {
                erase(&mut self.flash, page)?;
            }
            self.flash.write(layout.half(half), &header.emit()).map_err(Error::Flash)?;
            self.write_half(half, epoch, change)?;
            return Ok(());
        }
        self.write_header(half, &header)
    }

    /// Writes the header and reads the whole half back.
    fn write_header(&mut self, half: u32, header: &Header) -> Result<(), Error<F::Error>> {
        self.flash.write(self.terms.layout.half(half), &header.emit()).map_err(Error::Flash)?;
        if !is_taken(Step::ReadBack) {
            return Ok(());
        }
        match self.terms.check_half(&mut self.flash, half) {
            Ok(back) if back == *header => Ok(()),
            Err(Unsound::Flash(error)) => Err(Error::Flash(error)),
            Ok(_) | Err(_) => Err(Error::ReadBack),
        }
    }

    /// Writes the pieces of all people after the change. Returns the header, which is not written yet.
    fn write_half(&mut self, half: u32, epoch: u64, change: Change) -> Result<Header, Error<F::Error>> {
        let length = self.length_after(change).ok_or(Error::Full)?;
        let Store { flash, terms, people, origin, .. } = self;
        let new_origin = change.origin(*origin);
        let left = people
            .iter()
            .enumerate()
            .filter(|(index, entry)| !matches!(change.fate(*index, entry), Fate::Delete));
        let count = left.count() + usize::from(change.added().is_some());
        let mut header = Header {
            people: count as u16,
            key: terms.keys.name,
            network: new_origin.network,
            epoch,
            length,
            dimension: new_origin.dimension,
            tag: [0; TAG_BYTES],
        };
        let mut tag = terms.begin_tag(&header);
        let mut from = Cursor::new(&terms.layout, self.half, self.epoch, *origin);
        let mut to = Cursor::new(&terms.layout, half, epoch, new_origin);
        let mut buffer = buffer();

        let put_draft =
            |flash: &mut F, to: &mut Cursor, tag: &mut _, buffer: &mut Buffer, id, draft: &Draft| {
                emit_head(&Head::of(id, draft), &mut **buffer);
                terms.write(flash, to, id, 0, buffer, tag)?;
                for (part, centre) in (1..).zip(draft.centres) {
                    buffer.iter_mut().zip(centre.vector).for_each(|(byte, &element)| *byte = element as u8);
                    terms.write(flash, to, id, part, buffer, tag)?;
                }
                Ok(())
            };
        for (index, entry) in people.iter().enumerate() {
            let fate = change.fate(index, entry);
            match fate {
                Fate::Delete => terms.skip_person(&mut from, entry.centres),
                Fate::Replace(draft) => {
                    terms.skip_person(&mut from, entry.centres);
                    put_draft(flash, &mut to, &mut tag, &mut buffer, entry.id, draft)?;
                }
                Fate::Keep | Fate::Rename(_) => {
                    for part in 0..=entry.centres {
                        terms.read(flash, &mut from, entry.id, part, &mut buffer)?;
                        if part == 0 {
                            let mut head = Head::new();
                            parse_head(&*buffer, &mut head).ok_or(Error::Damaged)?;
                            if head.entry() != *entry {
                                return Err(Error::Damaged);
                            }
                            if let Fate::Rename(name) = fate {
                                head.rename(name);
                                emit_head(&head, &mut *buffer);
                            }
                        }
                        terms.write(flash, &mut to, entry.id, part, &mut buffer, &mut tag)?;
                    }
                }
            }
        }
        if let Some(draft) = change.added() {
            let id = self.log.counters.next_id.saturating_sub(1);
            put_draft(flash, &mut to, &mut tag, &mut buffer, id, draft)?;
        }
        header.tag = tag.finish();
        Ok(header)
    }

    /// Makes the change in RAM.
    fn apply(&mut self, change: Change, new_id: u32) {
        match change {
            Change::Add(draft) => {
                // There is room: it was asked for before.
                let _ = self.people.push(Head::of(new_id, draft).entry());
            }
            Change::Replace(index, draft) => {
                if let Some(entry) = self.people.get_mut(index) {
                    *entry = Head::of(entry.id, draft).entry();
                }
            }
            Change::Rename(..) => {}
            Change::Delete(index) => {
                if index < self.people.len() {
                    self.people.remove(index);
                }
            }
            Change::DeleteAll => self.people.clear(),
            Change::DeletePeople => self.people.retain(|entry| entry.centres == 0),
            Change::Adopt(origin) => {
                self.people.retain(|entry| entry.centres == 0);
                self.origin = origin;
            }
        }
    }
}

#[cfg(test)]
impl<F: NorFlash> Store<F> {
    /// Address of the half in force.
    pub(crate) fn start(&self) -> usize {
        self.terms.layout.half(self.half) as usize
    }

    /// Changes any counters.
    pub(crate) fn change_counters(&mut self, change: impl FnOnce(&mut Counters)) {
        assert!(self.update(change).is_ok());
    }

    pub(crate) fn flash_mut(&mut self) -> &mut F {
        &mut self.flash
    }
}
