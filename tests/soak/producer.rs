//! Measures what the producer crate costs while nothing holds it back: `./dev measure producer`.

use std::collections::VecDeque;
use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use support::NatsServer;
use tidegate_producer::flow::bucket;
use tidegate_producer::{Event, Producer};

const TOPOLOGY: &str = "measure";
const STREAM: &str = "ORDERS";
const WINDOW: usize = 256;
const EVENTS: u64 = 200_000;
const RUNS: usize = 7;
const PAYLOAD: Bytes = Bytes::from_static(&[b'x'; 200]);

/// The most that the crate may cost.
const LIMIT: f64 = 1.05;

/// Publishes with both in turn and prints what they come to: a table for people, JSON for programs.
pub(super) async fn measure() -> ExitCode {
    let (mut bare, mut crated) = (Vec::<Run>::new(), Vec::<Run>::new());
    for run in 0..RUNS {
        // Who is first changes, since the first of a pair finds the machine as others left it.
        for second in [false, true] {
            match (run % 2 == 0) == second {
                true => crated.push(play(with_the_crate).await),
                false => bare.push(play(with_the_client).await),
            }
        }
        eprintln!("run {} of {RUNS}: bare {}, crate {}", run + 1, bare[run], crated[run]);
    }
    let (bare_medians, crated_medians) = (Run::medians(&bare), Run::medians(&crated));
    // Of the runs side by side: what else the machine does changes more from pair to pair than within one.
    let of_pairs = |of: fn(&Run, &Run) -> f64| {
        median(bare.iter().zip(&crated).map(|(bare, crated)| of(bare, crated)).collect())
    };
    let ratio = of_pairs(|bare, crated| bare.rate / crated.rate);
    let processor_ratio = of_pairs(|bare, crated| crated.processor / bare.processor);
    eprintln!("publisher    messages/s   time of the bare   processor per message   of the bare");
    for (name, medians, ratio, of_processor) in
        [("bare", bare_medians, 1.0, 1.0), ("crate", crated_medians, ratio, processor_ratio)]
    {
        let (ratio, of_processor) = (100.0 * ratio, 100.0 * of_processor);
        eprintln!(
            "{name:<10} {:>12.0} {ratio:>16.1} % {:>20.2} µs {of_processor:>11.1} %",
            medians.rate, medians.processor
        );
    }
    println!(
        "{:#}",
        json!({
            "events": EVENTS, "window": WINDOW, "payload": PAYLOAD.len(),
            "ratio": ratio, "processor_ratio": processor_ratio,
            "bare": Run::json(&bare), "crate": Run::json(&crated),
        })
    );
    ExitCode::from(u8::from(ratio > LIMIT))
}

/// One run.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Messages per second.
    rate: f64,
    /// Microseconds of processor time of this process per message: what the publisher costs, whatever else the machine
    /// does.
    processor: f64,
}

impl Run {
    fn medians(runs: &[Self]) -> Self {
        let median = |of: fn(&Self) -> f64| median(runs.iter().map(of).collect());
        Self { rate: median(|run| run.rate), processor: median(|run| run.processor) }
    }

    fn json(runs: &[Self]) -> Value {
        let medians = Self::medians(runs);
        let rates: Vec<f64> = runs.iter().map(|run| run.rate.round()).collect();
        let processor: Vec<f64> = runs.iter().map(|run| run.processor).collect();
        json!({
            "median": medians.rate.round(), "runs": rates,
            "processor_us": medians.processor, "processor_us_runs": processor,
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/s at {:.2} µs", self.rate, self.processor)
    }
}

/// Publishes everything to a server of its own.
async fn play(publish: impl AsyncFn(&Context)) -> Run {
    let server = NatsServer::start().await;
    let jetstream = server.jetstream().await;
    let stream = Config {
        name: STREAM.to_owned(),
        subjects: vec!["orders.*.*".to_owned()],
        storage: StorageType::Memory,
        discard: DiscardPolicy::New,
        max_bytes: 4 << 30,
        ..Config::default()
    };
    jetstream.create_stream(stream).await.expect("the stream is valid");
    let flow = async_nats::jetstream::kv::Config { bucket: bucket(TOPOLOGY), ..Default::default() };
    jetstream.create_key_value(flow).await.expect("the bucket is valid");

    let (began, before) = (Instant::now(), processor_time());
    publish(&jetstream).await;
    let (spent, processor) = (began.elapsed(), processor_time() - before);

    let stored = jetstream.get_stream(STREAM).await.expect("it was made").cached_info().state.messages;
    assert_eq!(stored, EVENTS, "not everything was stored");
    #[expect(clippy::cast_precision_loss, reason = "counts of messages and microseconds are far below 2^52")]
    let run = Run { rate: EVENTS as f64 / spent.as_secs_f64(), processor: processor as f64 / EVENTS as f64 };
    run
}

/// What this process has used, in microseconds.
fn processor_time() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("it can always be asked");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

/// The pipelined publisher that async-nats' documentation leads to.
async fn with_the_client(jetstream: &Context) {
    let mut acks = VecDeque::with_capacity(WINDOW);
    for number in 0..EVENTS {
        if acks.len() == WINDOW
            && let Some(ack) = acks.pop_front()
        {
            stored(ack).await;
        }
        let mut headers = HeaderMap::new();
        let id: HeaderValue = id(number).parse().expect("no line break");
        headers.insert(NATS_MESSAGE_ID, id);
        let message = PublishMessage::build().headers(headers).payload(PAYLOAD);
        acks.push_back(jetstream.send_publish(subject(number), message).await.expect("connected"));
    }
    for ack in acks {
        stored(ack).await;
    }
}

async fn stored(ack: async_nats::jetstream::context::PublishAckFuture) {
    ack.await.expect("the server stores it");
}

async fn with_the_crate(jetstream: &Context) {
    let producer = Producer::builder(jetstream.client()).topology(TOPOLOGY).window(WINDOW);
    let producer = producer.connect().await.expect("a valid topology");
    let events = (0..EVENTS).map(|number| Event::new(subject(number), PAYLOAD).id(id(number)));
    let mut results = std::pin::pin!(producer.publish_all(stream::iter(events)));
    while let Some(result) = results.next().await {
        result.expect("the server stores it");
    }
}

fn subject(number: u64) -> String {
    format!("orders.{}.placed", number % 10_000)
}

fn id(number: u64) -> String {
    format!("order-{number}")
}
