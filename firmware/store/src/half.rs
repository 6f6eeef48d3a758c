//! A snapshot of all people: its pieces, its header, and its erasure.

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;
use format::ModelId;
use zeroize::Zeroizing;

use crate::layout::{Layout, MAX_WORD};
use crate::nor::{is_blank, scan};
use crate::record::{
    CENTRE_TAG_BYTES, Flaw, HEAD_BYTES, HEAD_CLEAR_BYTES, Header, RECORD_BYTES, TAGGED_BYTES,
};
use crate::seal::{Keys, Place, Tag};
use crate::step::{Step, is_taken};
use crate::{Error, MAX_DIMENSION};

/// The longest piece, with its padding.
const PIECE_BYTES: usize = (MAX_DIMENSION + CENTRE_TAG_BYTES).next_multiple_of(MAX_WORD);

/// One piece in clear or sealed, wiped when dropped.
pub type Buffer = Zeroizing<[u8; PIECE_BYTES]>;

/// An empty buffer.
pub fn buffer() -> Buffer {
    Zeroizing::new([0; PIECE_BYTES])
}

/// Why a half or the counter log is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound<E> {
    Damaged,
    Key,
    Version(u16),
    Flash(E),
}

impl<E> From<Flaw> for Unsound<E> {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Damaged => Unsound::Damaged,
            Flaw::Version(version) => Unsound::Version(version),
        }
    }
}

/// Erases a page and sees that it is blank.
pub fn erase<F: NorFlash>(flash: &mut F, page: Range<u32>) -> Result<(), Error<F::Error>> {
    flash.erase(page.start, page.end).map_err(Error::Flash)?;
    match is_blank(flash, page).map_err(Error::Flash)? {
        true => Ok(()),
        false => Err(Error::ReadBack),
    }
}

/// Erases a page unless it is blank.
pub fn clear<F: NorFlash>(flash: &mut F, page: Range<u32>) -> Result<(), Error<F::Error>> {
    // A page that cannot be read is not blank.
    match is_blank(flash, page.clone()) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => erase(flash, page),
    }
}

/// Addresses of the pages of a half, from one page to another.
pub fn pages(layout: &Layout, half: u32, range: Range<u32>) -> impl Iterator<Item = Range<u32>> + use<> {
    let (start, bytes) = (layout.half(half), layout.page_bytes());
    range.map(move |page| start + page * bytes..start + (page + 1) * bytes)
}

/// The network that made the centres of a half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub network: ModelId,
    /// Elements of a centre.
    pub dimension: u16,
}

/// A position in a half.
#[derive(Clone, Copy)]
pub struct Cursor {
    /// Epoch of the half.
    pub epoch: u64,
    origin: Origin,
    /// Address of the next piece.
    at: u32,
    /// Number of the next piece.
    index: u32,
}

impl Cursor {
    /// The first piece of a half.
    pub fn new(layout: &Layout, half: u32, epoch: u64, origin: Origin) -> Self {
        Cursor { epoch, origin, at: layout.half(half) + RECORD_BYTES as u32, index: 0 }
    }

    /// Bytes of a piece: part 0 is the head, others are centres.
    fn piece_bytes(&self, part: u8) -> usize {
        match part {
            0 => HEAD_BYTES,
            _ => usize::from(self.origin.dimension) + CENTRE_TAG_BYTES,
        }
    }

    /// Bytes of a piece that is opened.
    pub fn text_bytes(&self, part: u8) -> usize {
        self.piece_bytes(part).saturating_sub(CENTRE_TAG_BYTES)
    }

    fn place(&self, id: u32, part: u8) -> Place {
        let Origin { network, dimension } = self.origin;
        Place { epoch: self.epoch, index: self.index, id, part, network, dimension }
    }
}

/// How pieces are placed and sealed.
pub struct Terms {
    pub layout: Layout,
    pub keys: Keys,
}

impl Terms {
    /// Goes past the next piece.
    fn skip(&self, cursor: &mut Cursor, part: u8) {
        cursor.at = cursor.at.saturating_add(self.layout.padded(cursor.piece_bytes(part)) as u32);
        cursor.index = cursor.index.saturating_add(1);
    }

