//! Reads all entries of a bucket in one request: a direct get of the last message of every subject (ADR-31).

use std::time::SystemTime;

use async_nats::header::{NATS_SEQUENCE, NATS_SUBJECT, NATS_TIME_STAMP};
use async_nats::{Client, Message};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;

use super::{DELETED, OPERATION};
use crate::message::Member;
use crate::port::{MembersError, Revision, Sighting};

/// The answer has no more messages.
const END: u16 = 204;
/// The bucket has no entries.
const NO_RESULTS: u16 = 404;
/// Nobody serves the bucket.
const NO_RESPONDERS: u16 = 503;

/// One entry as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberEntry {
    /// Its key.
    pub key: String,
    /// Its revision.
    pub revision: Revision,
    /// When the server stored it, by the server's clock.
    pub stored: SystemTime,
    /// What it says; `None` for an instance that has left.
    pub value: Option<Bytes>,
}

impl MemberEntry {
    /// What it says, if we can read it.
    pub fn member(&self) -> Option<Member> {
        let member: Member = serde_json::from_slice(self.value.as_ref()?).ok()?;
        (member.instance.as_str() == self.key).then_some(member)
    }

    /// The entry as the engine needs it; `None` when its key is not one of ours.
    pub(super) fn sighting(&self) -> Option<Sighting> {
        let instance = self.key.parse().ok()?;
        Some(Sighting { instance, revision: self.revision, member: self.member() })
    }
}

/// Where the request goes.
pub(super) fn api(bucket: &str) -> String {
    format!("$JS.API.DIRECT.GET.KV_{bucket}")
}

/// Reads the bucket.
///
/// # Cancel safety
/// A cancelled call leaves nothing behind.
pub(super) async fn read(client: &Client, bucket: &str) -> Result<Vec<MemberEntry>, MembersError> {
    let unavailable = |error: &dyn std::fmt::Display| MembersError::Unavailable(error.to_string());
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.map_err(|error| unavailable(&error))?;
    let query = json!({ "multi_last": [format!("$KV.{bucket}.>")] }).to_string();
    client.publish_with_reply(api(bucket), inbox, query.into()).await.map_err(|error| unavailable(&error))?;
    let mut entries = Vec::new();
    while let Some(reply) = replies.next().await {
        match reply.status.map(|status| status.as_u16()) {
            None | Some(200) => {
                entries.push(
                    decode(bucket, &reply).ok_or_else(|| unavailable(&"an answer without its origin"))?,
                );
            }
            Some(END) => return Ok(entries),
            Some(NO_RESULTS) if entries.is_empty() => return Ok(entries),
            Some(NO_RESPONDERS) => return Err(MembersError::Missing(bucket.to_owned())),
            Some(status) => {
                let text = reply.description.unwrap_or_default();
                return Err(unavailable(&format!("the server answered {status} {text}")));
            }
        }
    }
    Err(unavailable(&"the connection was closed"))
}

fn decode(bucket: &str, message: &Message) -> Option<MemberEntry> {
    let headers = message.headers.as_ref()?;
    let header = |name: &str| headers.get_last(name).map(async_nats::HeaderValue::as_str);
    let subject = header(NATS_SUBJECT.as_ref())?;
    let is_deleted = header(OPERATION).is_some_and(|operation| operation == DELETED || operation == "PURGE");
    Some(MemberEntry {
        key: subject.strip_prefix(&format!("$KV.{bucket}."))?.to_owned(),
        revision: Revision(header(NATS_SEQUENCE.as_ref())?.parse().ok()?),
        stored: humantime::parse_rfc3339(header(NATS_TIME_STAMP.as_ref())?).ok()?,
        value: (!is_deleted).then(|| message.payload.clone()),
    })
}
