//! What the program gives: text on standard output, files written whole or not at all ([`file`]), and what is said on
//! standard error while something goes on, progress on terminals only.

mod file;
mod hold;
mod plan;

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::name::visible;

pub use self::file::{is_standard_output, write_json, write_new, write_whole};
pub use self::hold::{Hold, PATIENCE};
pub use self::plan::{Named, Planned, first_overwritten, make_folder};

/// Time between two pictures of something that moves.
const TICK: Duration = Duration::from_millis(120);

/// Standard output does not take what is printed.
#[derive(Debug)]
pub struct Unprintable(io::Error);

impl Unprintable {
    /// Whether nobody reads it any more, which is no failure: `head` has seen enough.
    pub fn is_closed(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot print on standard output: {}", self.0)
    }
}

impl std::error::Error for Unprintable {}

/// Prints on standard output.
///
/// # Errors
/// When it takes no more.
pub fn print(bytes: &[u8]) -> Result<(), Unprintable> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Unprintable)
}

/// Text whose lines a terminal shows and does not obey, whatever names of files and people are in it.
pub fn harmless(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Prints a line on standard error. If nobody reads that, there is nobody to tell.
pub fn step(step: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless(step));
}

/// The first of some words, and how many more there are.
pub fn some_of(words: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = words.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A number with its thousands apart: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in per cent, with two digits.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Says what the user should know at once.
pub fn warn(warning: &str) {
    step(&format!("warning: {warning}"));
}

/// Says all that the user should know.
pub fn warn_all(warnings: &[String]) {
    warnings.iter().for_each(|warning| warn(warning));
}

/// Leaves a terminal as other programs want it: without a bar half drawn, and with its cursor.
pub fn leave_terminal() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[2K\x1b[?25h");
    }
}

/// A bar over `length` steps, on a terminal. It moves also while one step takes long.
pub fn bar(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg:28} {bar:32} {pos}/{len} {elapsed}, {eta} left");
    let bar = ProgressBar::new(length as u64).with_message(what);
    let bar = match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    bar.enable_steady_tick(TICK);
    bar
}

/// Something of unknown length, on a terminal.
pub fn spinner(what: String) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}

/// A bar over bytes, on a terminal.
pub fn byte_bar(bytes: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{spinner} {msg:14} {bar:32} {bytes}/{total_bytes} {elapsed}, {eta} left",
    );
    let bar = ProgressBar::new(bytes as u64).with_message(what);
    let bar = match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    bar.enable_steady_tick(TICK);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 100_352, 1_338_096].map(grouped),
            ["0", "999", "1,000", "100,352", "1,338,096"]
        );
    }
}
