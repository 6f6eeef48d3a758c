//! Drivers of an STM32N657.
//!
//! * [`clocks`], [`random`]: the clocks, and random numbers.
//! * [`core_memory`]: caches and the memory protection unit.
//! * [`xspi`]: a serial flash chip: mapped, erased, written.

pub mod clocks;
pub mod core_memory;
pub mod random;
pub mod xspi;
