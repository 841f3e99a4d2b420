//! The HTTP ingress: what it takes, what it refuses, and what it tells; a real process, and real clients.

mod answers;
mod description;
mod drain;
mod hostile;
mod limits;
mod many;
mod overload;
mod raw;
mod start;
mod tokens;
mod trace;

use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, StoredMessage, read_stream};

/// Three ways in: by the path, by the body, and unread. Nobody reads `RAW`, which holds two messages.
const TOPOLOGY: &str = r#"
name = "fixture"

[handlers]
script = { path = "." }

[streams.TASKS]
subjects = ["tasks.{entity}"]
max_bytes = "1GiB"

[streams.RAW]
subjects = ["raw.{entity}"]
max_messages = 2
max_age = "1d"

[actors.worker]
handler = "script"
stream = "TASKS"
subjects = ["tasks.{entity}"]
settings = { journal = "journal" }

[ingress.routes.task]
path = "/tasks/{entity}"
subject = "tasks.{entity}"
id = { header = "Idempotency-Key" }

[ingress.routes.field]
path = "/tasks"
subject = "tasks.{entity}"
fields = { entity = "/of/entity" }
id = { json = "/name" }

[ingress.routes.raw]
path = "/raw/{entity}"
subject = "raw.{entity}"
content_type = "any"

[ingress]
"#;

/// A topology with an ingress, at work.
struct Shop {
    server: NatsServer,
    runtime: Runtime,
    url: String,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Shop {
    /// Opens it; `keys` is more lines for `[ingress]`.
    async fn open(keys: &str) -> Self {
        Self::of(builder(keys)).await
    }

    async fn of(builder: RuntimeBuilder) -> Self {
        let server = NatsServer::start().await;
        let runtime = builder.nats(&server).start();
        let url = url(&runtime).await;
        Self { server, runtime, url, client: client() }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// Posts one JSON event.
    async fn event(&self, path: &str, body: &str) -> Answer {
        answer(self.post(path).header("Content-Type", "application/json").body(body.to_owned())).await
    }

    /// Posts many events, a line each.
    async fn lines(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        answer(self.post(path).header("Content-Type", "application/x-ndjson").body(body)).await
    }

    async fn stored(&self, stream: &str) -> Vec<StoredMessage> {
        read_stream(&self.server.jetstream().await, stream).await
    }

    async fn drain(mut self) {
        assert_eq!(self.runtime.drain(PATIENCE).await.code(), Some(0));
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status, and what kind of problem it is.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        (self.status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn builder(keys: &str) -> RuntimeBuilder {
    Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), &format!("{TOPOLOGY}{keys}\n")).args([
        "run",
        "--ingress",
        "127.0.0.1:0",
    ])
}

/// Where the ingress of a runtime listens, once it does.
async fn url(runtime: &Runtime) -> String {
    let line = runtime.wait_for_log("the ingress takes events").await;
    let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
    format!("http://{}", address.unwrap_or_else(|| panic!("no address in `{line}`")))
}

fn client() -> Client {
    // The client asks for one even where nothing is encrypted; whoever installs it first wins.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.expect("the answer is complete") }
}
