//! Reads the firmware's programs as a linker left them.
//!
//! # Layers
//!
//! * [`program`]: an ELF file's functions, their names, and the branches between them (Thumb-2, Armv7-M and later).
//! * [`panics`]: the places from which a panic is reached, and the list of those that are allowed.
//! * [`sizes`]: flash and RAM of each crate.
//!
//! A place is the innermost source file, outside of Rust's own library, of a branch to code that ends in the panic
//! handler: calls that the compiler inlined are told apart by the debug information.

pub mod panics;
pub mod program;
pub mod sizes;
