//! What commands write to standard output.

use std::io::{self, Write};

use serde::Serialize;

/// Writes text and ends the line.
///
/// A reader that has seen enough, such as `head`, is no error.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    text(&serde_json::to_string_pretty(value).map_err(io::Error::other)?)
}
