//! The kernels' contract: runs of pixels converted, and rows made half as large; and the only choice by cfg.
//!
//! [`portable`] defines every kernel. Every other set gives the same bytes.

pub mod helium;
pub mod portable;

#[cfg(arm_helium)]
use helium as set;
#[cfg(not(arm_helium))]
use portable as set;

pub use set::{colours, grey, halve};
