//! What is shown of the topology, its actors and their partitions.

use std::path::Path;

use serde_json::json;
use support::{NatsServer, PATIENCE, eventually, get};

use super::{ask, drain, open};
use crate::workload::{Workload, publish_tasks};

#[tokio::test(flavor = "multi_thread")]
async fn actors_are_shown_with_what_they_have_in_hand() {
    let server = NatsServer::start().await;
    let settings = "partitions = 4\nconcurrency = 1\nmax_deliver = 1";
    let (runtime, workload, address) = open(Workload::new(&server, "script", settings)).await;
    publish_tasks(&server, [("dead".to_owned(), json!({ "fails": 9, "how": "terminal" }))]).await;
    publish_tasks(&server, (0..3).map(|id| ("slow".to_owned(), json!({ "id": id, "takes": 20_000 })))).await;
    eventually(PATIENCE, async || {
        let actor = ask(&address, "/api/v1/actors/worker").await.body;
        actor["running"] == 1 && actor["waiting"] == 2 && actor["dead_letters"] == 1
    })
    .await;

    let topology = ask(&address, "/api/v1/topology").await.body;
    let actors = ask(&address, "/api/v1/actors").await.body;
    let actor = ask(&address, "/api/v1/actors/worker").await.body;
    let partition = actor["partitions"][0]["partition"].as_u64().expect("a partition has something in hand");
    let shown = ask(&address, &format!("/api/v1/actors/worker/partitions/{partition}")).await.body;

    assert_eq!(topology["topology"], "fixture");
    assert_eq!(topology["actors"][0]["key"], "token entity");
    assert_eq!(actors["actors"][0]["in_flight"], 3);
    assert_eq!((&actor["reasons"], &actor["causes"]), (&json!({ "terminal": 1 }), &json!({ "terminal": 1 })));
    assert_eq!(actor["shards"][0]["state"], "working");
    let counts = json!({ "shard": 0, "partition": partition, "in_flight": 3, "running": 1, "waiting": 2 });
    assert_eq!(actor["partitions"], json!([counts]));
    assert_eq!(shown["shards"], json!([counts]));
    eventually(PATIENCE, async || {
        ask(&address, "/api/v1/actors").await.body["actors"][0]["queue_depth"] == 3
    })
    .await;
    assert_eq!(workload.count("start"), 2);
    drop(runtime);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "partitions = 4")).await;

    for path in [
        "/",
        "/api/v1/actors/nobody",
        "/api/v1/actors/worker/partitions/4",
        "/api/v1/actors/worker/partitions/x",
    ] {
        let answer = ask(&address, path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{path}");
    }
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_the_published_one_and_has_every_path() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/admin.openapi.json");

    let (_, text) = get(&address, "/openapi.json").await.expect("the endpoint answers");
    let document = ask(&address, "/openapi.json").await.body;

    assert!(text == std::fs::read_to_string(published).expect("it is published"), "it is out of date");
    for (path, item) in document["paths"].as_object().expect("paths") {
        let place = path.replace("{actor}", "worker").replace("{partition}", "0");
        if item["get"].is_object() {
            let (head, _) = get(&address, &place).await.expect("the endpoint answers");
            assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        }
    }
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_that_are_hot_or_wait_are_shown_and_are_no_labels() {
    let server = NatsServer::start().await;
    let settings = "max_deliver = 2\nbackoff = [\"5m\"]";
    let (_runtime, workload, address) = open(Workload::new(&server, "script", settings)).await;
    let key = |id: u32| if id.is_multiple_of(2) { "ada".to_owned() } else { format!("e{id}") };
    publish_tasks(&server, (0..100).map(|id| (key(id), json!({ "id": id })))).await;
    publish_tasks(&server, [("bob".to_owned(), json!({ "fails": 1 }))]).await;
    eventually(PATIENCE, async || workload.count("end") == 100 && workload.count("fail") == 1).await;

    eventually(PATIENCE, async || {
        let actor = ask(&address, "/api/v1/actors/worker").await.body;
        actor["waiting_entities"][0]["key"] == "bob" && actor["hot"][0]["attempts"] == 50
    })
    .await;
    let actor = ask(&address, "/api/v1/actors/worker").await.body;
    let hot = &actor["hot"][0];
    let waiting = &actor["waiting_entities"][0];
    let partition = format!("/api/v1/actors/worker/partitions/{}", hot["partition"]);
    let in_partition = ask(&address, &partition).await.body;
    let (_, metrics) = get(&address, "/metrics").await.expect("the endpoint answers");

    assert_eq!((&hot["key"], &hot["attempts"]), (&json!("ada"), &json!(50)));
    assert_eq!((&waiting["what"], &waiting["why"]), (&json!("retry"), &json!("failed as told")));
    assert!(waiting["left_seconds"].as_f64().is_some_and(|left| (100.0..400.0).contains(&left)), "{waiting}");
    assert_eq!(in_partition["hot"][0]["key"], "ada");
    let is_label = |key: &str| metrics.contains(&format!("=\"{key}\""));
    assert!(!is_label("ada") && !is_label("bob"), "a key is a label");
}
