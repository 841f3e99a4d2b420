//! Somebody else settles, edits, pauses and purges what the runtime works with.

use std::time::{Duration, SystemTime};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, FromConsumer, pull};
use support::{NatsServer, PATIENCE, eventually};

use crate::recovery::{ids, tasks};
use crate::workload::{
    TOPOLOGY, Workload, assert_ordered, backlog, dead_letters, done, emitting, publish_tasks, stored,
};

async fn edit(jetstream: &jetstream::Context, change: impl FnOnce(&mut pull::Config)) {
    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    let name = format!("{TOPOLOGY}-worker");
    let consumer: Consumer<pull::Config> = stream.get_consumer(&name).await.expect("the consumer exists");
    let mut config =
        pull::Config::try_from_consumer_config(consumer.cached_info().config.clone()).expect("it is pulled");
    change(&mut config);
    stream.update_consumer(config).await.expect("the consumer can be changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_delivered_again_while_it_is_handled_is_handled_once() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "ack_wait = \"20s\"");
    let mut runtime = workload.start().await;
    let client = server.client().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, (0..2_u64).map(|id| ("a".to_owned(), emitting(id, 1500)))).await;
    eventually(PATIENCE, async || workload.count("start") == 1).await;
    for _ in 0..3 {
        for sequence in 1..=2 {
            let foreign = format!("$JS.ACK.TASKS.{TOPOLOGY}-worker.1.{sequence}.{sequence}.1.0");
            client.publish(foreign, "-NAK".into()).await.expect("the client is connected");
        }
        client.flush().await.expect("the client is connected");
    }
    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    let redelivered = async || {
        let info = stream.consumer_info(format!("{TOPOLOGY}-worker")).await.expect("the consumer exists");
        info.num_redelivered
    };
    eventually(PATIENCE, async || redelivered().await == 2).await;
    assert_eq!(workload.count("end"), 0, "the deliveries came too late");
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2).await;

    assert_ordered(&workload.journal());
    assert_eq!((workload.count("start"), workload.count("end")), (2, 2));
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_patience_is_shortened_gets_nothing_done_twice() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "ack_wait = \"20s\"");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    edit(&jetstream, |config| config.ack_wait = Duration::from_secs(1)).await;
    publish_tasks(&server, (0..40_u64).map(|id| (format!("e{}", id % 20), emitting(id, 1200)))).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 40).await;

    assert_ordered(&workload.journal());
    assert_eq!(workload.count("start"), 40);
    assert!(dead_letters(&server).await.is_empty());
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_was_paused_goes_on_where_it_stood() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, tasks(0, 1500)).await;
    eventually(PATIENCE, async || workload.count("end") > 300).await;
    let hour = (SystemTime::now() + Duration::from_secs(3600)).into();
    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    let consumer = format!("{TOPOLOGY}-worker");
    stream.pause_consumer(&consumer, hour).await.expect("the consumer can be paused");
    // What was on its way before the pause is still done.
    eventually(PATIENCE, async || backlog(&jetstream).await.1 == 0).await;
    let (waiting, _) = backlog(&jetstream).await;
    assert!(waiting > 0, "the pause came too late");
    stream.resume_consumer(&consumer).await.expect("the consumer can be resumed");
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 1500).await;

    assert_eq!(ids(&done(&server).await), (0..1500).collect());
    assert_ordered(&workload.journal());
    assert_eq!(workload.count("start"), 1500);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_a_purge_is_done() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "count", "ack_wait = \"2s\"\nwindow = 64");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, tasks(0, 3000)).await;
    eventually(PATIENCE, async || workload.count("end") > 300).await;
    jetstream
        .get_stream("TASKS")
        .await
        .expect("the stream exists")
        .purge()
        .await
        .expect("the stream can be purged");
    let before = workload.count("start");
    assert!(before < 2900, "the purge came too late");
    publish_tasks(&server, tasks(3000, 300)).await;
    let later = async || ids(&done(&server).await).range(3000..).count();
    eventually(PATIENCE, async || later().await == 300).await;
    eventually(PATIENCE, async || backlog(&jetstream).await == (0, 0)).await;

    assert_ordered(&workload.journal());
    assert!(dead_letters(&server).await.is_empty());
    // Only what was in hand then is done in spite of the purge.
    assert!(workload.count("end") <= before + 64 + 300, "{} done", workload.count("end"));
    assert!(runtime.drain(PATIENCE).await.success());
}
