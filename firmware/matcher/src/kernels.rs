//! The kernels' contract: one probe against many centres, and the choice of a kernel set.
//!
//! A set has a type `Probe`, made from the probe's elements, with one function: it finds the first of some centres
//! whose inner product with the probe is above a bound. Centres that are no nearer than the nearest seen so far are
//! skipped there.

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
