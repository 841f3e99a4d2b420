//! Sends one message back to where it came from.

use futures_util::FutureExt;
use tidegate::Headers;

use crate::cli::dead_letters::Office;
use crate::cli::dead_letters::letter::Letter;
use crate::nats::{ArchiveError, Publisher, names};
use crate::port::{BoxFuture, Outbound, SinkError};
use crate::topology::Topology;

/// Counts how often a message was replayed.
const REPLAY: &str = "Tidegate-Replay";

/// A message on its way back.
#[derive(Debug)]
pub(super) struct Again {
    /// The number of its dead letter.
    pub(super) dead_letter: u64,
    /// Where it came from.
    pub(super) subject: String,
    /// How often it has been replayed, this time included.
    pub(super) count: u32,
    outbound: Outbound,
}

/// Why a dead letter was not replayed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error("there is no such dead letter; those replayed are gone")]
    Absent,
    #[error("the topology has no stream `{stream}` that takes `{subject}`")]
    Elsewhere { stream: String, subject: String },
    #[error(transparent)]
    Refused(#[from] SinkError),
    #[error("replayed, but its dead letter stays: {0}")]
    Kept(ArchiveError),
}

impl Again {
    /// The message of a dead letter.
    ///
    /// # Errors
    /// When it does not come from a stream of the topology.
    pub(super) fn new(topology: &Topology, letter: Letter) -> Result<Self, ReplayError> {
        let subject = destination(topology, &letter)?;
        let dead_letter = letter.entry.dead_letter;
        let (headers, count) = headers(&letter.headers);
        let id = format!("replay:{}:{dead_letter}", names::dead_letter_stream(topology));
        let outbound = Outbound { subject: subject.clone(), headers, payload: letter.payload, id };
        Ok(Self { dead_letter, subject, count, outbound })
    }

    /// Sends it behind those sent before; what is returned waits until it is stored, then removes its dead letter.
    pub(super) async fn send<'a>(
        self,
        office: &'a Office,
        publisher: &Publisher,
    ) -> BoxFuture<'a, Result<(), ReplayError>> {
        let stored = publisher.send(self.outbound).await;
        let finish = async move {
            stored.await?;
            office.archive.remove(self.dead_letter).await.map_err(ReplayError::Kept)
        };
        finish.boxed()
    }
}

/// Where the message came from. What a dead letter says of that is not believed unless the topology says it, too:
/// whoever can write a dead letter must not choose where we publish, such as to `$JS.API.STREAM.DELETE.ORDERS`.
fn destination(topology: &Topology, letter: &Letter) -> Result<String, ReplayError> {
    let (stream, subject) = (letter.entry.epitaph.stream.clone(), letter.entry.epitaph.subject.clone());
    let streams = topology.streams.values().filter(|candidate| candidate.name.as_str() == stream);
    let mut patterns = streams.flat_map(|stream| &stream.subjects);
    if !patterns.any(|pattern| pattern.matches(&subject)) {
        return Err(ReplayError::Elsewhere { stream, subject });
    }
    Ok(subject)
}

/// The message's own headers and the number of this replay. Those that the server acts upon have had their effect: a
/// `Nats-Rollup` would now remove what came later.
fn headers(original: &Headers) -> (Headers, u32) {
    let is_command = |name: &str| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("Nats-"));
    let before = original.get(REPLAY).and_then(|count| count.parse::<u32>().ok()).unwrap_or_default();
    let count = before.saturating_add(1);
    let mut headers: Headers =
        original.iter().filter(|(name, _)| !is_command(name) && *name != REPLAY).collect();
    headers.append(REPLAY, count.to_string());
    (headers, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_the_server_are_not_given_twice() {
        let original: Headers =
            [("Nats-Rollup", "all"), ("nats-msg-id", "a"), ("Customer", "7"), (REPLAY, "2")]
                .into_iter()
                .collect();

        let (headers, count) = headers(&original);

        assert_eq!(headers, [("Customer", "7"), (REPLAY, "3")].into_iter().collect());
        assert_eq!(count, 3);
    }
}
