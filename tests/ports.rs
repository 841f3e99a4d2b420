//! The JetStream adapters of the ports against a real nats-server.

mod exhausting;
mod gauging;
mod interrupting;
mod keeping;
mod publishing;
mod pulling;
mod splitting;
mod stalling;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use support::{NatsServer, PATIENCE, publish};
use tidegate_runtime::message::ShardPrefix;
use tidegate_runtime::nats::{ConnectOptions, Connection, NatsSettle, NatsSource, Shard, connect, resolve};
use tidegate_runtime::port::{Arrival, Room, Settle, Settlement, Source, SourceError};
use tidegate_runtime::topology::Nats;
use tokio::time::timeout;

const ROOM: Room = Room { messages: 1000, bytes: 64 << 20 };

/// A server, one stream and what pulls and settles it.
struct World {
    server: NatsServer,
    connection: Connection,
    source: NatsSource,
    settle: NatsSettle,
    floor: Arc<AtomicU64>,
}

impl World {
    /// Stream `ORDERS` of `orders.>` and a shard of it that gives a message `max_deliver` deliveries.
    async fn start(stream: Config, max_deliver: i64) -> Self {
        let server = NatsServer::start().await;
        let connection = connected(&server).await;
        let config = Config {
            name: "ORDERS".to_owned(),
            subjects: vec!["orders.>".to_owned()],
            discard: DiscardPolicy::New,
            ..stream
        };
        connection.jetstream().create_stream(config).await.expect("the stream is valid");
        let floor = Arc::new(AtomicU64::new(0));
        let mut source = NatsSource::new(connection.clone(), shard(max_deliver, &floor));
        source.pending().await.expect("the consumer can be made");
        Self { settle: NatsSettle::new(connection.clone()), server, connection, source, floor }
    }

    async fn publish(&self, numbers: impl IntoIterator<Item = u64>) {
        let messages = numbers.into_iter().map(|number| {
            (format!("orders.{number}.placed"), PublishMessage::build().payload(number.to_string().into()))
        });
        publish(self.connection.jetstream(), messages).await;
    }

    /// Pulls until `count` messages are there.
    async fn take(&mut self, count: usize) -> Vec<Arrival> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let room = Room { messages: count - taken.len(), ..ROOM };
            taken.extend(next(&mut self.source, room).await.expect("nothing interrupts"));
        }
        taken
    }

    async fn settle(&self, arrival: &Arrival, settlement: Settlement) {
        self.settle.settle(&arrival.receipt, settlement).await;
    }
}

fn shard(max_deliver: i64, floor: &Arc<AtomicU64>) -> Shard {
    let consumer = pull::Config {
        durable_name: Some("shop-payments".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(30),
        max_deliver,
        max_ack_pending: 10_000,
        ..pull::Config::default()
    };
    Shard {
        stream: "ORDERS".into(),
        consumer,
        prefix: ShardPrefix::default(),
        floor: Arc::clone(floor),
        tenure: Arc::default(),
    }
}

pub(crate) async fn connected(server: &NatsServer) -> Connection {
    connected_as(server, ConnectOptions::default()).await
}

async fn connected_as(server: &NatsServer, options: ConnectOptions) -> Connection {
    connected_with(ConnectOptions { url: Some(server.url()), ..options }).await
}

async fn connected_to(url: &str) -> Connection {
    connected_with(ConnectOptions { url: Some(url.to_owned()), ..ConnectOptions::default() }).await
}

async fn connected_with(flags: ConnectOptions) -> Connection {
    let resolved = resolve(&flags, &|_| None, &Nats::default()).expect("the url is valid");
    connect(&resolved, "tests").await.expect("a private server takes connections")
}

async fn next(source: &mut impl Source, room: Room) -> Result<Vec<Arrival>, SourceError> {
    timeout(PATIENCE, source.next(room)).await.expect("something happens in time")
}

/// Waits until the source is interrupted, whatever arrives before, and returns why.
async fn interruption(source: &mut impl Source) -> String {
    loop {
        match next(source, ROOM).await {
            Ok(_) => {}
            Err(SourceError::Interrupted(reason)) => return reason,
            Err(other) => panic!("{other}"),
        }
    }
}

fn sequences(arrivals: &[Arrival]) -> Vec<u64> {
    arrivals.iter().map(|arrival| arrival.message.sequence).collect()
}

fn keep_floor(floor: &AtomicU64, sequence: u64) {
    floor.store(sequence, Ordering::Release);
}
