//! How many dead letters of an actor are held: a direct get of the first one tells how many follow (ADR-31).

use serde_json::json;

use super::Connection;
use super::bounded::bounded;
use crate::port::{BoxFuture, Held};

/// There are none.
const NO_RESULTS: u16 = 404;

/// How many messages follow the one that is returned.
const PENDING: &str = "Nats-Num-Pending";

/// The dead letters of one actor.
#[derive(Debug, Clone)]
pub struct NatsHeld {
    connection: Connection,
    /// Where the request goes.
    api: String,
    subjects: String,
}

impl NatsHeld {
    /// The dead letters under these subjects in a stream that allows direct gets; of others nothing can be told.
    pub fn new(connection: Connection, stream: &str, subjects: String) -> Self {
        Self { connection, api: format!("$JS.API.DIRECT.GET.{stream}"), subjects }
    }

    async fn ask(&self) -> Option<u64> {
        let query = json!({ "seq": 1, "next_by_subj": self.subjects, "batch": 1 }).to_string();
        let answer = bounded(self.connection.client().request(self.api.clone(), query.into())).await?.ok()?;
        match answer.status.map(|status| status.as_u16()) {
            Some(NO_RESULTS) => Some(0),
            None | Some(200) => {
                let pending = answer.headers.as_ref()?.get_last(PENDING)?.as_str().parse::<u64>().ok()?;
                Some(pending + 1)
            }
            Some(_) => None,
        }
    }
}

impl Held for NatsHeld {
    fn count(&self) -> BoxFuture<'_, Option<u64>> {
        Box::pin(self.ask())
    }
}
