//! Reads the input line by line, with a bound on the length of a line and on how far it reads ahead.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc;

use super::address::BadLine;

/// How many lines are read ahead.
const AHEAD: usize = 256;

/// One line that is not blank.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number, from 1; blank lines count.
    pub(super) number: u64,
    /// How many bytes it has, and the blank lines before it.
    pub(super) bytes: u64,
    /// The line without its end.
    pub(super) text: Result<Vec<u8>, BadLine>,
}

/// Reads lines of at most `limit` bytes on a thread of its own, which nobody waits for: a terminal that nobody types
/// at must not keep the process from ending.
pub(super) fn read(
    input: impl BufRead + Send + 'static,
    limit: usize,
) -> io::Result<mpsc::Receiver<io::Result<Line>>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let lines = Lines { input, limit, number: 0 };
    thread::Builder::new().name("lines".to_owned()).spawn(move || {
        for line in lines {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

struct Lines<R> {
    input: R,
    limit: usize,
    number: u64,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = 0;
        loop {
            let (mut text, read) = match self.line() {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if read == 0 {
                return None;
            }
            self.number += 1;
            bytes += read;
            text.truncate(text.trim_ascii_end().len());
            if text.is_empty() {
                continue;
            }
            let text =
                if text.len() > self.limit { Err(BadLine::TooLong { limit: self.limit }) } else { Ok(text) };
            return Some(Ok(Line { number: self.number, bytes, text }));
        }
    }
}

impl<R: BufRead> Lines<R> {
    /// A line, cut off a little beyond the limit, and how many bytes it has in the input.
    fn line(&mut self) -> io::Result<(Vec<u8>, u64)> {
        let mut text = Vec::new();
        let kept = self.limit as u64 + 2;
        let mut read = self.input.by_ref().take(kept).read_until(b'\n', &mut text)? as u64;
        if read == kept && !text.ends_with(b"\n") {
            read += self.input.skip_until(b'\n')? as u64;
        }
        Ok((text, read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, u64, Option<String>)> {
        let lines = Lines { input, limit: 4, number: 0 };
        let seen = lines.map(|line| {
            let line = line.expect("memory can be read");
            (line.number, line.bytes, line.text.ok().map(|text| String::from_utf8_lossy(&text).into_owned()))
        });
        seen.collect()
    }

    #[test]
    fn counts_blank_lines_and_leaves_them_out() {
        let text = |text: &str| Some(text.to_owned());

        assert_eq!(lines(b"{}\r\n\n \n[1]\n2"), [(1, 4, text("{}")), (4, 7, text("[1]")), (5, 1, text("2"))]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_long_line_spoils_no_other() {
        let seen = lines(b"12345678901234567890\n1234\n12345\n1");

        assert_eq!(
            seen.iter().map(|(number, bytes, _)| (*number, *bytes)).collect::<Vec<_>>(),
            [(1, 21), (2, 5), (3, 6), (4, 1)]
        );
        assert_eq!(
            seen.iter().map(|(.., text)| text.is_some()).collect::<Vec<_>>(),
            [false, true, false, true]
        );
    }
}
