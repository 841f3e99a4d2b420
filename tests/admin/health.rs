//! Readiness follows what becomes of the broker, the permissions, the shards and the process itself.

use serde_json::json;
use support::{NatsServer, PATIENCE, Signal, eventually, eventually_some};

use super::{LONG, ask, becomes_ready, becomes_unready, drain, open};
use crate::metrics::admin_of;
use crate::recovery::tasks;
use crate::workload::{Workload, publish_tasks, stored};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_its_broker_is_gone() {
    let mut server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;
    becomes_ready(&address).await;

    server.kill9();
    let reasons = becomes_unready(&address, "the connection to NATS is lost").await;
    let live = ask(&address, "/livez").await;
    server.restart().await;
    becomes_ready(&address).await;

    assert_eq!(reasons.matches("the connection").count(), 1, "{reasons}");
    assert_eq!((live.status, &live.body["status"]), (200, &json!("live")));
    assert_eq!(runtime.count_log("readiness is lost"), 1);
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_a_permission_is_denied() {
    let config = |deny: &str| {
        format!(
            "authorization {{ users = [
                {{ user: app, password: app, permissions: {{ publish: {{ deny: [\"{deny}\"] }} }} }}
                {{ user: admin, password: admin }}
            ] }}
            no_auth_user: admin"
        )
    };
    let server = NatsServer::with_config(&config("done.>")).await;
    let workload = Workload::new(&server, "script", "").env("NATS_USER", "app").env("NATS_PASSWORD", "app");
    let (runtime, _workload, address) = open(workload).await;
    becomes_ready(&address).await;

    publish_tasks(&server, [("ada".to_owned(), json!({ "emits": true }))]).await;
    let reasons = becomes_unready(&address, "our user lacks a permission").await;
    server.reload(&config("elsewhere.>"));
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 1).await;
    becomes_ready(&address).await;

    assert!(!reasons.contains("ada"), "an entity is named to whoever asks: {reasons}");
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_a_shard_stands_still() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64\ntimeout = \"1s\"")
        .env("TIDEGATE_PLANT", "lost_wake_up");
    let (runtime, _workload, address) = open(workload).await;

    publish_tasks(&server, tasks(0, 500)).await;
    becomes_unready(&address, "shard worker/0 stands still").await;
    becomes_ready(&address).await;

    assert_eq!(runtime.count_log("partition stalled"), 1);
    assert_eq!(stored(&server.jetstream().await, "DONE").await, 500);
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_an_actor_is_stalled() {
    let server = NatsServer::start().await;
    let settings = "[actors.worker.alerts]\nstalled = \"1s\"\nfor = \"100ms\"";
    let (runtime, _workload, address) = open(Workload::new(&server, "script", settings)).await;
    becomes_ready(&address).await;

    publish_tasks(&server, [("a".to_owned(), json!({ "takes": 6000 }))]).await;
    becomes_unready(&address, "actor `worker`: actor stalled: ").await;
    becomes_ready(&address).await;

    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_once_a_shard_has_failed_and_another_one_takes_it() {
    let server = NatsServer::start().await;
    // With all of its actors failed it would end: one goes on.
    let settings = "partitions = 1\nrestarts = 1\nmax_deliver = 9\nbackoff = [\"10ms\"]\n[actors.after]\n\
        handler = \"script\"\nstream = \"DONE\"\nsubjects = [\"done.{entity}\"]\nsettings = { journal = \"journal\" }";
    let (runtime, workload, address) = open(Workload::new(&server, "script", settings)).await;
    becomes_ready(&address).await;

    let deadly = json!({ "fails": 2, "how": "unspeakable" });
    publish_tasks(&server, [("a".to_owned(), deadly)]).await;
    becomes_unready(&address, "shard worker/0 has failed: a partition died too often").await;
    let live = ask(&address, "/livez").await;
    let shard = ask(&address, "/api/v1/actors/worker").await.body["shards"][0]["state"].clone();
    let other = workload.start().await;
    eventually(PATIENCE, async || workload.count("end") == 1).await;
    becomes_ready(&admin_of(&other).await).await;

    assert_eq!((live.status, shard.as_str()), (200, Some("failed")));
    assert_eq!(runtime.count_log("actor failed: restart budget spent"), 1);
    assert_eq!(ask(&address, "/readyz").await.status, 503);
    drain(other).await;
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_a_handler_blocks_a_thread_and_not_live_when_it_does_so_for_long() {
    let server = NatsServer::start().await;
    let (_runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;

    publish_tasks(&server, [("a".to_owned(), json!({ "fails": 9, "how": "block" }))]).await;
    let reasons = becomes_unready(&address, "has blocked it").await;
    let live = ask(&address, "/livez").await;
    let dead = eventually_some(LONG, async || {
        Some(ask(&address, "/livez").await).filter(|answer| answer.status == 503)
    })
    .await;

    assert!(reasons.contains("the handler of `worker`"), "{reasons}");
    assert_eq!((live.status, &dead.body["status"]), (200, &json!("not live")));
    assert!(dead.reasons().contains("the handler of `worker`"), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_ready_while_it_waits_for_its_broker_and_while_it_drains() {
    let mut server = NatsServer::start().await;
    server.kill9();
    let workload = Workload::new(&server, "script", "").env("TIDEGATE_ADMIN", "127.0.0.1:0");
    let mut runtime = workload.spawn();
    let address = admin_of(&runtime).await;
    let starting = ask(&address, "/readyz").await;
    let unknown = ask(&address, "/api/v1/actors").await;
    server.restart().await;
    becomes_ready(&address).await;

    publish_tasks(&server, [("a".to_owned(), json!({ "takes": 4000 }))]).await;
    eventually(PATIENCE, async || workload.count("start") == 1).await;
    runtime.signal(Signal::SIGTERM);
    becomes_unready(&address, "this instance drains").await;

    assert!(runtime.wait_exit(PATIENCE).await.success());
    assert_eq!((starting.status, starting.body["status"].as_str()), (503, Some("not ready")));
    assert!(starting.reasons().contains("being started"), "{starting:?}");
    assert_eq!((unknown.status, unknown.body["code"].as_str()), (503, Some("unavailable")));
}
