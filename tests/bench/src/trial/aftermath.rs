//! What is left on the server by a run: whether it is what it should be, and its removal.

use std::time::Instant;

use futures_util::TryStreamExt;
use tokio::time::sleep;

use super::{LOOK, PATIENCE, Trial};
use crate::job::Answer;

impl Trial<'_> {
    /// Checks that what the contestant says is so, and that the server has what it should have.
    pub(super) async fn verify(&self, answer: &Answer) -> Result<(), String> {
        let messages = self.expected.messages;
        self.expected.compare(answer)?;
        let until = Instant::now() + PATIENCE;
        while self.left().await > 0 {
            if Instant::now() > until {
                return Err("it has handled everything, and not acked everything".to_owned());
            }
            sleep(LOOK).await;
        }
        let failing = self.entry.load.messages - messages;
        let buried = match failing {
            0 => 0,
            _ => self.stored(&format!("{}-dead-letters", self.name())).await?,
        };
        if buried != failing {
            return Err(format!("it buried {buried} of {failing}"));
        }
        if self.entry.keeps_state() {
            let kept = self.stored(&format!("KV_{}-state", self.consumer())).await?;
            if kept != self.expected.entities {
                return Err(format!("it keeps the state of {kept} of {} entities", self.expected.entities));
            }
        }
        if self.entry.emits() {
            let stored = self.stored(&self.output()).await?;
            if stored != messages {
                return Err(format!("it emitted {stored} of {messages}"));
            }
        }
        Ok(())
    }

    async fn stored(&self, stream: &str) -> Result<u64, String> {
        let stream = self.jetstream.get_stream(stream).await.map_err(|error| error.to_string())?;
        Ok(stream.cached_info().state.messages)
    }

    /// Removes the consumer and what the topology made, so that every run finds the same server.
    pub(super) async fn clean_up(&self, name: &str, output: &str) {
        if let Ok(stream) = self.jetstream.get_stream_no_info(self.stream).await {
            // There is none when the contestant did not get that far.
            drop(stream.delete_consumer(&self.consumer()).await);
        }
        let (own, buckets) = (format!("{name}-"), format!("KV_{name}-"));
        let names: Vec<String> = self.jetstream.stream_names().try_collect().await.unwrap_or_default();
        for stream in names {
            if stream == output || stream.starts_with(&own) || stream.starts_with(&buckets) {
                self.jetstream.delete_stream(&stream).await.expect("a private server deletes its streams");
            }
        }
    }

    /// How many messages are not settled; all of them while there is no consumer.
    pub(super) async fn left(&self) -> u64 {
        let Ok(stream) = self.jetstream.get_stream_no_info(self.stream).await else { return u64::MAX };
        match stream.consumer_info(self.consumer()).await {
            Ok(info) => info.num_pending + info.num_ack_pending as u64,
            Err(_) => u64::MAX,
        }
    }
}
