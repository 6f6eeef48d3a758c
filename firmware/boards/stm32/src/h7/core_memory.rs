//! Caches and the memory protection unit.
//! (Arm DDI 0403E: B3.5, the MPU, and B2.2.7, cache maintenance; ST AN4839.)
#![allow(unsafe_code)]

use chips::flash::Region;
use cortex_m::asm::{dsb, isb};
use cortex_m::peripheral::MPU;

use crate::cache::core;

/// Regions of the MPU: in the first nothing may be touched, the next one above it opens the flash on QUADSPI.
const REGIONS: u32 = 16;
const CLOSED: u32 = 0;
const OPENED: u32 = 1;
/// Region of RAM that is not cached.
const UNCACHED: u32 = 2;
/// The closed region: of eight parts of all addresses those from 0x6000_0000 to 0xdfff_ffff, external memories and devices.
const EXTERNAL: u32 = 0b1000_0111 << 8 | 31 << 1;

const ENABLE: u32 = 1;
const NO_EXECUTION: u32 = 1 << 28;
const READ_ONLY: u32 = 0b110 << 24;
const READ_AND_WRITE: u32 = 0b011 << 24;
/// Normal memory that is not cached.
const NOT_CACHED: u32 = 0b001 << 19;
/// Normal memory, cached with write-back.
const CACHED: u32 = 0b001 << 19 | 1 << 17 | 1 << 16;
/// Bit of CTRL: addresses outside all regions are as without the MPU.
const DEFAULT_MAP: u32 = 1 << 2;

/// The field for the size of a region in RASR.
const fn size(bytes: u32) -> u32 {
    (bytes.ilog2() - 1) << 1
}

fn region(mpu: &MPU, number: u32, address: u32, attributes: u32) {
    dsb();
    // SAFETY: the regions cover external memories and the RAM that is kept through restarts, where no statics and no stack lie.
    unsafe {
        mpu.rnr.write(number);
        mpu.rbar.write(address);
        mpu.rasr.write(attributes);
    }
    dsb();
    isb();
}

/// Turns caches and MPU on. External memories are closed, QUADSPI among them: the core reads ahead in what it takes for
/// memory, and a read of QUADSPI that is not mapped would not come back.
pub fn start() {
    let mut core = core();
    // What a boot loader has left there.
    // SAFETY: without the MPU all memory is as the core has it by itself.
    unsafe { core.MPU.ctrl.write(0) };
    for number in 0..REGIONS {
        region(&core.MPU, number, 0, 0);
    }
    region(&core.MPU, CLOSED, 0, NO_EXECUTION | EXTERNAL | ENABLE);
    // SAFETY: all other memory stays as it is.
    unsafe { core.MPU.ctrl.write(DEFAULT_MAP | ENABLE) };
    dsb();
    isb();
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
}

/// Lets a flash on QUADSPI be read, which must be mapped there. Its bytes are a power of two.
pub fn open_flash((address, bytes): Region) {
    let attributes = NO_EXECUTION | READ_ONLY | CACHED | size(bytes as u32) | ENABLE;
    region(&core().MPU, OPENED, address as u32, attributes);
}

/// Keeps a RAM out of the cache. Its bytes are a power of two, and nobody has touched it yet.
pub fn open_uncached((address, bytes): Region) {
    region(
        &core().MPU,
        UNCACHED,
        address as u32,
        NO_EXECUTION | READ_AND_WRITE | NOT_CACHED | size(bytes as u32) | ENABLE,
    );
}

/// Nothing of QUADSPI is read from now on.
pub fn close_flash() {
    region(&core().MPU, OPENED, 0, 0);
}
