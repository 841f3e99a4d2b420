//! When the oldest message was stored that a consumer has not done.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::response::Response;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::message::timestamp;
use crate::nats::Connection;

/// How often it is looked up where no mark depends on it: the answer carries the whole message.
const SELDOM: Duration = Duration::from_secs(1);

/// Remembers the last look, since the message is the same while the ack floor is.
#[derive(Debug)]
pub(super) struct Oldest {
    filters: Vec<String>,
    /// Whether a mark depends on it.
    is_marked: bool,
    known: Option<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    floor: u64,
    /// Its sequence and when it was stored; `None` when it could not be told.
    found: Option<(u64, SystemTime)>,
    at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    message: Stored,
}

#[derive(Deserialize)]
struct Stored {
    seq: u64,
    #[serde(with = "timestamp")]
    time: SystemTime,
}

impl Oldest {
    pub(super) fn new(filters: Vec<String>, is_marked: bool) -> Self {
        Self { filters, is_marked, known: None }
    }

    /// When the first message after `floor` was stored that the consumer reads.
    pub(super) async fn after(
        &mut self,
        floor: u64,
        connection: &Connection,
        stream: &str,
    ) -> Option<SystemTime> {
        let now = Instant::now();
        if let Some(known) = self.known {
            let is_same = known.found.is_some_and(|(sequence, _)| known.floor <= floor && floor < sequence);
            let is_recent = now - known.at < SELDOM;
            if is_recent && (is_same || !self.is_marked) {
                return known.found.map(|(_, stored)| stored);
            }
        }
        let looks = self.filters.iter().map(|filter| first(connection, stream, floor + 1, filter));
        let found = join_all(looks).await.into_iter().flatten().min();
        self.known = Some(Known { floor, found, at: now });
        found.map(|(_, stored)| stored)
    }
}

/// The first message from `sequence` on whose subject matches. Asks the leader: an external stream need not allow direct
/// gets.
async fn first(
    connection: &Connection,
    stream: &str,
    sequence: u64,
    filter: &str,
) -> Option<(u64, SystemTime)> {
    let query = json!({ "seq": sequence, "next_by_subj": filter });
    match connection.jetstream().request(format!("STREAM.MSG.GET.{stream}"), &query).await {
        Ok(Response::Ok(Answer { message })) => Some((message.seq, message.time)),
        Ok(Response::Err { .. }) | Err(_) => None,
    }
}
