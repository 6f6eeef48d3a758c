//! The backup SRAM of an STM32H7: 4 KB that no restart clears. With a battery at VBAT they outlive the supply as well.
//! (ST RM0433, sections 2.4 and 6.4.4.)
//!
//! It is not cached: what a cache holds is lost at a restart. An ECC word of which only a part was written is complete only
//! with the next write beside it (ST AN5342), so that a restart may lose the last decision. Its check shows that.
#![allow(unsafe_code)]

use core::slice;

use chips::flash::Region;
use embassy_stm32::pac;

use super::core_memory;

/// Address and bytes.
const MEMORY: Region = (0x3880_0000, 0x1000);

/// Whether a region is this memory.
pub const fn is_backup_sram((address, bytes): Region) -> bool {
    address == MEMORY.0 && bytes == MEMORY.1
}

/// The memory; called once.
///
/// # Safety
/// Nothing else uses it.
pub unsafe fn take() -> &'static mut [u8] {
    critical_section::with(|_| {
        pac::PWR.cr1().modify(|w| w.set_dbp(true));
        pac::RCC.ahb4enr().modify(|w| w.set_bkpsramen(true));
    });
    // Reading it back lets the clock arrive.
    let _ = pac::RCC.ahb4enr().read();
    core_memory::open_uncached(MEMORY);
    // SAFETY: RAM that is clocked now, and that only the caller uses. Any content is a slice of bytes.
    unsafe { slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(MEMORY.0), MEMORY.1) }
}
