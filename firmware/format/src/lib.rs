//! The flash image: one file, read in place, with everything that a board needs to recognise its people.
//!
//! ```text
//!      0  magic            "GEOD"
//!      4  major, minor     u16, u16
//!      8  length           u32, of the whole image in bytes
//!     12  sections         u16, how many
//!     14  flags            u16, zero
//!     16  digest           BLAKE3 of bytes 0..16 and of the section table
//!     48  section table    48 bytes each: kind u16, role u16, offset u32, length u32, zero u32, BLAKE3 of the section
//!    ...  sections         in ascending order of kind and role, each at a multiple of 16, gaps zero
//!
//!         NETWORK     [`network`]    one for each [`Role`]: input, outputs, layers, barriers, then weights
//!         GALLERY     [`gallery`]    enrolled people: records, then int8 centres
//!         COHORT      [`gallery`]    strangers' centres, no names (optional)
//!         POLICY      [`policy`]     margin and thresholds
//!         GOLDEN      [`golden`]     a crop and its embedding, for a board's self-test (optional)
//!         SIGNATURE   [`signature`]  of the header and the section table (optional)
//!         SIGHT       [`sight`]      how faces are found and examined, with the [`gates`] of a usable face (with a
//!                                    detector; since minor version 1)
//! ```
//!
//! All numbers are little-endian, and the machine must be too. Records have a fixed size and are read in place. Only
//! people's names, which have no fixed length, are stored as [postcard](https://postcard.jamesmunns.com) records.
//!
//! # Principles
//!
//! * Only this crate knows offsets. Every record's `parse` stands beside its `emit`; host and board use both.
//! * [`Image::new_checked`] checks every field once. The checked image cannot fail later: a truncated, corrupted or
//!   hostile image gives an [`ImageError`] that names the field, never a panic or a read out of bounds. The meaning
//!   of a layer's fields for its operator is checked in the same way by the crate `nn`.
//! * A gallery carries the [`ModelId`] of the network that made its centres. Embeddings of two networks cannot be
//!   compared, so a gallery of another network is refused.
//!
//! # Version promise
//!
//! Firmware reads an image of its own major version whose minor version is not newer. Every change of the layout
//! changes one of the two.
#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!("image arrays are little-endian and read in place");

pub mod bytes;
pub mod gallery;
pub mod gates;
pub mod golden;
pub mod header;
pub mod image;
pub mod layer;
pub mod network;
pub mod pixels;
pub mod policy;
pub mod preprocess;
pub mod sight;
pub mod signature;

pub use header::{ModelId, Role, Section};
pub use image::{Image, ImageError};
pub use pixels::PixelFormat;

/// Every section, and every array in a section's blob, starts at a multiple of this many bytes.
pub const ALIGNMENT: usize = 16;

/// `bytes` rounded up to a multiple of [`ALIGNMENT`], or `None` when that does not fit.
pub const fn align_up(bytes: usize) -> Option<usize> {
    match bytes.checked_add(ALIGNMENT - 1) {
        Some(padded) => Some(padded & !(ALIGNMENT - 1)),
        None => None,
    }
}
