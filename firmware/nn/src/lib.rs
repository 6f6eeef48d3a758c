//! Integer-only streaming runtime for face-embedding networks.
//!
//! # Layers
//!
//! * [`quant`]: the only rounding in the system.
//! * [`kernels`]: each operator, one output row at a time, over plain slices.
//! * [`stream`]: which row to make next. Knows layers and windows, not elements.
//! * [`network`]: binds a checked image's MODEL section, an arena and a [`RowSource`] together.
//!
//! # Principles
//!
//! * Every tensor is a ring of rows. A layer's one verb is to make its next output row from the input rows under
//!   its window. A tensor whose ring is as high as itself is simply stored, so layer-by-layer execution is
//!   the special case where every tensor is a barrier.
//! * No row is ever computed twice, and none before it is needed.
//! * Integers only, from the pixel to the embedding. The portable kernels define the result; every other
//!   kernel set equals them bit for bit.
//! * A network is checked when it is loaded ([`Network::new`]); embedding then fails only if its arena is too small or
//!   its source of rows fails.
//!
//! No heap: the caller owns the arena. No float.
#![no_std]

pub mod kernels;
pub mod network;
pub mod quant;
pub mod stream;

pub use network::{Arena, EmbedError, LoadError, Network, RowSource};
