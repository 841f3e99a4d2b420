//! Reads, straight from the broker, what a run left behind.

use std::collections::BTreeSet;

use async_nats::HeaderMap;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, Source};
use serde::Deserialize;
use tidegate::Headers;
use tidegate_runtime::message::{Epitaph, original_headers};

use super::setting::{INPUT, OUTPUT, dead_letters, states};
use super::{Bounds, Chain, Letter, Moment, Output, Revision, Stored};
use crate::{PATIENCE, StoredMessage, eventually, read_stream};

/// A copy of the states' bucket that keeps what the bucket forgets: every state that was ever written. No mirror, since
/// that would answer direct gets in the bucket's place, and late.
const STATES: &str = "STATES";

#[derive(Deserialize)]
struct Envelope {
    sequence: u64,
    state: Chain,
}

/// Starts to keep every state from here on. The bucket must exist.
pub(super) async fn keep_states(jetstream: &Context, replicas: u32) {
    let source = Source { name: states(), ..Source::default() };
    let num_replicas = replicas as usize;
    let config =
        Config { name: STATES.to_owned(), sources: Some(vec![source]), num_replicas, ..Config::default() };
    eventually(PATIENCE, async || jetstream.create_stream(config.clone()).await.is_ok()).await;
}

/// The input stream as its publishers know it.
pub(super) async fn input(jetstream: &Context, bounds: &Bounds) -> Vec<Stored> {
    let messages = read_all(jetstream, INPUT).await;
    messages.iter().map(|message| stored(message, bounds.shards)).collect()
}

/// The outputs.
pub(super) async fn outputs(jetstream: &Context) -> Vec<Output> {
    let messages = read_all(jetstream, OUTPUT).await;
    messages
        .iter()
        .map(|message| Output {
            message_id: message.headers.get("Nats-Msg-Id").map(ToString::to_string).unwrap_or_default(),
            at: Moment::of(message),
            done: serde_json::from_slice(&message.payload).expect("the handler emits what it did"),
        })
        .collect()
}

/// The dead letters.
pub(super) async fn letters(jetstream: &Context) -> Vec<Letter> {
    read_all(jetstream, &dead_letters()).await.iter().map(letter).collect()
}

/// Every state that was seen, in the order of writing.
pub(super) async fn revisions(jetstream: &Context) -> Vec<Revision> {
    let mut revisions: Vec<Revision> =
        read_all(jetstream, STATES).await.iter().filter_map(revision).collect();
    let copied: BTreeSet<(String, u64)> =
        revisions.iter().map(|revision| (revision.entity.clone(), revision.sequence)).collect();
    let last = read_all(jetstream, &states()).await;
    let missed = last.iter().filter_map(revision);
    revisions.extend(missed.filter(|last| !copied.contains(&(last.entity.clone(), last.sequence))));
    revisions
}

/// All that a stream stores, once each of its servers has all of it: a reader may be given to one that lags behind.
async fn read_all(jetstream: &Context, name: &str) -> Vec<StoredMessage> {
    eventually(PATIENCE, async || is_everywhere(jetstream, name).await).await;
    read_stream(jetstream, name).await
}

async fn is_everywhere(jetstream: &Context, name: &str) -> bool {
    let Ok(stream) = jetstream.get_stream(name).await else { return false };
    match &stream.cached_info().cluster {
        Some(cluster) => {
            cluster.leader.is_some()
                && cluster.replicas.iter().all(|peer| peer.current && peer.lag.is_none_or(|lag| lag == 0))
        }
        None => true,
    }
}

fn stored(message: &StoredMessage, shards: u32) -> Stored {
    let subject = message.subject.as_str();
    Stored {
        sequence: message.sequence,
        // `{shard}.of.{shards}.` is put before the subject by the stream, and is not part of what was published.
        subject: match shards {
            2.. => subject.splitn(4, '.').last().unwrap_or_default().to_owned(),
            _ => subject.to_owned(),
        },
        task: serde_json::from_slice(&message.payload).expect("producers publish tasks"),
        payload: String::from_utf8_lossy(&message.payload).into_owned(),
        headers: sorted(&headers(&message.headers)),
        at: Moment::of(message),
    }
}

fn letter(message: &StoredMessage) -> Letter {
    let headers = headers(&message.headers);
    let epitaph = Epitaph::read(&headers).expect("a dead letter says why it is one");
    Letter {
        at: Moment::of(message),
        sequence: epitaph.sequence,
        subject: epitaph.subject,
        reason: epitaph.reason,
        payload: String::from_utf8_lossy(&message.payload).into_owned(),
        headers: sorted(&original_headers(&headers)),
    }
}

/// `None` for what is no state, such as the mark of a deletion.
fn revision(message: &StoredMessage) -> Option<Revision> {
    let Envelope { sequence, state } = serde_json::from_slice(&message.payload).ok()?;
    let entity = message.subject.rsplit('.').next()?.to_owned();
    Some(Revision { entity, sequence, chain: state })
}

fn headers(map: &HeaderMap) -> Headers {
    map.iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name.to_string(), value.to_string())))
        .collect()
}

fn sorted(headers: &Headers) -> Vec<(String, String)> {
    let mut sorted: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    sorted.sort();
    sorted
}
