//! Messages that nobody will handle as things are: no consumer wants them, or the server has given them up.

use std::collections::BTreeMap;

use async_nats::jetstream::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate::subject::Pattern;

use super::api::ask;
use super::inventory::Held;
use super::{ConsumerPlan, ProvisionError};
use crate::nats::{Connection, names};
use crate::topology::Topology;

/// How many subjects of a stream are looked through: the server names them all in one answer.
const MOST_SUBJECTS: u64 = 20_000;

/// Messages that nobody will handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Stranded {
    /// No consumer wants their subjects.
    Unwanted {
        /// The stream that has them.
        stream: String,
        /// How many there are.
        messages: u64,
        /// One of their subjects, as the stream has it.
        subject: String,
    },
    /// The server has given them up and told so; an instance that runs makes dead letters of them.
    Exhausted {
        /// The stream that has them.
        stream: String,
        /// The consumer that lost them.
        consumer: String,
        /// How many advisories nobody has looked at.
        advisories: u64,
    },
}

#[derive(Deserialize)]
struct Info {
    state: State,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    subjects: Option<BTreeMap<String, u64>>,
}

/// All of them. A stream of very many subjects is not looked through.
pub(super) async fn find(
    connection: &Connection,
    topology: &Topology,
    held: &[Held],
) -> Result<Vec<Stranded>, ProvisionError> {
    let mut stranded = Vec::new();
    for held in held {
        let name = held.stream.config.name.as_str();
        let is_read = topology.actors.values().any(|actor| actor.stream.as_str() == name);
        if is_read && held.stream.state.subjects_count <= MOST_SUBJECTS {
            stranded.extend(unwanted(connection, topology, held).await?);
        }
        if name == names::advisory_stream(&topology.name) {
            stranded.extend(exhausted(connection, topology, held).await?);
        }
    }
    Ok(stranded)
}

async fn unwanted(
    connection: &Connection,
    topology: &Topology,
    held: &Held,
) -> Result<Option<Stranded>, ProvisionError> {
    let name = held.stream.config.name.as_str();
    let planned = ConsumerPlan::all(topology).filter(|plan| plan.stream == name);
    let mut filters: Vec<String> = planned.flat_map(|plan| plan.config.filter_subjects).collect();
    for consumer in &held.consumers {
        let (one, several) = (&consumer.config.filter_subject, &consumer.config.filter_subjects);
        if one.is_empty() && several.is_empty() {
            return Ok(None);
        }
        filters.extend(several.iter().chain(Some(one).filter(|one| !one.is_empty())).cloned());
    }
    let filters: Vec<Pattern> = filters.iter().filter_map(|filter| filter.parse().ok()).collect();
    let subjects = subjects(connection, name, ">").await?;
    let unwanted =
        subjects.iter().filter(|(subject, _)| !filters.iter().any(|filter| filter.matches(subject)));
    let (messages, first) = unwanted.fold((0, None), |(messages, first), (subject, count)| {
        (messages + count, first.or_else(|| Some(subject.clone())))
    });
    Ok(first.map(|subject| Stranded::Unwanted { stream: name.to_owned(), messages, subject }))
}

/// By what the reader of the advisories has not looked at; where there is no reader yet, by all that there are.
async fn exhausted(
    connection: &Connection,
    topology: &Topology,
    held: &Held,
) -> Result<Vec<Stranded>, ProvisionError> {
    let mut stranded = Vec::new();
    for plan in ConsumerPlan::all(topology) {
        let (stream, consumer) = (plan.stream.clone(), plan.name().to_owned());
        let advisories = match held.consumers.iter().find(|reader| reader.name == consumer) {
            Some(reader) => reader.num_pending + u64::try_from(reader.num_ack_pending).unwrap_or_default(),
            None => {
                let mut count = 0;
                for subject in names::advisory_subjects(&stream, &consumer) {
                    let found = subjects(connection, &held.stream.config.name, &subject).await?;
                    count += found.values().sum::<u64>();
                }
                count
            }
        };
        if advisories > 0 {
            stranded.push(Stranded::Exhausted { stream, consumer, advisories });
        }
    }
    Ok(stranded)
}

/// The subjects in a stream that match `filter`, with the number of their messages.
async fn subjects(
    connection: &Connection,
    stream: &str,
    filter: &str,
) -> Result<BTreeMap<String, u64>, ProvisionError> {
    let what = format!("the subjects of stream `{stream}`");
    let request = json!({ "subjects_filter": filter });
    match ask::<Info>(connection, &format!("STREAM.INFO.{stream}"), Some(request), &what).await? {
        Response::Ok(info) => Ok(info.state.subjects.unwrap_or_default()),
        Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
    }
}
