//! Why the server does not have what the topology needs.

use std::time::Duration;

use async_nats::RequestError;
use async_nats::jetstream::{self, ErrorCode};

use super::Difference;
use super::difference::{SHARDS, UNHANDLED};
use crate::nats::Connection;
use crate::nats::connection::REQUEST_TIMEOUT;

/// Why the server does not have what the topology needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// What exists is not what the topology says.
    #[error("the server differs from the topology:\n{}", list(differences))]
    Different {
        /// All differences.
        differences: Vec<Difference>,
    },
    /// An external stream does not exist.
    #[error("the external stream `{stream}` does not exist")]
    Missing {
        /// The stream.
        stream: String,
    },
    /// The server refuses to create or to change something.
    #[error("the server refuses {what}")]
    Refused {
        /// What we asked for.
        what: String,
        /// Its words.
        #[source]
        source: jetstream::Error,
    },
    /// We may not ask for something.
    #[error("we may not ask for {what}: {refusal}")]
    Denied {
        /// What we asked for.
        what: String,
        /// The server's words.
        refusal: Box<str>,
    },
    /// The server does not answer.
    #[error("no answer about {what}")]
    Unanswered {
        /// What we asked for.
        what: String,
        /// What the client says.
        #[source]
        source: RequestError,
    },
    /// The server answers something that we do not understand.
    #[error("the answer about {what} makes no sense")]
    Unreadable {
        /// What we asked for.
        what: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl ProvisionError {
    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Different { differences } if differences.iter().any(is_about_shards) => {
                "keep the number of shards that is there; to change it, everything must be handled before, in order: stop \
                 the publishers, wait until nothing is left to do, stop all instances, remove the actors' consumers, edit \
                 the stream's subject transform, and start. `docs/topology.md` has the commands under \"Changing the \
                 number of shards\""
            }
            Self::Different { .. } => {
                "change the topology to what is there; or `tidegate apply` edits what loses nothing by it, as `tidegate \
                 plan` tells; the rest `nats stream edit` or `nats consumer edit`; a consumer that `nats consumer rm` removes is created again, but then starts \
                 at the beginning of its stream"
            }
            Self::Missing { .. } => {
                "create the stream, correct its name, or declare it without `external = true`"
            }
            Self::Refused { source, .. } => match source.error_code() {
                ErrorCode::STREAM_SUBJECT_OVERLAP => {
                    "another stream captures some of the subjects: use that one with `external = true`, or other subjects"
                }
                ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED => "set `replicas = 1` or use a cluster",
                ErrorCode::INSUFFICIENT_RESOURCES
                | ErrorCode::STORAGE_RESOURCES_EXCEEDED
                | ErrorCode::MEMORY_RESOURCES_EXCEEDED => {
                    "lower `max_bytes`, or give the account or the server more storage"
                }
                ErrorCode::CONSUMER_WQ_CONSUMER_NOT_UNIQUE | ErrorCode::CONSUMER_WQ_MULTIPLE_UNFILTERED => {
                    "on a work-queue stream no two consumers may share a subject: give the actors other subjects, or \
                     the stream `retention = \"limits\"`"
                }
                _ => "read the server's words; its log may say more",
            },
            Self::Denied { .. } => "allow it to our user: publish to `$JS.API.>` and subscribe to `_INBOX.>`",
            Self::Unreadable { .. } => "use a server version that tidegate knows",
            Self::Unanswered { .. } => {
                "see whether the servers that keep it are up and have room on their disks; without a leader for it nobody \
                 answers: `nats server report jetstream`"
            }
        }
    }

    /// The client's failure as ours. A request that is denied is never answered, so what the server said meanwhile
    /// tells it from one that is lost.
    pub(super) fn unanswered(
        connection: &Connection,
        subject: &str,
        what: &str,
        source: RequestError,
    ) -> Self {
        let what = what.to_owned();
        let subject = format!("$JS.API.{subject}");
        match connection.refusal(&subject, REQUEST_TIMEOUT + Duration::from_secs(1)) {
            Some(refusal) => Self::Denied { what, refusal: refusal.text },
            None => Self::Unanswered { what, source },
        }
    }
}

fn is_about_shards(difference: &Difference) -> bool {
    [SHARDS, UNHANDLED].contains(&difference.field)
}

fn list(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}")).collect();
    lines.join("\n")
}
