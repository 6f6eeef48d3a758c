//! Errors of opening and of operations.

use core::fmt;

use crate::VERSION;

/// Why a layout is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// The word, in bytes, does not divide 32, or the flash's smallest read does not divide the word.
    Word(u32),
    /// The page, in bytes, is no multiple of 64, or zero.
    Page(u32),
    /// The base is not at a page's start.
    Base(u32),
    /// Fewer than two log pages, or no half page.
    Pages,
    /// The end is beyond this capacity in bytes.
    Capacity(u64),
    /// The flash has other words or pages than the layout.
    Geometry,
}

/// A part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The counter log.
    Counters,
    /// The halves.
    People,
}

/// Why a store cannot be opened. Nothing is lost: the flash is as before, except for leftovers of a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError<E> {
    /// Never formatted, or a cut ended the formatting.
    Unformatted,
    /// The people were enrolled with another network, or with another dimension.
    OtherNetwork,
    /// Sealed with another key.
    Key,
    /// Written in this version of the layout, which is another one.
    Version(u16),
    /// No sound record of this part is left.
    Damaged(Part),
    /// The layout does not fit the flash.
    Layout(LayoutError),
    /// The dimension is 0 or over [`MAX_DIMENSION`](crate::MAX_DIMENSION).
    Dimension(u16),
    /// The flash cannot be read.
    Flash(E),
    /// Erasing or writing failed.
    Write(Error<E>),
}

/// Why an operation failed.
///
/// After [`Error::Flash`], [`Error::ReadBack`] and [`Error::Worn`] the operation is not acknowledged:
/// [`Store::people`](crate::Store::people) and [`Store::counters`](crate::Store::counters) tell whether it is in
/// force, and what it should have deleted may still be in flash. The next commit, [`Store::scrub`](crate::Store::scrub)
/// or [`Store::open`](crate::Store::open) erases it. After all other errors the operation has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The flash failed.
    Flash(E),
    /// The flash does not hold what was written to it, or is not blank after it was erased.
    ReadBack,
    /// No page of the counter log can be programmed any more.
    Worn,
    /// No room for so many people or centres.
    Full,
    /// There are no more numbers: ids, epochs or sequence numbers.
    Exhausted,
    /// Nobody has this id, or this index.
    Unknown,
    /// The name is empty, or longer than [`MAX_NAME`](crate::MAX_NAME) bytes.
    Name,
    /// There are no centres, or too many; or one has not the store's dimension, is zero, or has an element of -128;
    /// or the buffer for a centre has not its length.
    Centres,
    /// A piece is not as it was sealed.
    Damaged,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(bytes) => write!(f, "words of {bytes} bytes"),
            Self::Page(bytes) => write!(f, "pages of {bytes} bytes"),
            Self::Base(base) => write!(f, "a base of {base:#x}, inside a page"),
            Self::Pages => write!(f, "fewer than two log pages, or no half page"),
            Self::Capacity(bytes) => write!(f, "an end beyond the flash's {bytes} bytes"),
            Self::Geometry => write!(f, "other words or pages than the flash has"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unformatted => write!(f, "the store was never formatted"),
            Self::OtherNetwork => write!(f, "the people were enrolled with another network"),
            Self::Key => write!(f, "the store is sealed with another key"),
            Self::Version(version) => {
                write!(f, "the store has version {version}, this firmware version {VERSION}")
            }
            Self::Damaged(Part::Counters) => write!(f, "the counters are damaged"),
            Self::Damaged(Part::People) => write!(f, "the people are damaged"),
            Self::Layout(error) => write!(f, "the store's layout: {error}"),
            Self::Dimension(dimension) => write!(f, "centres of {dimension} elements"),
            Self::Flash(error) => write!(f, "the flash: {error:?}"),
            Self::Write(error) => write!(f, "{error}"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash: {error:?}"),
            Self::ReadBack => write!(f, "the flash does not hold what was written"),
            Self::Worn => write!(f, "the counter log is worn out"),
            Self::Full => write!(f, "no room for so many people or centres"),
            Self::Exhausted => write!(f, "no more ids, epochs or sequence numbers"),
            Self::Unknown => write!(f, "nobody has this id"),
            Self::Name => write!(f, "an empty name, or one of more than 64 bytes"),
            Self::Centres => write!(f, "unusable centres"),
            Self::Damaged => write!(f, "a person's record is damaged"),
        }
    }
}

impl core::error::Error for LayoutError {}
impl<E: fmt::Debug> core::error::Error for OpenError<E> {}
impl<E: fmt::Debug> core::error::Error for Error<E> {}
