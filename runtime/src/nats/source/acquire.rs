//! How a source gets the server's pin.

use std::time::Duration;

use async_nats::jetstream::consumer::Info;
use tokio::time::Instant;

use super::{NatsSource, PROTOCOL_LINE};
use crate::nats::demand::Request;
use crate::nats::pin::{pinned, unpin, unpin_subject};
use crate::nats::shard::{unanswered, unavailable};
use crate::port::{Arrivals, SourceError};

/// How often an idle consumer that nobody pulls is looked at; its next message pins us anyway.
const LOOK_IDLE: Duration = Duration::from_secs(5);

impl NatsSource {
    /// Waits until the server pins us: with the first message that it gives us, and it may have to be made to give one.
    pub(super) async fn take(&mut self) -> Result<Arrivals, SourceError> {
        let sent = self.pin.touch(&self.connection, &self.api()).await;
        let info = self.start_over().await?;
        if self.pin.is_ours(&info) {
            self.pin.hold(&self.connection, self.api(), sent);
            return Ok(Arrivals::new());
        }
        self.pin.drop_it();
        let mut info = info;
        loop {
            self.loosen(&info).await?;
            let arrivals = self.wait_for_pin(&info).await?;
            let sent = self.pin.touch(&self.connection, &self.api()).await;
            info = self.look().await?;
            if self.pin.id().is_none() {
                continue;
            }
            if self.pin.is_ours(&info) {
                self.pin.hold(&self.connection, self.api(), sent);
                return Ok(arrivals);
            }
            self.pin.drop_it();
        }
    }

    /// Takes the pin from whoever has it, unless it is ours.
    pub(super) async fn unpin_other(&mut self) -> Result<bool, SourceError> {
        let info = self.look().await?;
        if pinned(&info).is_none() || self.pin.is_ours(&info) {
            return Ok(false);
        }
        let subject = unpin_subject(&self.shard.stream, self.shard.name());
        match unpin(&self.connection, &self.shard.stream, self.shard.name()).await {
            Some(Ok(_)) => Ok(true),
            Some(Err(error)) => Err(unavailable(&error)),
            None => Err(unanswered(&self.connection, &subject)),
        }
    }

    /// The server pins nobody before it has something to deliver. What a dead owner held would be that only after
    /// `ack_wait`.
    async fn loosen(&self, info: &Info) -> Result<(), SourceError> {
        if pinned(info).is_some() || info.num_ack_pending == 0 {
            return Ok(());
        }
        let held: Vec<u64> = (info.ack_floor.stream_sequence + 1..=info.delivered.stream_sequence).collect();
        self.nak(&held).await
    }

    /// Asks for one message; returns with it, or without when it is time to look at the consumer again.
    async fn wait_for_pin(&mut self, info: &Info) -> Result<Arrivals, SourceError> {
        let is_idle = pinned(info).is_none() && info.num_ack_pending == 0 && info.num_pending == 0;
        let patience = if is_idle { LOOK_IDLE } else { self.pin.tenure().term() / 4 };
        let wake = Instant::now() + patience;
        if !self.demand.is_open() {
            let max_bytes = self.connection.client().max_payload() + PROTOCOL_LINE;
            self.send(Request { batch: 1, max_bytes }, Instant::now()).await?;
        }
        loop {
            self.receive_until(wake).await;
            let arrivals = self.sort();
            if let Some(fault) = &self.fault {
                return Err(SourceError::Interrupted(fault.clone()));
            }
            if !arrivals.is_empty() || !self.demand.is_open() || Instant::now() >= wake {
                return Ok(arrivals);
            }
        }
    }
}
