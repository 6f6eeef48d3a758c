//! Names of people: one spelling each, and nothing in them that a terminal or a reader is deceived by.

use anyhow::{Result, bail, ensure};
use format::gallery::MAX_NAME;
use unicode_normalization::UnicodeNormalization as _;

/// A person's name as an image has it, in Unicode's form C, so that one name has one spelling.
///
/// # Errors
/// When it has characters that are not seen, or is too long.
pub fn checked(name: &str) -> Result<String> {
    let name = composed(name);
    if let Some(hidden) = name.chars().find(|&c| is_hidden(c)).or_else(|| misplaced_joiner(&name)) {
        bail!(
            "the name {name:?} has a character that is not seen or moves others (U+{:04X}); rename it",
            u32::from(hidden)
        );
    }
    ensure!(
        !name.is_empty() && name.trim() == name,
        "the name {name:?} is empty, or begins or ends with a space; rename it"
    );
    ensure!(
        name.len() <= MAX_NAME,
        "the name {name:?} has {} bytes, at most {MAX_NAME} are supported; shorten it",
        name.len()
    );
    Ok(name)
}

/// The one spelling of a name: Unicode's form C.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// Characters that control terminals, that are not seen, or that change the order of others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A joiner or non-joiner that is not within a word of a script that has them, such as Persian.
fn misplaced_joiner(name: &str) -> Option<char> {
    let chars: Vec<char> = name.chars().collect();
    let is_letter =
        |c: Option<&char>| c.is_some_and(|c| !c.is_ascii() && !matches!(c, '\u{200c}' | '\u{200d}'));
    let is_within = |at: usize| is_letter(chars[..at].last()) && is_letter(chars.get(at + 1));
    (0..chars.len())
        .find(|&at| matches!(chars[at], '\u{200c}' | '\u{200d}') && !is_within(at))
        .map(|at| chars[at])
}

/// A name as it may be printed: what is not seen is written out.
pub fn visible(name: &str) -> String {
    name.chars().map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_name() {
        assert_eq!(checked("Jose\u{301}").unwrap(), "Jos\u{e9}");
    }

    #[test]
    fn names_that_would_deceive_are_refused() {
        for name in [
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}b",
            "a\u{200b}",
            "a\u{200d}b",
            "é\u{200d}",
            " a",
            "",
            &"x".repeat(65),
        ] {
            assert!(checked(name).is_err(), "{name:?}");
        }
        for name in ["Zoë Müller-Łódź 李", "O'Neil", "علی\u{200c}رضا"] {
            assert_eq!(checked(name).unwrap(), name);
        }
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
    }
}
