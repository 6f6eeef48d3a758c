//! Counts the instructions of people in a store.
#![no_std]
#![no_main]

programs::remembered!(qemu_m7::Board);
