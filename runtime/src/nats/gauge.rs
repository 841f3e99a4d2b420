//! Asks the server how full a stream is, and how far its consumers are.

mod oldest;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::response::Response;
use bytes::Bytes;
use futures_util::future::join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use self::oldest::Oldest;
use super::{Connection, ConsumerPlan, NatsMembers, names};
use crate::message::{ShardId, ShardReport, timestamp};
use crate::port::{BoxFuture, Gauge, GaugeError, Limit, Load, Reader, Reading};
use crate::topology::{Actor, Stream, Topology};

/// How long a reading may take: one that is older says nothing.
const LIMIT: Duration = Duration::from_secs(2);

/// The gauge of one stream.
#[derive(Debug)]
pub struct NatsGauge {
    connection: Connection,
    stream: String,
    readers: Vec<Consumer>,
    members: NatsMembers,
}

/// The consumer of one shard.
#[derive(Debug)]
struct Consumer {
    shard: ShardId,
    name: String,
    oldest: Oldest,
}

#[derive(Deserialize)]
struct StreamInfo {
    config: StreamConfig,
    state: StreamState,
    #[serde(with = "timestamp")]
    ts: SystemTime,
}

#[derive(Deserialize)]
struct StreamConfig {
    max_msgs: i64,
    max_bytes: i64,
}

#[derive(Deserialize)]
struct StreamState {
    messages: u64,
    bytes: u64,
    last_seq: u64,
}

#[derive(Deserialize)]
struct ConsumerInfo {
    delivered: Sequences,
    ack_floor: Sequences,
    num_ack_pending: u64,
    num_pending: u64,
}

#[derive(Deserialize)]
struct Sequences {
    consumer_seq: u64,
    stream_seq: u64,
}

impl NatsGauge {
    /// The gauge of `stream`, with the consumers of all actors of the topology that read it.
    pub fn new(connection: Connection, topology: &Topology, stream: &Stream) -> Self {
        let has_lag = stream.flow.lag.is_some();
        let consumer = |actor: &Actor, shard| {
            let plan = ConsumerPlan::of(topology, actor, shard);
            Consumer {
                shard: ShardId { actor: Arc::from(actor.name.as_str()), shard },
                name: plan.name().to_owned(),
                oldest: Oldest::new(plan.config.filter_subjects, has_lag),
            }
        };
        let actors = topology.actors.values().filter(|actor| actor.stream == stream.name);
        let readers =
            actors.flat_map(|actor| (0..actor.shards).map(move |shard| consumer(actor, shard))).collect();
        let members = NatsMembers::new(connection.clone(), names::members_bucket(&topology.name));
        Self { connection, stream: stream.name.to_string(), readers, members }
    }

    async fn read_all(&mut self) -> Result<Reading, GaugeError> {
        let Self { connection, stream, readers, .. } = self;
        let info: StreamInfo = ask(connection, &format!("STREAM.INFO.{stream}"))
            .await?
            .ok_or_else(|| GaugeError::Missing(stream.clone()))?;
        let readers = join_all(readers.iter_mut().map(|reader| reader.read(connection, stream))).await;
        let limit = |limit: i64| u64::try_from(limit).ok().filter(|limit| *limit > 0);
        Ok(Reading {
            at: info.ts,
            stored: Load { messages: info.state.messages, bytes: info.state.bytes },
            limit: Limit { messages: limit(info.config.max_msgs), bytes: limit(info.config.max_bytes) },
            last: info.state.last_seq,
            readers: readers.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?,
        })
    }
}

impl Consumer {
    /// `None` when there is no such consumer.
    async fn read(&mut self, connection: &Connection, stream: &str) -> Result<Option<Reader>, GaugeError> {
        let Self { shard, name, oldest } = self;
        let info: Option<ConsumerInfo> = ask(connection, &format!("CONSUMER.INFO.{stream}.{name}")).await?;
        let Some(info) = info else { return Ok(None) };
        let oldest = match info.num_pending + info.num_ack_pending {
            0 => None,
            _ => oldest.after(info.ack_floor.stream_seq, connection, stream).await,
        };
        Ok(Some(Reader {
            shard: shard.clone(),
            waiting: info.num_pending,
            unsettled: info.num_ack_pending,
            deliveries: info.delivered.consumer_seq,
            oldest,
        }))
    }
}

impl Gauge for NatsGauge {
    fn read(&mut self) -> BoxFuture<'_, Result<Reading, GaugeError>> {
        Box::pin(async move {
            let stream = self.stream.clone();
            timeout(LIMIT, self.read_all()).await.unwrap_or_else(|_| {
                let text = format!("no answer about `{stream}` within {} s", LIMIT.as_secs());
                Err(GaugeError::Unavailable(text))
            })
        })
    }

    fn reports(&mut self) -> BoxFuture<'_, Vec<ShardReport>> {
        Box::pin(async move {
            let Ok(Ok(entries)) = timeout(LIMIT, self.members.entries()).await else { return Vec::new() };
            let reports =
                entries.iter().filter_map(super::MemberEntry::member).flat_map(|member| member.shards);
            reports.filter(|report| self.readers.iter().any(|reader| reader.shard == report.id)).collect()
        })
    }
}

/// What the server knows of something; `None` when there is no such thing.
async fn ask<T: DeserializeOwned>(connection: &Connection, api: &str) -> Result<Option<T>, GaugeError> {
    let unavailable = |error: &dyn std::fmt::Display| GaugeError::Unavailable(error.to_string());
    let answer = connection.client().request(format!("$JS.API.{api}"), Bytes::new()).await;
    let answer = answer.map_err(|error| unavailable(&error))?;
    match serde_json::from_slice(&answer.payload).map_err(|error| unavailable(&error))? {
        Response::Ok(info) => Ok(Some(info)),
        Response::Err { error } => match error.error_code() {
            ErrorCode::STREAM_NOT_FOUND | ErrorCode::CONSUMER_NOT_FOUND => Ok(None),
            _ => Err(unavailable(&error)),
        },
    }
}
