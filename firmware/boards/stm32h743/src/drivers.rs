//! What is the board's own: clocks, memories, and the parts that its pins lead to. Only these modules contain unsafe code.
//!
//! * [`clocks`]: the chip's clocks.
//! * [`eye`]: the camera.
//! * [`memories`]: the memories of `board.toml`.
//! * [`panel`]: button, light and relay.
//! * `faults`: what the core does when it cannot go on.

pub mod clocks;
pub mod eye;
mod faults;
pub mod memories;
pub mod panel;
