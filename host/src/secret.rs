//! Random bytes, and keys as text.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Result, anyhow, ensure};

/// Most bytes of a file of keys: thousands of boards.
const MOST_KEY_BYTES: u64 = 1 << 20;

/// 32 random bytes of the system.
///
/// # Errors
/// When the system has none.
pub fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

/// Reads a file of keys.
///
/// # Errors
/// When it cannot be read, or is longer than one.
pub fn read_key(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MOST_KEY_BYTES + 1).read_to_string(&mut text)?;
    ensure!(read as u64 <= MOST_KEY_BYTES, "it is longer than {MOST_KEY_BYTES} bytes, and no file of keys");
    Ok(text)
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first digits of a public key: enough to tell the keys of a device apart.
pub fn short(key: &[u8; 32]) -> String {
    hex(&key[..8])
}

/// 32 bytes from 64 hexadecimal digits.
pub fn of_hex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_they_are_written_and_nothing_else() {
        let bytes = random().unwrap();
        assert_eq!(of_hex(&hex(&bytes)), Some(bytes));
        assert_eq!(hex(&[0, 0xa5]), "00a5");
        for wrong in [&"0".repeat(63), &"0".repeat(65), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(of_hex(wrong), None);
        }
    }
}
