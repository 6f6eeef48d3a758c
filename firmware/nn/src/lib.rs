//! Integer-only streaming runtime for convolutional networks: face embeddings, detectors, landmarks.
//!
//! # Layers
//!
//! * [`quant`]: the only rounding in the system.
//! * [`kernels`]: each operator, one output row at a time, over plain slices.
//! * [`op`]: a file an operator: what a record must hold, which input rows an output row needs, how many multiply-accumulates that
//!   takes, and which kernel makes it.
//! * [`stream`]: which row to make next. Knows layers and the rows they need, not elements.
//! * [`plan`]: whether a plan of memory overwrites nothing that is still needed.
//! * [`network`]: binds a checked image's NETWORK section, an arena and a [`RowSource`] together.
//!
//! # Principles
//!
//! * Every tensor is a ring of rows. A layer's one verb is to make its next output row from the input rows that its operator
//!   names. A tensor whose ring is as high as itself is simply stored, so layer-by-layer execution is
//!   the special case where every tensor is a barrier.
//! * No row is ever computed twice, and none before it is needed.
//! * Integers only, from the pixel to the output. The portable kernels define the result; every other
//!   kernel set equals them bit for bit.
//! * A network is checked when it is loaded ([`Network::new`]); running it then fails only if its arena is too small or
//!   its source of rows fails.
//! * Records are read where they lie in the image. What has to be remembered between rows lies at the front of the arena.
//!
//! No heap: the caller owns the arena. No float.
#![no_std]

pub mod kernels;
pub mod network;
pub mod op;
pub mod plan;
pub mod quant;
pub mod stream;

pub use network::{Arena, Network, Outputs, RowSource, RunError};
pub use plan::LoadError;
