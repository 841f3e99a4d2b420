//! Reads the body of a request, no further than it may be long and no longer than it may take.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::problem::{Code, Problem};

/// The body as it arrives.
#[derive(Debug)]
pub(crate) struct Incoming(Body);

/// What is read at once.
pub(crate) enum Piece {
    /// Some bytes, at least one.
    Data(Bytes),
    /// The body is complete.
    End,
}

impl Incoming {
    pub(crate) fn new(body: Body) -> Self {
        Self(body)
    }

    /// Waits for the next piece until `deadline`. Cancel safe.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Result<Piece, Problem> {
        loop {
            let Ok(frame) = timeout_at(deadline, self.0.frame()).await else {
                return Err(Problem::new(Code::Timeout, "the body did not arrive in time"));
            };
            match frame {
                None => return Ok(Piece::End),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Piece::Data(data)),
                    Ok(_) | Err(_) => {}
                },
                // Nobody is left to read this answer, or the framing is broken.
                Some(Err(_)) => return Err(Problem::new(Code::Malformed, "the body ended early")),
            }
        }
    }
}

/// Reads a whole body of at most `limit` bytes within `patience`.
pub(crate) async fn whole(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let deadline = Instant::now() + patience;
    let mut incoming = Incoming::new(body);
    let mut first = None;
    let mut rest = BytesMut::new();
    while let Piece::Data(data) = incoming.next(deadline).await? {
        if first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        match &first {
            None => first = Some(data),
            Some(_) => rest.extend_from_slice(&data),
        }
    }
    // Most bodies come in one piece, which is passed on as it is.
    Ok(match first {
        Some(first) if rest.is_empty() => first,
        Some(first) => [first, rest.freeze()].concat().into(),
        None => Bytes::new(),
    })
}

pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("more than {limit} bytes are not taken"))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn body(pieces: &[&'static str]) -> Body {
        let pieces: Vec<Result<&str, std::io::Error>> = pieces.iter().map(|piece| Ok(*piece)).collect();
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_put_together_up_to_its_limit() {
        let read = async |pieces: &[&'static str], limit| {
            whole(body(pieces), limit, Duration::from_secs(1)).await.map_err(|problem| problem.code)
        };

        assert_eq!(read(&[], 5).await, Ok(Bytes::new()));
        assert_eq!(read(&["hello"], 5).await.as_deref(), Ok(&b"hello"[..]));
        assert_eq!(read(&["he", "", "ll", "o"], 5).await.as_deref(), Ok(&b"hello"[..]));
        assert_eq!(read(&["he", "ll", "o!"], 5).await, Err(Code::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_given_up() {
        let endless = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });

        let read = whole(Body::from_stream(endless), 1000, Duration::from_secs(10)).await;

        assert_eq!(read.map_err(|problem| problem.code), Err(Code::Timeout));
    }
}
