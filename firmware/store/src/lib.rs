//! People and counters in NOR flash: sealed, erased when deleted, and whole after a power cut at any moment.
//!
//! # Layers
//!
//! * [`layout`]: places of the parts in flash; how many people fit, and how long the flash lasts.
//! * [`record`]: the records' bytes, `parse` beside `emit`.
//! * `seal`: the keys, and the sealing of pieces.
//! * `log`: the counters, appended record by record.
//! * `half`: a snapshot of all people, written whole.
//! * [`people`]: a person as enrolled, listed and opened.
//! * [`packed`]: a person on the way to another store.
//! * `vault`: the [`Store`] and its operations.
//! * [`keys`]: the device's own keys, in a flash of their own.
//! * [`nor`]: flash read in parts.
//! * [`sim`]: a simulated flash that tears, for tests and emulated boards.
//!
//! # Flash
//!
//! ```text
//! base                       counter log      log pages; records of 64 bytes, one after another
//! base + log pages           half 0           half pages; a snapshot of all people, or blank
//! base + log + half pages    half 1           half pages; the other half
//! ```
//!
//! A record of the counter log:
//!
//! ```text
//!   0  mark         "GCTR"
//!   4  version      u16, [`VERSION`]
//!   6  flags        u8: bit 0 locked, bit 1 being formatted, bit 2 slot 1 is active; others zero
//!   7  trial        u8, the slot's trial; 0 if confirmed
//!   8  key          4 bytes that name the key
//!  12  check        u32, CRC-32 (ISO-HDLC) of bytes 0..12
//!  16  sequence     u32, ascending; the highest is in force
//!  20  attempts     u32, failed ones
//!  24  floor        u32, lowest version of an image
//!  28  next id      u32, of the next person
//!  32  epoch        u64, the highest that may have sealed anything
//!  40  lockouts     u8, in a row
//!  41  commits      u24, since the store was formatted without counters
//!  44  starts       u32, of the device
//!  48  tag          HMAC-SHA256 of bytes 0..48, its first 16 bytes
//! ```
//!
//! A half begins with its header, which is written last:
//!
//! ```text
//!   0  mark         "GPPL"
//!   4  version      u16, [`VERSION`]
//!   6  people       u16
//!   8  key          4 bytes that name the key
//!  12  check        u32, CRC-32 (ISO-HDLC) of bytes 0..12
//!  16  network      [`ModelId`](format::ModelId) of the network that made the centres
//!  32  epoch        u64; of two halves the one with the higher epoch is in force
//!  40  length       u32, bytes of the pieces after the header
//!  44  dimension    u16, elements of a centre
//!  46  zero         u16
//!  48  tag          HMAC-SHA256 of bytes 0..48 and of the pieces, its first 16 bytes
//!  64  pieces       for each person, ids ascending, a head and then its centres
//! ```
//!
//! A piece begins at a multiple of the flash's word; the bytes before the next piece are `0xff`.
//!
//! ```text
//! head      0  id           u32, in clear
//!           4  flags        u16, sealed as all that follows
//!           6  centres      u8, 0 to [`MAX_CENTRES`]; 0 for the holder of a key, who is no face
//!           7  name bytes   u8, 1 to [`MAX_NAME`]
//!           8  photos       u16 for each of [`MAX_CENTRES`]; zero behind the last centre
//!          24  name         64 bytes, UTF-8; zero behind its end
//!          88  tag          16 bytes
//!
//! centre    0  elements     i8 [dimension], sealed; none is -128
//!         ...  tag          16 bytes
//! ```
//!
//! All numbers are little-endian.
//!
//! # Sealing
//!
//! Pieces are sealed with ChaCha20-Poly1305 (RFC 8439). The nonce is the half's epoch (u64) and the number of the piece
//! in the half (u32). The associated data is, in this order: [`VERSION`] u16, dimension u16, network (16 bytes), id
//! u32, epoch u64, and u8: 0 for a head, n for the n-th centre. The keys of pieces, of headers and of counters are
//! HMAC-SHA256 of a label under the board's key, so that one key serves one use.
//!
//! The epoch of a commit is written to the counter log before anything is sealed under it. A commit that was cut has
//! used up its epoch: the next one takes a higher epoch, and no nonce comes twice. Torn or damaged records after the
//! one in force may have reserved epochs and ids, too; [`Store::open`] goes past as many.
//!
//! Records and headers have HMAC tags: after a cut two different records may carry the same sequence number, which
//! Poly1305 does not allow.
//!
//! # A commit
//!
//! 1. Reserve an epoch, and a new person's id, in the counter log.
//! 2. Erase what is left in the other half.
//! 3. Write all people there, sealed anew, and then the header.
//! 4. Read everything back, and compare the tag.
//! 5. Erase the old half, and see that it is blank.
//! 6. Return `Ok`.
//!
//! A cut before the header is complete leaves the old state, a later one leaves the new state; [`Store::open`] erases
//! the half that is not in force. Deletion is therefore physical: once an operation has returned `Ok`, and after every
//! [`Store::open`], flash holds nothing but the present people.
//!
//! # Principles
//!
//! * No content of the flash causes a panic; it causes an error that loses nothing. Only [`Store::format`] erases a
//!   store that cannot be opened.
//! * A word that cannot be read is taken for one that a cut has torn. A store without a single sound half is
//!   [`OpenError::Damaged`], never an empty store.
//! * Nothing opened stays: every plaintext is wiped when its buffer is dropped. Between two calls the store holds no
//!   name and no centre.
//!
//! # Limits
//!
//! Someone who can write the flash can bring back an earlier dump of all of it, counters included. Only a counter
//! outside the flash could tell.
//!
//! # Version promise
//!
//! The first 16 bytes of records and headers keep their meaning in every version. Firmware opens a store of its own
//! [`VERSION`] and refuses others with [`OpenError::Version`], without changing them.
#![no_std]

#[cfg(test)]
extern crate std;
// The tests' harness is part of an example, too, and names this crate as the example does.
#[cfg(test)]
extern crate self as store;

mod bytes;
pub mod error;
mod half;
pub mod keys;
pub mod layout;
mod log;
pub mod nor;
pub mod packed;
pub mod people;
pub mod record;
mod seal;
pub mod sim;
mod step;
mod vault;

#[cfg(test)]
mod tests;

pub use error::{Error, LayoutError, OpenError, Part};
pub use layout::Layout;
pub use packed::{Packed, packed_bytes};
pub use people::{Draft, Entry, Head, Record, SubCentre};
pub use record::{Counters, Slot};
pub use vault::Store;

/// Version of the layout in flash.
pub const VERSION: u16 = 2;
/// Most people.
pub const MAX_PEOPLE: usize = 200;
/// Most sub-centres of a person.
pub const MAX_CENTRES: usize = 8;
/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;
/// Most elements of a centre.
pub const MAX_DIMENSION: usize = 512;
