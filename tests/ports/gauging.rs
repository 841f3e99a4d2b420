//! How full a stream is, how far its readers are, and how that is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::jetstream::message::PublishMessage;
use support::{NatsServer, PATIENCE, eventually, publish, read_stream};
use tidegate_runtime::message::{Flow, FlowState};
use tidegate_runtime::nats::{
    Connection, ConsumerPlan, NatsFlows, NatsGauge, NatsSettle, NatsSource, Provision, Shard, provision,
};
use tidegate_runtime::port::{
    FlowWatch, Flows, Gauge, GaugeError, Limit, Reader, Reading, Room, Settle, Settlement, Source, Tenure,
};
use tidegate_runtime::topology::{Topology, parse};
use tokio::time::timeout;

use super::{ROOM, connected, next};

const SHOP: &str = r#"
name = "shop"
[handlers]
payments = "1"
[streams.ORDERS]
subjects = ["orders.{order}.*"]
max_messages = 1000
flow = { high = { messages = 100, lag = "10s" } }
[actors.payments]
handler = "payments"
stream = "ORDERS"
subjects = ["orders.{order}.placed"]
[actors.refunds]
handler = "payments"
stream = "ORDERS"
subjects = ["orders.{order}.returned", "orders.{order}.lost"]
"#;

async fn shop(server: &NatsServer) -> (Connection, Topology) {
    let connection = connected(server).await;
    let topology = parse("topology.toml", SHOP, &|_| None).expect("a valid topology").topology;
    let nobody = BTreeSet::new();
    provision(&connection, &topology, &Provision { stateful: &nobody }).await.expect("an empty server");
    (connection, topology)
}

fn gauge(connection: &Connection, topology: &Topology) -> NatsGauge {
    NatsGauge::new(connection.clone(), topology, &topology.streams["ORDERS"])
}

fn source(connection: &Connection, topology: &Topology) -> NatsSource {
    let plan = ConsumerPlan::of(topology, &topology.actors["payments"], 0);
    let shard = Shard {
        stream: "ORDERS".into(),
        consumer: plan.config,
        prefix: plan.prefix,
        floor: Arc::default(),
        tenure: Arc::new(Tenure::new(topology.failover)),
    };
    NatsSource::new(connection.clone(), shard)
}

async fn place(connection: &Connection, what: &str, count: u64) {
    let message = |n| (format!("orders.{n}.{what}"), PublishMessage::build().payload("x".into()));
    publish(connection.jetstream(), (0..count).map(message)).await;
}

fn reader<'a>(reading: &'a Reading, actor: &str) -> &'a Reader {
    let found = reading.readers.iter().find(|reader| &*reader.shard.actor == actor);
    found.unwrap_or_else(|| panic!("no reader `{actor}` in {reading:?}"))
}

fn flow(stream: &str, state: FlowState) -> Flow {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    Flow {
        stream: stream.to_owned(),
        subjects: Vec::new(),
        state,
        since: now,
        rate: None,
        stored: 0.0,
        done: 0.0,
        pressure: None,
        full_in: None,
        holds: 5000,
        instance: "a".to_owned(),
        written: now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gauge_tells_what_waits_what_is_in_hand_and_how_old_it_is() {
    let server = NatsServer::start().await;
    let (connection, topology) = shop(&server).await;
    let mut gauge = gauge(&connection, &topology);
    let empty = gauge.read().await.expect("the stream is there");
    place(&connection, "placed", 10).await;
    place(&connection, "lost", 3).await;
    let mut taken = Vec::new();
    let mut source = source(&connection, &topology);
    taken.extend(source.acquire().await.expect("nobody else pulls"));
    while taken.len() < 4 {
        let room = Room { messages: 4 - taken.len(), ..ROOM };
        taken.extend(next(&mut source, room).await.expect("nothing interrupts"));
    }
    let settle = NatsSettle::new(connection.clone());
    settle.settle(&taken[0].receipt, Settlement::Ack).await;
    settle.flush().await;
    let is_acked = async || {
        let reading = gauge.read().await.expect("the stream is there");
        reader(&reading, "payments").unsettled == 3
    };
    eventually(PATIENCE, is_acked).await;

    let reading = gauge.read().await.expect("the stream is there");
    let missing = NatsGauge::new(connection.clone(), &topology, &{
        let mut stream = topology.streams["ORDERS"].clone();
        stream.name = "NONE".parse().expect("a name");
        stream
    })
    .read()
    .await;

    assert!(empty.readers.iter().all(|reader| reader.oldest.is_none()) && empty.stored.messages == 0);
    assert_eq!((reading.stored.messages, reading.last), (13, 13));
    assert_eq!(reading.limit, Limit { messages: Some(1000), bytes: None });
    let payments = reader(&reading, "payments");
    assert_eq!((payments.waiting, payments.unsettled, payments.deliveries), (6, 3, 4));
    assert_eq!(reader(&reading, "refunds").waiting, 3);
    let stored: Vec<SystemTime> = read_stream(connection.jetstream(), "ORDERS")
        .await
        .iter()
        .map(|message| SystemTime::from(message.time))
        .collect();
    assert_eq!(payments.oldest, Some(stored[1]), "the second is the first that is not done");
    assert_eq!(reader(&reading, "refunds").oldest, Some(stored[10]));
    assert!(reading.at >= stored[12]);
    assert_eq!(missing, Err(GaugeError::Missing("NONE".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_flows_that_is_deleted_is_made_again_and_watched_on() {
    let mut server = NatsServer::start().await;
    let (connection, topology) = shop(&server).await;
    let flows = NatsFlows::new(connection.clone(), &topology);
    flows.announce(&flow("ORDERS", FlowState::Open)).await.expect("the bucket is there");
    let mut watch = flows.watch();
    let mut next = async || timeout(PATIENCE, watch.next()).await.expect("something is seen in time").state;
    let first = next().await;

    connection.jetstream().delete_key_value("shop-flow").await.expect("it was there");
    let gone = flows.find("ORDERS").await.expect("the broker answers");
    flows.announce(&flow("ORDERS", FlowState::Slow)).await.expect("it is made again");
    let mut seen = next().await;
    while seen == FlowState::Open {
        seen = next().await;
    }
    let remade = connection.jetstream().get_key_value("shop-flow").await.expect("it is there again");
    let age = remade.status().await.expect("the server answers").max_age();
    server.restart().await;
    eventually(PATIENCE, async || flows.announce(&flow("ORDERS", FlowState::Stop)).await.is_ok()).await;
    let mut last = next().await;
    while last != FlowState::Stop {
        last = next().await;
    }

    assert_eq!((first, seen), (FlowState::Open, FlowState::Slow));
    assert_eq!(gone, None);
    assert_eq!(age, Duration::from_mins(1), "it is made as provisioning makes it");
    assert_eq!(
        flows.find("ORDERS").await.expect("the bucket is there").map(|flow| flow.state),
        Some(FlowState::Stop)
    );
}