    /// Goes past this many centres.
    pub fn skip_centres(&self, cursor: &mut Cursor, centres: u8) {
        let bytes = self.layout.padded(cursor.piece_bytes(1)) as u32;
        cursor.at = cursor.at.saturating_add(bytes * u32::from(centres));
        cursor.index = cursor.index.saturating_add(centres.into());
    }

    /// Goes past a head and this many centres.
    pub fn skip_person(&self, cursor: &mut Cursor, centres: u8) {
        self.skip(cursor, 0);
        self.skip_centres(cursor, centres);
    }

    /// Reads and opens the next piece, a centre of this person, or the head of any.
    pub fn read<F: NorFlash>(
        &self,
        flash: &mut F,
        cursor: &mut Cursor,
        id: u32,
        part: u8,
        buffer: &mut Buffer,
    ) -> Result<(), Error<F::Error>> {
        let bytes = cursor.piece_bytes(part);
        let padded = buffer.get_mut(..self.layout.padded(bytes)).ok_or(Error::Damaged)?;
        flash.read(cursor.at, padded).map_err(Error::Flash)?;
        let piece = padded.get_mut(..bytes).ok_or(Error::Damaged)?;
        let (id, sealed) = match part {
            0 => {
                let (id, sealed) = piece.split_first_chunk_mut::<HEAD_CLEAR_BYTES>().ok_or(Error::Damaged)?;
                (u32::from_le_bytes(*id), sealed)
            }
            _ => (id, piece),
        };
        let place = cursor.place(id, part);
        self.keys.open(&place, sealed).map_err(|_| Error::Damaged)?;
        self.skip(cursor, part);
        Ok(())
    }

    /// Seals and writes the next piece, and adds it to the half's tag.
    pub fn write<F: NorFlash>(
        &self,
        flash: &mut F,
        cursor: &mut Cursor,
        id: u32,
        part: u8,
        buffer: &mut Buffer,
        tag: &mut Tag,
    ) -> Result<(), Error<F::Error>> {
        let bytes = cursor.piece_bytes(part);
        let (piece, rest) = buffer.split_at_mut_checked(bytes).ok_or(Error::Damaged)?;
        rest.fill(0xff);
        let clear = if part == 0 { HEAD_CLEAR_BYTES } else { 0 };
        let place = cursor.place(id, part);
        let sealed = piece.get_mut(clear..).ok_or(Error::Damaged)?;
        self.keys.seal(&place, sealed).map_err(|_| Error::Damaged)?;
        let padded = buffer.get(..self.layout.padded(bytes)).ok_or(Error::Damaged)?;
        tag.add(padded);
        flash.write(cursor.at, padded).map_err(Error::Flash)?;
        self.skip(cursor, part);
        Ok(())
    }

    /// Begins a half's tag with its header.
    pub fn begin_tag(&self, header: &Header) -> Tag {
        let mut tag = self.keys.half_tag();
        tag.add(header.emit().first_chunk::<TAGGED_BYTES>().map_or(&[], |bytes| bytes));
        tag
    }

    /// Reads the header of a half and compares the tag over all of its content.
    pub fn check_half<F: NorFlash>(&self, flash: &mut F, half: u32) -> Result<Header, Unsound<F::Error>> {
        let start = self.layout.half(half);
        let mut bytes = [0; RECORD_BYTES];
        flash.read(start, &mut bytes).map_err(Unsound::Flash)?;
        let header = Header::parse(&bytes)?;
        if header.key != self.keys.name {
            return Err(Unsound::Key);
        }
        let word = self.layout.word_bytes();
        let room = self.layout.half_bytes().saturating_sub(RECORD_BYTES as u32);
        if header.length > room || !header.length.is_multiple_of(word) {
            return Err(Unsound::Damaged);
        }
        let mut tag = self.begin_tag(&header);
        let pieces = start + RECORD_BYTES as u32;
        scan(flash, pieces..pieces + header.length, |part| {
            tag.add(part);
            true
        })
        .map_err(Unsound::Flash)?;
        if is_taken(Step::Tag) && !tag.is(&header.tag) {
            return Err(Unsound::Damaged);
        }
        Ok(header)
    }
}
