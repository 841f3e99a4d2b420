//! Three nats-servers that replicate to each other.

mod ports;

use std::fs;
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::{self, consumer, stream};
use async_nats::{Client, ConnectOptions};
use tempfile::TempDir;

use self::ports::free_ports;
use crate::nats::{config_path, program, spawn};
use crate::process::Process;
use crate::wait::{PATIENCE, eventually, eventually_some};

/// How many servers there are: as few as can lose one.
const SIZE: usize = 3;

/// How long a server has to answer a test. One that hangs or has just died must not cost the test its time.
const ANSWER: Duration = Duration::from_secs(1);

/// A cluster of one test: three servers with their own ports and stores, ended when dropped.
///
/// A server is named by its number, from 0.
#[derive(Debug)]
pub struct Cluster {
    servers: Vec<Server>,
}

#[derive(Debug)]
struct Server {
    process: Process,
    directory: TempDir,
    port: u16,
}

impl Cluster {
    /// Starts three servers on free ports and returns when they have elected a leader.
    pub async fn start() -> Self {
        let clients = free_ports(SIZE);
        let routes = free_ports(SIZE);
        let servers = clients.iter().zip(&routes).enumerate().map(|(number, (&port, &route))| {
            let directory = tempfile::tempdir().expect("a temporary directory can be made");
            let store = directory.path().join("store").display().to_string();
            fs::write(config_path(directory.path()), config(number, port, route, &routes, &store))
                .expect("the configuration can be written");
            Server { process: launch(&directory), directory, port }
        });
        let cluster = Self { servers: servers.collect() };
        cluster.wait_until_ready().await;
        cluster
    }

    /// The URLs of all servers, separated by commas.
    pub fn url(&self) -> String {
        let urls: Vec<String> = self.numbers().map(|number| self.url_of(number)).collect();
        urls.join(",")
    }

    /// The URL of one server; it tells clients of the others.
    pub fn url_of(&self, number: usize) -> String {
        format!("nats://127.0.0.1:{}", self.servers[number].port)
    }

    /// The numbers of all servers.
    pub fn numbers(&self) -> std::ops::Range<usize> {
        0..self.servers.len()
    }

    /// The process of one server.
    pub fn process(&self, number: usize) -> &Process {
        &self.servers[number].process
    }

    /// Connects to whichever server answers, and soon to another when that one falls silent.
    pub async fn client(&self) -> Client {
        self.connect(impatient).await
    }

    /// Connects and gives a JetStream context.
    pub async fn jetstream(&self) -> jetstream::Context {
        context(self.client().await)
    }

    /// Ends a server as a crash would; its store stays.
    pub fn kill9(&mut self, number: usize) {
        self.servers[number].process.kill9();
    }

    /// Freezes a server: its connections stay open, nothing is answered.
    pub fn freeze(&self, number: usize) {
        self.servers[number].process.freeze();
    }

    /// Ends a freeze.
    pub fn thaw(&self, number: usize) {
        self.servers[number].process.thaw();
    }

    /// Starts a server again, after ending it if need be, on the same ports and store. Does not wait until it is ready.
    pub fn restart(&mut self, number: usize) {
        let server = &mut self.servers[number];
        server.process.kill9();
        server.process = launch(&server.directory);
    }

    /// Waits until there is a leader of all servers that are alive, so that streams can be made.
    ///
    /// # Panics
    /// When there is none within [`PATIENCE`].
    pub async fn wait_until_ready(&self) {
        for number in self.numbers() {
            eventually(PATIENCE, async || self.is_ready(number).await).await;
        }
    }

    /// Which server leads a stream.
    ///
    /// # Panics
    /// When none does within [`PATIENCE`].
    pub async fn leader_of_stream(&self, stream: &str) -> usize {
        let jetstream = self.jetstream().await;
        eventually_some(PATIENCE, async || {
            let info: stream::Info = request(&jetstream, &format!("STREAM.INFO.{stream}")).await?;
            number_of(&info.cluster?.leader?)
        })
        .await
    }

