//! What changes something needs a token, wherever we listen.

use std::io::Write;

use reqwest::Client;
use serde_json::{Value, json};
use support::NatsServer;

use super::{drain, open};
use crate::workload::Workload;

/// SHA-256 of `one`.
pub(super) const ONE: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";

struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    fn new(address: &str) -> Self {
        // Its TLS needs a provider, though nothing here is encrypted.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { client, url: format!("http://{address}/api/v1/actors") }
    }

    async fn post(&self, path: &str, token: &str, body: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}/{path}", self.url)).bearer_auth(token);
        let response = request.body(body.to_owned()).send().await.expect("the endpoint answers");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.expect("a body")).expect("JSON"))
    }
}

async fn control(server: &NatsServer) -> Value {
    let bucket =
        server.jetstream().await.get_key_value("fixture-controls").await.expect("the bucket is there");
    let entry = bucket.get("worker").await.expect("it can be read").expect("somebody has written it");
    serde_json::from_slice(&entry).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_token_pauses_and_resumes_an_actor() {
    let server = NatsServer::start().await;
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "ann:{ONE}").expect("it is written");
    let admin = format!("[admin]\ntokens = {:?}", file.path());
    let (runtime, _workload, address) = open(Workload::new(&server, "script", &admin)).await;
    let caller = Caller::new(&address);

    let stranger = caller.post("worker/pause", "two", "").await;
    let nobody = caller.post("nobody/pause", "one", "").await;
    let wrong = caller.post("worker/pause", "one", "{\"reason\":1}").await;
    let large = caller.post("worker/pause", "one", &" ".repeat(10_000)).await;
    let paused = caller.post("worker/pause", "one", "{\"why\":\"release 7\"}").await;
    let written = control(&server).await;
    let again = caller.post("worker/pause", "one", "{\"why\":\"once more\"}").await;
    let resumed = caller.post("worker/resume", "one", "").await;
    let drained = caller.post("worker/drain", "one", "").await;
    let kept = control(&server).await;

    assert_eq!((stranger.0, nobody.0, wrong.0, large.0), (401, 404, 400, 413));
    let expected = json!({ "actor": "worker", "state": "paused", "why": "release 7", "by": "admin:ann" });
    assert_eq!(paused, (200, expected.clone()));
    assert_eq!((&written["state"], &written["by"]), (&json!("paused"), &json!("admin:ann")));
    assert_eq!(again, (200, expected));
    assert_eq!((resumed.0, &resumed.1["state"]), (200, &json!("working")));
    assert_eq!(
        (drained.0, &drained.1["state"], &kept["state"]),
        (200, &json!("draining"), &json!("draining"))
    );
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_nobody_changes_anything() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;

    let (status, answer) = Caller::new(&address).post("worker/pause", "one", "").await;

    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")));
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("[admin]")), "{answer}");
    drain(runtime).await;
}
