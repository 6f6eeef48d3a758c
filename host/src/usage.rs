//! Wrong use of the command line that shows only when arguments are seen together, or beside the files that they name. The
//! program ends with exit code 2, as it does for arguments that cannot be parsed.

use std::fmt;

use anyhow::{Error, Result};

/// Words on what is wrong and what would do.
#[derive(Debug)]
pub struct WrongUse(String);

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// The error.
pub fn wrong_use(words: impl Into<String>) -> Error {
    WrongUse(words.into()).into()
}

/// Refuses arguments unless this holds.
///
/// # Errors
/// [`WrongUse`] with these words.
pub fn ensure_use(holds: bool, words: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(wrong_use(words())) }
}

/// Whether an error is, or has as its cause, wrong use.
pub fn is_wrong_use(error: &Error) -> bool {
    error.chain().any(|cause| cause.is::<WrongUse>())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn wrong_use_is_known_below_its_context() {
        let error = Err::<(), _>(wrong_use("--a without --b")).context("cannot go on").unwrap_err();
        assert!(is_wrong_use(&error) && !is_wrong_use(&anyhow::anyhow!("--a")));
        assert!(ensure_use(true, String::new).is_ok());
    }
}
