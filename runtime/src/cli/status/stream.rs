//! What streams can take, and why not more, as their flows tell. Pure.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::age;
use crate::message::FlowState;
use crate::nats::StoredFlow;

/// A stream of which somebody has said something.
#[derive(Debug, Serialize)]
pub(super) struct Stream {
    #[serde(rename = "stream")]
    pub(super) name: String,
    /// `open`, `slow`, `stop`; `unknown` when what was said holds no longer.
    pub(super) state: &'static str,
    /// How long it is in this state.
    #[serde(serialize_with = "age::seconds", rename = "since_seconds")]
    pub(super) since: Duration,
    /// How many messages a second all publishers together may store, while it is slow.
    pub(super) rate: Option<f64>,
    /// How many are stored in a second.
    pub(super) stored: f64,
    /// How many the slowest actor does.
    pub(super) done: f64,
    /// What waits for whom, while anything is near its mark.
    pub(super) why: Option<String>,
    /// The actor that holds the stream up.
    pub(super) actor: Option<String>,
    /// The partition of it in which most waits.
    pub(super) partition: Option<u32>,
    /// In how many seconds the stream is full.
    #[serde(rename = "full_in_seconds")]
    pub(super) full_in: Option<f64>,
    /// Who says so.
    pub(super) instance: String,
    /// How long ago.
    #[serde(serialize_with = "age::seconds", rename = "said_seconds")]
    pub(super) said: Duration,
}

impl Stream {
    /// At the server's time `now`.
    pub(super) fn of(stored: &StoredFlow, now: SystemTime) -> Self {
        let (flow, said) = (&stored.flow, age::between(stored.at, now));
        let pressure = flow.pressure.as_ref();
        Self {
            name: flow.stream.clone(),
            state: if said < flow.holds() { flow.state } else { FlowState::Unknown }.as_str(),
            since: said + age::between(flow.since, flow.written),
            rate: flow.rate,
            stored: flow.stored,
            done: flow.done,
            why: pressure.map(ToString::to_string),
            actor: pressure.and_then(|pressure| pressure.actor.clone()),
            partition: pressure.and_then(|pressure| pressure.partition),
            full_in: flow.full_in,
            instance: flow.instance.clone(),
            said,
        }
    }

    /// What is wrong with it and what to do, if anything is.
    pub(super) fn finding(&self) -> Option<String> {
        let Self { name: stream, state, .. } = self;
        let (since, why) = (age::shown(self.since), self.why.as_deref().unwrap_or("nothing waits any more"));
        let verdict = match *state {
            "stop" => "have been stopped",
            "slow" => "have been slowed down",
            "unknown" => {
                return Some(format!(
                    "nobody has said anything about stream `{stream}` for {}: its publishers feel only that it is full; \
                     see whether the instance that reckons it can read it",
                    age::shown(self.said)
                ));
            }
            _ => return None,
        };
        let cure = match (&self.actor, self.partition) {
            (Some(actor), Some(partition)) => format!(
                "see what takes `{actor}` so long, in partition {partition} above all; one busy entity there holds up \
                 the others"
            ),
            (Some(actor), None) => format!(
                "see what takes `{actor}` so long; give it more `concurrency`, `partitions` or instances"
            ),
            (None, _) => "give the stream more room or a shorter `max_age`".to_owned(),
        };
        Some(format!(
            "queue depth exceeding threshold on stream `{stream}`: {why}; publishers {verdict} for {since}; {cure}"
        ))
    }

    /// The rate for people.
    pub(super) fn shown(rate: f64) -> String {
        format!("{rate:.0}/s")
    }
}