    /// Which server leads a consumer.
    ///
    /// # Panics
    /// When none does within [`PATIENCE`].
    pub async fn leader_of_consumer(&self, stream: &str, consumer: &str) -> usize {
        let jetstream = self.jetstream().await;
        eventually_some(PATIENCE, async || {
            let subject = format!("CONSUMER.INFO.{stream}.{consumer}");
            let info: consumer::Info = request(&jetstream, &subject).await?;
            number_of(&info.cluster?.leader?)
        })
        .await
    }

    /// Asks the leader of a stream to let another server lead, and tells whether it said yes.
    pub async fn step_down_stream(&self, stream: &str) -> bool {
        step_down(&self.jetstream().await, &format!("STREAM.LEADER.STEPDOWN.{stream}")).await
    }

    /// Asks the leader of a consumer to let another server lead, and tells whether it said yes.
    pub async fn step_down_consumer(&self, stream: &str, consumer: &str) -> bool {
        step_down(&self.jetstream().await, &format!("CONSUMER.LEADER.STEPDOWN.{stream}.{consumer}")).await
    }

    /// Asks the leader of all servers to let another one lead, and tells whether it said yes.
    pub async fn step_down_meta(&self) -> bool {
        step_down(&context(self.operator().await), "META.LEADER.STEPDOWN").await
    }

    /// Connects as who may ask for what concerns all servers.
    async fn operator(&self) -> Client {
        self.connect(|| impatient().user_and_password("operator".to_owned(), "operator".to_owned())).await
    }

    async fn connect(&self, options: impl Fn() -> ConnectOptions) -> Client {
        let urls: Vec<String> = self.numbers().map(|number| self.url_of(number)).collect();
        eventually_some(PATIENCE, async || options().connect(urls.as_slice()).await.ok()).await
    }

    async fn is_ready(&self, number: usize) -> bool {
        match impatient().connect(self.url_of(number)).await {
            Ok(client) => context(client).query_account().await.is_ok(),
            Err(_) => false,
        }
    }
}

/// Tests are let in without credentials; only a user of the system account may ask for another leader of all.
fn config(number: usize, port: u16, route: u16, routes: &[u16], store: &str) -> String {
    let routes: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
    format!(
        r#"
server_name: "server-{number}"
listen: "127.0.0.1:{port}"
cluster {{ name: tests, listen: "127.0.0.1:{route}", routes: [{}], pool_size: 1 }}
jetstream {{ store_dir: "{store}" }}
accounts {{
    TESTS {{ jetstream: enabled, users: [{{ user: tests, password: tests }}] }}
    $SYS {{ users: [{{ user: operator, password: operator }}] }}
}}
no_auth_user: tests
"#,
        routes.join(", ")
    )
}

fn launch(directory: &TempDir) -> Process {
    let mut command = Command::new(program());
    command.arg("--config").arg(config_path(directory.path()));
    spawn(command, directory.path())
}

fn number_of(server: &str) -> Option<usize> {
    server.strip_prefix("server-")?.parse().ok()
}

fn impatient() -> ConnectOptions {
    ConnectOptions::new().ping_interval(ANSWER).connection_timeout(ANSWER).request_timeout(Some(ANSWER))
}

fn context(client: Client) -> jetstream::Context {
    ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client)
}

#[expect(clippy::print_stderr, reason = "the test runner shows standard error of a test that failed")]
async fn request<T: serde::de::DeserializeOwned>(jetstream: &jetstream::Context, subject: &str) -> Option<T> {
    use jetstream::response::Response;

    let refused = match jetstream.request(subject.to_owned(), &serde_json::json!({})).await {
        Ok(Response::Ok(answer)) => return Some(answer),
        Ok(Response::Err { error }) => error.to_string(),
        Err(error) => error.to_string(),
    };
    eprintln!("{subject}: {refused}");
    None
}

async fn step_down(jetstream: &jetstream::Context, subject: &str) -> bool {
    let answer: Option<serde_json::Value> = request(jetstream, subject).await;
    answer.is_some_and(|answer| answer["success"] == true)
}
