//! Runs the battery of kernel cases. The kernels are those of a Cortex-M7, which runs more of them.
#![no_std]
#![no_main]

programs::battery!(qemu_m4::Board, 1_500);
