//! Measures what more instances add, for a handler that waits: `./dev measure instances`.

mod cores;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{Context, kv};
use futures_util::StreamExt;
use serde_json::json;
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, eventually, publish};
use tidegate_runtime::message::{Member, ShardState};
use tokio::time::sleep;

use self::cores::Cores;
use crate::round::fixture;

const TOPOLOGY: &str = "measure";
const ACTOR: &str = "wait";
const STREAM: &str = "TASKS";
const SHARDS: usize = 6;

/// So few slots (8 × 2) and so long a wait that an instance cannot do more than 3,200 messages a second: its handlers
/// are the limit, not the cores.
const WAIT: Duration = Duration::from_millis(5);
const PARTITIONS: u64 = 8;
const CONCURRENCY: u64 = 2;

const ENTITIES: u64 = 20_000;
const RUNS: usize = 3;
const MOST: usize = 3;
const MEASURED: Duration = Duration::from_secs(6);

/// More than an instance can do while it is waited for and measured.
const BACKLOG: u64 = 60_000;

/// One run.
#[derive(Debug, Clone, Copy)]
struct Run {
    instances: usize,
    /// Messages per second.
    rate: f64,
    /// How much of the machine's cores was in use, by whomever.
    busy: f64,
}

/// Plays all runs and prints what they come to: a table for people, JSON for programs.
pub(super) async fn measure() -> ExitCode {
    let mut runs = Vec::new();
    for number in 0..RUNS {
        for instances in 1..=MOST {
            let run = play(instances).await;
            eprintln!(
                "run {} of {RUNS}, {instances} instances: {:.0}/s, {:.0} % of the cores",
                number + 1,
                run.rate,
                100.0 * run.busy
            );
            runs.push(run);
        }
    }
    let medians: Vec<(f64, f64)> = (1..=MOST).map(|instances| medians(&runs, instances)).collect();
    eprintln!("instances   messages/s   ratio   cores in use");
    for (number, (rate, busy)) in medians.iter().enumerate() {
        eprintln!("{:>9} {rate:>12.0} {:>7.2} {:>12.0} %", number + 1, rate / medians[0].0, 100.0 * busy);
    }
    let table: Vec<_> = medians
        .iter()
        .enumerate()
        .map(|(number, (rate, busy))| {
            let all: Vec<f64> =
                runs.iter().filter(|run| run.instances == number + 1).map(|run| run.rate.round()).collect();
            let (median, ratio) = (rate.round(), rate / medians[0].0);
            json!({ "instances": number + 1, "median": median, "ratio": ratio, "busy": busy, "runs": all })
        })
        .collect();
    let slots = PARTITIONS * CONCURRENCY;
    println!(
        "{:#}",
        json!({ "wait_ms": WAIT.as_millis(), "slots": slots, "shards": SHARDS, "table": table })
    );
    ExitCode::SUCCESS
}

fn medians(runs: &[Run], instances: usize) -> (f64, f64) {
    let median = |of: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().filter(|run| run.instances == instances).map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (median(|run| run.rate), median(|run| run.busy))
}

async fn play(instances: usize) -> Run {
    let server = NatsServer::start().await;
    let jetstream = server.jetstream().await;
    let builder = Runtime::builder(fixture(), &topology()).nats(&server);
    make_streams(&builder).await;
    fill(&jetstream, BACKLOG * instances as u64).await;
    let mut runtimes: Vec<Runtime> = (0..instances).map(|_| builder.clone().start()).collect();
    let members = jetstream.get_key_value(format!("{TOPOLOGY}-members")).await.expect("it was made");
    eventually(PATIENCE, async || share_evenly(&members, instances).await).await;

    let (before, cores, began) = (left(&jetstream).await, Cores::read(), Instant::now());
    sleep(MEASURED).await;
    let (after, busy, spent) = (left(&jetstream).await, cores.busy_since(), began.elapsed());

    assert!(after.iter().all(|left| *left > 0), "a shard ran dry: {after:?} left of {before:?}");
    let done = before.iter().sum::<u64>() - after.iter().sum::<u64>();
    for runtime in &mut runtimes {
        runtime.kill9();
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
    let rate = done as f64 / spent.as_secs_f64();
    Run { instances, rate, busy }
}

/// An instance makes what it needs; nobody works while the stream is filled.
async fn make_streams(builder: &RuntimeBuilder) {
    let mut runtime = builder.clone().start();
    runtime.wait_for_log("ready").await;
    assert!(runtime.drain(PATIENCE).await.success(), "the instance that makes the streams drains");
}

async fn fill(jetstream: &Context, messages: u64) {
    let payload = serde_json::to_vec(&json!({ "takes": WAIT.as_millis() })).expect("keys are strings");
    let tasks = (0..messages).map(|number| {
        let subject = format!("tasks.e{}", number % ENTITIES);
        (subject, PublishMessage::build().payload(payload.clone().into()))
    });
    publish(jetstream, tasks).await;
}

/// Whether so many instances work, each on its share of the shards and on nothing else.
async fn share_evenly(members: &kv::Store, instances: usize) -> bool {
    let Ok(mut keys) = members.keys().await else { return false };
    let mut sharing = 0;
    while let Some(Ok(key)) = keys.next().await {
        let Ok(Some(entry)) = members.get(key).await else { return false };
        let Ok(member) = serde_json::from_slice::<Member>(&entry) else { return false };
        let working = member.shards.iter().filter(|shard| shard.state == ShardState::Working).count();
        if working != SHARDS / instances || member.shards.len() != working {
            return false;
        }
        sharing += 1;
    }
    sharing == instances
}

/// How many messages are not settled, by shard.
async fn left(jetstream: &Context) -> Vec<u64> {
    let stream = jetstream.get_stream_no_info(STREAM).await.expect("the server answers");
    let mut left = Vec::new();
    for shard in 0..SHARDS {
        let info = stream.consumer_info(format!("{TOPOLOGY}-{ACTOR}-{shard}")).await;
        let info = info.expect("the server answers");
        left.push(info.num_pending + info.num_ack_pending as u64);
    }
    left
}

fn topology() -> String {
    format!(
        r#"
name = "{TOPOLOGY}"

[handlers]
quiet = {{ path = "." }}

[streams.{STREAM}]
subjects = ["tasks.{{entity}}"]
max_bytes = "4GiB"
shards = {SHARDS}

[actors.{ACTOR}]
handler = "quiet"
stream = "{STREAM}"
subjects = ["tasks.{{entity}}"]
partitions = {PARTITIONS}
concurrency = {CONCURRENCY}
"#
    )
}
