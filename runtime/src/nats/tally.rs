//! Counts the messages that a stream keeps under some subjects: a direct get of the first one tells how many follow
//! (ADR-31).

use std::time::Duration;

use async_nats::Message;
use bytes::Bytes;
use serde_json::json;
use tokio::time::timeout;

use super::Connection;
use crate::port::{BoxFuture, GaugeError, Tally};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How many messages follow the one in an answer.
const NUM_PENDING: &str = "Nats-Num-Pending";

/// Nothing matches.
const NO_RESULTS: u16 = 404;

/// The tally of what a stream keeps under a filter.
#[derive(Debug)]
pub struct NatsTally {
    connection: Connection,
    api: String,
    query: Bytes,
}

impl NatsTally {
    /// Counts the messages of `stream` whose subjects match `filter`.
    pub fn new(connection: Connection, stream: &str, filter: &str) -> Self {
        let query = json!({ "seq": 1, "batch": 1, "next_by_subj": filter }).to_string().into();
        Self { connection, api: format!("$JS.API.DIRECT.GET.{stream}"), query }
    }
}

impl Tally for NatsTally {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, GaugeError>> {
        Box::pin(async move {
            let unavailable = |text: String| GaugeError::Unavailable(format!("`{}`: {text}", self.api));
            let asking = self.connection.client().request(self.api.clone(), self.query.clone());
            let answer = timeout(LIMIT, asking).await.map_err(|_| unavailable("no answer".to_owned()))?;
            let answer = answer.map_err(|error| unavailable(error.to_string()))?;
            read(&answer)
                .ok_or_else(|| unavailable("the stream does not say how many messages follow".to_owned()))
        })
    }
}

/// The message in the answer, and all that follow.
fn read(answer: &Message) -> Option<u64> {
    match answer.status.map(|status| status.as_u16()) {
        None | Some(200) => {
            let pending = answer.headers.as_ref()?.get_last(NUM_PENDING)?;
            Some(pending.as_str().parse::<u64>().ok()? + 1)
        }
        Some(NO_RESULTS) => Some(0),
        Some(_) => None,
    }
}
