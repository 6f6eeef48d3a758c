//! Ends a program that a debugger or an emulator watches.
//! (Semihosting for AArch32 and AArch64, Arm IHI 0104, `SYS_EXIT_EXTENDED`.)
#![allow(unsafe_code)]

const EXIT: u32 = 0x20;
/// Reason code for a program that ends by itself.
const APPLICATION_EXIT: u32 = 0x2_0026;

/// Ends the emulator, which must run with semihosting, with this exit code. The core faults if nothing answers the
/// call.
pub fn exit(code: u32) -> ! {
    let arguments = [APPLICATION_EXIT, code];
    loop {
        // SAFETY: the call reads its two arguments and writes nothing. Without semihosting it faults.
        unsafe { cortex_m::asm::semihosting_syscall(EXIT, arguments.as_ptr() as u32) };
    }
}
