//! The loops in assembly, one in each file. Naked functions are assembled without the target's features, so each names the
//! features that it needs. All loads and stores are of bytes, because pixels have any address.
#![allow(unsafe_code)]

mod colours;
mod even;
mod halve;
mod luminance;
mod yuv_colours;

pub use colours::{colours_big, colours_little};
pub use even::even;
pub use halve::halve;
pub use luminance::{luminance_big, luminance_bytes, luminance_little};
pub use yuv_colours::yuv_colours;

/// Eight pixels of RGB565 become red, green and blue in q0, q1, q2. Five bits x become `x << 3 | x >> 2`, six bits
/// `x << 2 | x >> 4`: the high bits are shifted over the lower ones, which are those of another channel.
///
/// Before: a lane of 16 bits of q0 is a pixel, with red in its highest bits and blue in its lowest. The first three
/// shifts bring a channel to the top of each lane's low byte: green in q1, blue in q2, red in q0. The three `vsri.8` fill
/// the low bits of these bytes. The two `vmovlb.u8` clear the high bytes of green and blue; those of red are zero already.
macro_rules! widen {
    () => {
        "vshr.u16 q1, q0, #3
        vshl.i16 q2, q0, #3
        vshr.u16 q0, q0, #8
        vsri.8 q1, q1, #6
        vsri.8 q2, q2, #5
        vsri.8 q0, q0, #5
        vmovlb.u8 q1, q1
        vmovlb.u8 q2, q2"
    };
}
use widen;

/// The places of the first bytes of eight pixels of three bytes, in q4: 0, 3 to 21 in lanes of 16 bits. They are the
/// numbers 0 to 7 times three. r12 changes.
macro_rules! places {
    () => {
        "mov.w r12, #0
        vidup.u16 q4, r12, #1
        mov.w r12, #3
        vmul.i16 q4, q4, r12"
    };
}
use places;
