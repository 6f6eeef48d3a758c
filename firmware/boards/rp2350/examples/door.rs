//! A device that sees, remembers and opens.
#![no_std]
#![no_main]

programs::door!(rp2350::Board);
