//! The producer crate on real servers.

mod errors;
mod faults;
mod flow;
mod full;
mod many;
mod share;
mod traces;

use std::time::{Duration, SystemTime};

use async_nats::Client;
use async_nats::jetstream::kv::{self, Store};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use async_nats::jetstream::{self, Context};
use support::{NatsServer, PATIENCE, eventually};
use tidegate_producer::flow::bucket;
use tidegate_producer::{Builder, Event, Flow, FlowState, Mark, Pressure, Producer};

const TOPOLOGY: &str = "shop";
const STREAM: &str = "ORDERS";

/// So long that no test sees an entry go stale unless it wants to.
const FOR_GOOD: Duration = Duration::from_secs(600);

/// A stream as a topology declares it.
fn orders() -> Config {
    Config {
        name: STREAM.to_owned(),
        subjects: vec!["orders.*.*".to_owned()],
        discard: DiscardPolicy::New,
        max_messages: 1_000_000,
        ..Config::default()
    }
}

async fn make_stream(server: &NatsServer, config: Config) -> Context {
    let jetstream = server.jetstream().await;
    jetstream.create_stream(config).await.expect("the stream is valid");
    jetstream
}

async fn make_bucket(jetstream: &Context) -> Store {
    let config = kv::Config { bucket: bucket(TOPOLOGY), history: 1, ..kv::Config::default() };
    jetstream.create_key_value(config).await.expect("the bucket is valid")
}

/// A topology whose flow the test writes.
struct Shop {
    server: NatsServer,
    jetstream: Context,
    bucket: Store,
}

impl Shop {
    async fn open() -> Self {
        let server = NatsServer::start().await;
        let jetstream = make_stream(&server, orders()).await;
        let bucket = make_bucket(&jetstream).await;
        Self { server, jetstream, bucket }
    }

    async fn producer(&self) -> Producer {
        self.producer_with(|builder| builder).await
    }

    async fn producer_with(&self, set: impl FnOnce(Builder) -> Builder) -> Producer {
        connect(self.server.client().await, set).await
    }

    async fn say(&self, flow: &Flow) {
        put(&self.bucket, flow).await;
    }

    async fn stored(&self) -> u64 {
        count(&self.jetstream).await
    }
}

async fn connect(client: Client, set: impl FnOnce(Builder) -> Builder) -> Producer {
    set(Producer::builder(client).topology(TOPOLOGY)).connect().await.expect("a valid topology")
}

async fn put(bucket: &Store, flow: &Flow) {
    let text = serde_json::to_vec(flow).expect("a flow is JSON");
    bucket.put(&flow.stream, text.into()).await.expect("the bucket takes it");
}

async fn count(jetstream: &Context) -> u64 {
    let mut stream = jetstream.get_stream(STREAM).await.expect("the stream is there");
    stream.info().await.expect("the server answers").state.messages
}

fn flow(state: FlowState) -> Flow {
    let now = SystemTime::now();
    Flow {
        stream: STREAM.to_owned(),
        subjects: vec!["orders.*.*".to_owned()],
        state,
        since: now,
        rate: (state == FlowState::Slow).then_some(100.0),
        stored: 100.0,
        done: 100.0,
        pressure: (state != FlowState::Open).then(|| Pressure {
            mark: Mark::Messages,
            value: 1200.0,
            low: 500.0,
            high: 1000.0,
            actor: Some("payments".to_owned()),
            partition: Some(3),
            since: now,
        }),
        full_in: None,
        holds: u64::try_from(FOR_GOOD.as_millis()).expect("some minutes"),
        instance: "tests".to_owned(),
        written: now,
    }
}

fn event(number: usize) -> Event {
    Event::new(format!("orders.{number}.placed"), format!("{{\"number\":{number}}}"))
        .id(format!("order-{number}"))
}

/// Waits until the producer knows of that state.
async fn until(producer: &Producer, state: Option<FlowState>) {
    eventually(PATIENCE, async || producer.flow("orders.1.placed").map(|flow| flow.state) == state).await;
}

/// The messages' payloads, as stored.
async fn payloads(jetstream: &jetstream::Context) -> Vec<String> {
    let stored = support::read_stream(jetstream, STREAM).await;
    stored.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect()
}
