//! The arena's zeros.
#![allow(unsafe_code)]

use core::arch::global_asm;

// The run-time calls this before it fills the statics. The arena does not lie with them.
global_asm!(
    ".section .text.__pre_init, \"ax\", %progbits",
    ".global __pre_init",
    ".type __pre_init, %function",
    ".thumb_func",
    "__pre_init:",
    "ldr r0, =__sarena",
    "ldr r1, =__earena",
    "movs r2, #0",
    "0:",
    "cmp r0, r1",
    "bhs 1f",
    "str r2, [r0], #4",
    "b 0b",
    "1:",
    "bx lr",
    ".ltorg",
    ".size __pre_init, . - __pre_init",
);
