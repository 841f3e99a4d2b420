//! Splits a body into lines as it arrives, keeping no more than one of them.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::http::{Incoming, Piece, Problem, too_large};

/// The lines of a body, blank ones left out.
#[derive(Debug)]
pub(super) struct Lines {
    incoming: Incoming,
    buffer: BytesMut,
    /// How much of the buffer is known to have no line break.
    looked_at: usize,
    number: u64,
    limit: usize,
    patience: Duration,
    has_ended: bool,
    is_skipping: bool,
}

/// A line with its number, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    /// `Err` for one that is too long; the next one follows all the same.
    pub(super) text: Result<Bytes, Problem>,
}

impl Lines {
    /// The lines of `body`, each at most `limit` bytes, and each within `patience` of being asked for.
    pub(super) fn new(body: Body, limit: usize, patience: Duration) -> Self {
        Self {
            incoming: Incoming::new(body),
            buffer: BytesMut::new(),
            looked_at: 0,
            number: 0,
            limit,
            patience,
            has_ended: false,
            is_skipping: false,
        }
    }

    /// How many lines were looked at.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank. Cancel safe: what was read is kept.
    ///
    /// # Errors
    /// When the line does not arrive in time, or the body ends early. Nothing can follow.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, Problem> {
        let deadline = Instant::now() + self.patience;
        loop {
            while let Some(line) = self.split() {
                self.number += 1;
                if std::mem::take(&mut self.is_skipping) {
                    continue;
                }
                let text = line.trim_ascii();
                if text.len() > self.limit {
                    return Ok(Some(self.too_long()));
                }
                if !text.is_empty() {
                    let text = line.slice_ref(text);
                    return Ok(Some(Line { number: self.number, text: Ok(text) }));
                }
            }
            if self.has_ended {
                return Ok(None);
            }
            if self.is_skipping {
                self.buffer.clear();
                self.looked_at = 0;
            } else if self.buffer.len() > self.limit {
                self.is_skipping = true;
                let Line { text, .. } = self.too_long();
                return Ok(Some(Line { number: self.number + 1, text }));
            }
            match self.incoming.next(deadline).await? {
                Piece::Data(data) => self.buffer.extend_from_slice(&data),
                Piece::End => self.has_ended = true,
            }
        }
    }

    /// The bytes up to the next line break, or what is left at the end.
    fn split(&mut self) -> Option<Bytes> {
        let found = self.buffer[self.looked_at..].iter().position(|byte| *byte == b'\n');
        match found {
            Some(place) => {
                let line = self.buffer.split_to(self.looked_at + place + 1);
                self.looked_at = 0;
                Some(line.freeze())
            }
            None if self.has_ended && !self.buffer.is_empty() => {
                self.looked_at = 0;
                Some(self.buffer.split().freeze())
            }
            None => {
                self.looked_at = self.buffer.len();
                None
            }
        }
    }

    fn too_long(&self) -> Line {
        Line { number: self.number, text: Err(too_large(self.limit)) }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn lines(pieces: Vec<Vec<u8>>, limit: usize) -> Lines {
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        Lines::new(Body::from_stream(stream::iter(pieces)), limit, Duration::from_secs(1))
    }

    async fn all(mut lines: Lines) -> Vec<(u64, Option<String>)> {
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.expect("the body arrives") {
            let text = line.text.ok().map(|text| String::from_utf8_lossy(&text).into_owned());
            read.push((line.number, text));
        }
        read
    }

    fn expected(text: &str, limit: usize) -> Vec<(u64, Option<String>)> {
        let numbered = (1..).zip(text.split('\n')).map(|(number, line)| (number, line.trim_ascii()));
        numbered
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| (number, (line.len() <= limit).then(|| line.to_owned())))
            .collect()
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_does_not_spoil_the_next_one() {
        let text = format!("1\n\n{}\n2\n  \r\n{}\n3", "x".repeat(50), "y".repeat(11));

        let read = all(lines(text.as_bytes().chunks(7).map(<[u8]>::to_vec).collect(), 10)).await;

        assert_eq!(
            read,
            [
                (1, Some("1".to_owned())),
                (3, None),
                (4, Some("2".to_owned())),
                (6, None),
                (7, Some("3".to_owned()))
            ]
        );
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_body_is_cut(text in "[ab\\n]{0,60}", size in 1_usize..9) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let pieces = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();

            let read = runtime.block_on(all(lines(pieces, 5)));

            prop_assert_eq!(read, expected(&text, 5));
        }
    }
}
