//! The kernels' contract: one probe against many centres, and the choice of a kernel set.
//!
//! A set has a type `Probe`, made of the probe's elements, with one function: the first of some centres whose inner product with
//! the probe is above a bound. What is no nearer than somebody already seen is passed over there, and nobody looks at it.

pub mod dsp;
pub mod helium;
pub mod portable;

#[cfg(arm_dsp)]
use dsp as set;
#[cfg(arm_helium)]
use helium as set;
#[cfg(not(any(arm_dsp, arm_helium)))]
use portable as set;

pub use set::Probe;
