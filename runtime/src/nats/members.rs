//! The bucket of members (ADR-8): written by plain publishes that await their PubAck, read as a whole in one request.

mod entries;

use async_nats::client::Request;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, RequestErrorKind};
use bytes::Bytes;
use serde::Deserialize;

pub use self::entries::MemberEntry;
use super::bounded::{LIMIT, bounded};
use super::{Connection, headers};
use crate::message::{InstanceId, Member, timestamp};
use crate::port::{BoxFuture, Members, MembersError, Revision, Sighting};

/// What marks an entry as deleted.
const OPERATION: &str = "KV-Operation";
const DELETED: &str = "DEL";

/// The bucket over one connection.
#[derive(Debug, Clone)]
pub struct NatsMembers {
    connection: Connection,
    bucket: String,
}

#[derive(Deserialize)]
struct ServerTime {
    #[serde(with = "timestamp")]
    ts: std::time::SystemTime,
}

impl NatsMembers {
    /// The bucket of that name; it need not exist yet.
    pub fn new(connection: Connection, bucket: String) -> Self {
        Self { connection, bucket }
    }

    /// All entries, oldest first, with the times at which the server stored them.
    ///
    /// # Errors
    /// [`MembersError::Unavailable`] when there is no such bucket, or no whole answer.
    pub async fn entries(&self) -> Result<Vec<MemberEntry>, MembersError> {
        let read = entries::read(self.connection.client(), &self.bucket);
        bounded(read).await.unwrap_or_else(|| Err(self.unanswered(&entries::api(&self.bucket))))
    }

    /// The clock of the server that leads the bucket.
    ///
    /// # Errors
    /// [`MembersError::Unavailable`] when there is no such bucket, or no answer.
    pub async fn server_time(&self) -> Result<std::time::SystemTime, MembersError> {
        let api = format!("STREAM.INFO.KV_{}", self.bucket);
        match bounded(self.connection.jetstream().request(api.clone(), &())).await {
            Some(Ok(Response::Ok(ServerTime { ts }))) => Ok(ts),
            Some(Ok(Response::Err { error })) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Err(self.missing())
            }
            Some(Ok(Response::Err { error })) => Err(MembersError::Unavailable(error.to_string())),
            Some(Err(error)) => Err(MembersError::Unavailable(error.to_string())),
            None => Err(self.unanswered(&format!("$JS.API.{api}"))),
        }
    }

    /// Writes an entry that is guarded by its revision.
    pub(super) async fn write(
        &self,
        key: &str,
        mut headers: HeaderMap,
        value: Bytes,
        replaced: Option<Revision>,
    ) -> Result<Revision, MembersError> {
        let subject = format!("$KV.{}.{key}", self.bucket);
        let Revision(expected) = replaced.unwrap_or(Revision(0));
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, headers::header_value(&expected.to_string()));
        let request = Request::new().headers(headers).payload(value).timeout(Some(LIMIT));
        match bounded(self.connection.client().send_request(subject.clone(), request)).await {
            Some(Ok(answer)) => match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
                Ok(Response::Ok(ack)) => Ok(Revision(ack.sequence)),
                Ok(Response::Err { error }) => Err(refused(&error)),
                Err(_) => Err(MembersError::Unavailable("what answered is not a bucket".to_owned())),
            },
            Some(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => self.missing(),
                RequestErrorKind::TimedOut => self.unanswered(&subject),
                _ => MembersError::Unavailable(error.to_string()),
            }),
            None => Err(self.unanswered(&subject)),
        }
    }

    /// A denied publish gets no answer; only the client's events tell.
    fn unanswered(&self, subject: &str) -> MembersError {
        MembersError::Unavailable(match self.connection.refusal(subject, LIMIT * 2) {
            Some(refusal) => refusal.text.into(),
            None => format!("no answer on `{subject}` within {} s", LIMIT.as_secs()),
        })
    }

    fn missing(&self) -> MembersError {
        MembersError::Missing(self.bucket.clone())
    }
}

impl Members for NatsMembers {
    fn announce<'a>(
        &'a mut self,
        member: &'a Member,
        replaced: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, MembersError>> {
        Box::pin(async move {
            let value = serde_json::to_vec(member).expect("a member is JSON");
            self.write(member.instance.as_str(), HeaderMap::new(), value.into(), replaced).await
        })
    }

    fn roll_call(&mut self) -> BoxFuture<'_, Result<Vec<Sighting>, MembersError>> {
        Box::pin(async move { Ok(self.entries().await?.iter().filter_map(MemberEntry::sighting).collect()) })
    }

    fn leave<'a>(
        &'a mut self,
        instance: &'a InstanceId,
        replaced: Revision,
    ) -> BoxFuture<'a, Result<(), MembersError>> {
        Box::pin(async move {
            let mut map = HeaderMap::new();
            map.insert(OPERATION, headers::header_value(DELETED));
            self.write(instance.as_str(), map, Bytes::new(), Some(replaced)).await.map(|_| ())
        })
    }
}

fn refused(error: &async_nats::jetstream::Error) -> MembersError {
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
            MembersError::Conflict
        }
        _ => MembersError::Unavailable(error.to_string()),
    }
}
