//! The loop that a good engineer writes with async-nats alone: a durable pull consumer, an explicit ack per message.

use std::process::ExitCode;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::{self, Context, Message};
use futures_util::{StreamExt, TryStreamExt};

use crate::event::{Event, Summed};
use crate::job::Manner;
use crate::tally::tally;

type Result<T> = std::result::Result<T, async_nats::Error>;

/// Messages under way in the loops that handle many at a time.
const UNDER_WAY: usize = 1024;

/// The waits under way: as many as Tidegate has slots for in the same case.
const WAITS: usize = 512;

/// Consumes until killed.
pub(crate) async fn main() -> ExitCode {
    match consume().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn consume() -> Result<()> {
    let job = &tally().job;
    let url = std::env::var("NATS_URL")?;
    let jetstream = jetstream::new(async_nats::connect(url).await?);
    let messages = messages(&jetstream).await?;
    match job.manner {
        Manner::Consume => sum(messages).await,
        Manner::EmitOneByOne => emit_one_by_one(messages, &jetstream).await,
        Manner::EmitPipelined | Manner::EmitWithoutId => emit_many(messages, &jetstream).await,
        Manner::Wait => wait(messages).await,
    }
}

async fn messages(jetstream: &Context) -> Result<Stream> {
    let job = &tally().job;
    let stream = jetstream.get_stream_no_info(&job.stream).await?;
    let config = Config {
        durable_name: Some(job.consumer.clone()),
        // Never the limit, whatever the batch.
        max_ack_pending: 10_000,
        ..Config::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let batch = match job.manner {
        // Twice as many as wait, so that the next are there when one is done.
        Manner::Wait => 2 * WAITS,
        _ => usize::try_from(job.batch)?,
    };
    Ok(consumer.stream().max_messages_per_batch(batch).messages().await?)
}

async fn sum(mut messages: Stream) -> Result<()> {
    while let Some(message) = messages.try_next().await? {
        tally().add(&serde_json::from_slice(&message.payload)?);
        message.ack().await?;
    }
    Ok(())
}

async fn emit_one_by_one(mut messages: Stream, jetstream: &Context) -> Result<()> {
    while let Some(message) = messages.try_next().await? {
        emit(message, jetstream).await?;
    }
    Ok(())
}

/// The futures begin in the order of the stream, so what they publish keeps it.
async fn emit_many(messages: Stream, jetstream: &Context) -> Result<()> {
    let mut emits =
        messages.map(|message| async { emit(message?, jetstream).await }).buffer_unordered(UNDER_WAY);
    while emits.try_next().await?.is_some() {}
    Ok(())
}

async fn emit(message: Message, jetstream: &Context) -> Result<()> {
    let job = &tally().job;
    let event: Event = serde_json::from_slice(&message.payload)?;
    tally().add(&event);
    let subject = format!("{}.{}", job.output, event.entity);
    let payload = serde_json::to_vec(&Summed::from(event))?.into();
    let stored = match job.manner {
        Manner::EmitWithoutId => jetstream.publish(subject, payload).await?,
        _ => {
            // What Tidegate writes, too: a repeat is stored once.
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("{}:{}", job.stream, message.info()?.stream_sequence));
            jetstream.publish_with_headers(subject, headers, payload).await?
        }
    };
    stored.await?;
    message.ack().await
}

async fn wait(messages: Stream) -> Result<()> {
    let takes = Duration::from_millis(tally().job.takes);
    let mut waits = messages
        .map(|message| async {
            let message = message?;
            let event: Event = serde_json::from_slice(&message.payload)?;
            tokio::time::sleep(takes).await;
            tally().add(&event);
            message.ack().await
        })
        .buffer_unordered(WAITS);
    while waits.try_next().await?.is_some() {}
    Ok(())
}
