//! Caches and the memory protection unit of a Cortex-M55. (Arm DDI 0553B, section B9; ST RM0486, section 2.)
#![allow(unsafe_code)]

use chips::flash::Region;
use cortex_m::asm::{dsb, isb};

use crate::cache::core;

/// Regions of the MPU are multiples of so many bytes.
const GRAIN_BYTES: usize = 32;
/// Regions of the MPU; the first is the flash chip's.
const REGIONS: u32 = 16;
const FLASH: u32 = 0;

const ENABLE: u32 = 1;
/// Bit of CTRL: addresses outside all regions are as without the MPU.
const DEFAULT_MAP: u32 = 1 << 2;
/// Bits of RBAR.
const READ_ONLY: u32 = 0b10 << 1;
const NO_EXECUTION: u32 = 1;
/// Places of memory's kinds in MAIR0: cached with write-back; a device, where the core reads only what it is told to.
const CACHED: u32 = 0;
const DEVICE: u32 = 1;
const KINDS: u32 = 0x00ff;

fn flash_is((address, bytes): Region, kind: u32) {
    let core = core();
    dsb();
    // SAFETY: the region covers the flash chip alone, where no statics and no stack lie.
    unsafe {
        core.MPU.rnr.write(FLASH);
        core.MPU.rbar.write(address as u32 | READ_ONLY | NO_EXECUTION);
        core.MPU.rlar.write((address + bytes - GRAIN_BYTES) as u32 | kind << 1 | ENABLE);
    }
    dsb();
    isb();
}

/// Turns caches and MPU on. The flash chip at these addresses is a device: a core reads ahead in what it takes for memory, and a read
/// of a chip that is not mapped would not come back.
pub fn start(flash: Region) {
    let mut core = core();
    // What a boot loader has left there.
    // SAFETY: without the MPU all memory is as the core has it by itself.
    unsafe {
        core.MPU.ctrl.write(0);
        for number in 0..REGIONS {
            core.MPU.rnr.write(number);
            core.MPU.rlar.write(0);
        }
        core.MPU.mair[0].write(KINDS);
    }
    flash_is(flash, DEVICE);
    // SAFETY: all other memory stays as it is.
    unsafe { core.MPU.ctrl.write(DEFAULT_MAP | ENABLE) };
    dsb();
    isb();
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
}

/// Lets the flash chip be cached and read ahead; it must be mapped.
pub fn open_flash(flash: Region) {
    flash_is(flash, CACHED);
}

/// Nothing of the flash chip is read ahead from now on.
pub fn close_flash(flash: Region) {
    flash_is(flash, DEVICE);
}
