//! Text over a byte stream.

use core::fmt;

use embedded_io::Write;

/// A writer of text.
pub struct Console<S>(pub S);

impl<S: Write> fmt::Write for Console<S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
