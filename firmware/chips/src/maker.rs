//! The maker's public key, which the build gives as text.

/// The key whose 64 hexadecimal digits these are: `option_env!("GEODE_MAKER_KEY")`. Without them there is none.
///
/// # Panics
/// When these are not 64 hexadecimal digits; in a constant the build fails.
pub const fn key(digits: Option<&str>) -> Option<[u8; 32]> {
    let Some(digits) = digits else { return None };
    let digits = digits.as_bytes();
    assert!(digits.len() == 64, "GEODE_MAKER_KEY has 64 hexadecimal digits");
    let mut key = [0; 32];
    let mut place = 0;
    while place < digits.len() {
        let digit = match (digits[place] as char).to_digit(16) {
            Some(digit) => digit as u8,
            None => panic!("GEODE_MAKER_KEY has 64 hexadecimal digits"),
        };
        key[place / 2] = key[place / 2] << 4 | digit;
        place += 1;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn key_is_its_digits() {
        let digits = "00ff1a".to_string() + &"5C".repeat(29);
        let found = key(Some(&digits)).unwrap();
        assert_eq!((&found[..3], found[31]), (&[0, 0xff, 0x1a][..], 0x5c));
        assert_eq!(key(None), None);
    }

    #[test]
    #[should_panic(expected = "64 hexadecimal digits")]
    fn other_text_is_no_key() {
        key(Some(&"0x".repeat(32)));
    }

    #[test]
    #[should_panic(expected = "64 hexadecimal digits")]
    fn short_text_is_no_key() {
        key(Some("00"));
    }
}
