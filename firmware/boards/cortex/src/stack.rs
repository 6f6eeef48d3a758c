//! Measures the greatest depth of the stack: the unused part is painted at start and inspected later.
#![allow(unsafe_code)]

use core::ptr;

const PAINT: u32 = 0xa5a5_5a5a;

unsafe extern "C" {
    /// End of the statics below the stack.
    static mut _stack_end: u32;
    /// Start of the stack, which grows down.
    static mut _stack_start: u32;
}

/// Paints everything between the statics and the stack's end.
#[inline(never)]
pub fn paint() {
    let mut word = &raw mut _stack_end;
    // Paint below the frame of this function, and leave room for the frame of an interrupt.
    let end = cortex_m::register::msp::read() as usize - 256;
    while (word as usize) < end {
        // SAFETY: nothing lies between the statics and the stack's end.
        unsafe { ptr::write_volatile(word, PAINT) };
        word = word.wrapping_add(1);
    }
}

/// Most bytes of stack ever in use since [`paint`].
pub fn high_water_bytes() -> u32 {
    let start = (&raw mut _stack_start) as usize;
    let mut word = (&raw mut _stack_end).cast_const();
    // SAFETY: memory between the statics and the stack's start.
    while (word as usize) < start && unsafe { ptr::read_volatile(word) } == PAINT {
        word = word.wrapping_add(1);
    }
    (start - word as usize) as u32
}
