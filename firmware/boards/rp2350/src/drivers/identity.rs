//! The chip's own number, from its OTP memory.

use core::fmt::Write as _;

use embassy_rp::otp;
use heapless::String;

/// The number in 16 hexadecimal digits; empty if the OTP memory cannot be read.
pub fn serial() -> String<16> {
    let mut digits = String::new();
    if let Ok(number) = otp::get_chipid() {
        // There is room for all digits.
        let _ = write!(digits, "{number:016x}");
    }
    digits
}
