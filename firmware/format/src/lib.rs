//! The flash image: everything a board needs to recognise its people, in one file that is read in place.
//!
//! ```text
//!      0  magic            "GEOD"
//!      4  major, minor     u16, u16
//!      8  length           u32, of the whole image in bytes
//!     12  sections         u16, how many
//!     14  flags            u16, zero
//!     16  digest           SHA-256 of bytes 0..16 and of the section table
//!     48  section table    48 bytes each: kind u32, offset u32, length u32, zero u32, SHA-256 of the section
//!    ...  sections         in ascending order of kind, each at a multiple of 16, gaps zero
//!
//!         MODEL       [`model`]       network: layer records, then weights, biases and multipliers
//!         PREPROCESS  [`preprocess`]  what a pixel means: size, colour order, mean, scale, template
//!         GALLERY     [`gallery`]     enrolled people: records, then int8 centres
//!         COHORT      [`gallery`]     strangers' centres, no names (optional)
//!         POLICY      [`policy`]      margin and thresholds
//! ```
//!
//! A section that holds both records and arrays begins with the records' length (`u32`), then the records
//! ([postcard](https://postcard.jamesmunns.com)), then, from the next multiple of 16, its *blob*: arrays that
//! kernels read in place. All numbers are little-endian; so must be the machine.
//!
//! # Principles
//!
//! * This crate alone knows offsets: host and board go through it, in both directions.
//! * [`Image::new_checked`] looks at every field once. What it returns cannot fail later: a truncated,
//!   corrupted or hostile image gives an [`ImageError`] that names the field, never a panic or a read out of
//!   bounds.
//! * A gallery carries the [`ModelId`] of the network its centres were made with. Embeddings of two networks have
//!   nothing in common, so a gallery of another network is refused.
//!
//! # Version promise
//!
//! An image is read by firmware of the same major version whose minor version is not older than the image's.
//! Every change of layout changes one of the two.
#![no_std]

#[cfg(target_endian = "big")]
compile_error!("image arrays are little-endian and read in place");

pub mod blob;
pub mod gallery;
pub mod header;
pub mod image;
pub mod layer;
pub mod model;
pub mod policy;
pub mod preprocess;

pub use header::{ModelId, Section};
pub use image::{Image, ImageError};

/// Every section, and every array in a blob, starts at a multiple of this many bytes.
pub const ALIGNMENT: usize = 16;

/// `bytes` rounded up to a multiple of [`ALIGNMENT`], or `None` when that does not fit.
pub const fn align_up(bytes: usize) -> Option<usize> {
    match bytes.checked_add(ALIGNMENT - 1) {
        Some(padded) => Some(padded & !(ALIGNMENT - 1)),
        None => None,
    }
}
