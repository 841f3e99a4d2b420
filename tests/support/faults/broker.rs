//! What the injector can do to a broker, whether it is one server or a cluster.

mod cluster;
mod server;

use std::time::Duration;

use async_nats::ConnectOptions;

/// How long a server has to answer: one that hangs must not hold up who could ask another.
const ANSWER: Duration = Duration::from_secs(1);

/// A broker that can be broken.
pub trait Broker {
    /// Where clients connect: one URL, or several with commas between them.
    fn urls(&self) -> String;

    /// How many copies its streams have.
    fn replicas(&self) -> u32;

    /// Ends a server as a crash would, and starts it again after a while.
    fn crash(&mut self, target: Target, down: Duration) -> impl Future<Output = ()>;

    /// Stops a server, and continues it after a while.
    fn pause(&mut self, target: Target, still: Duration) -> impl Future<Output = ()>;

    /// Asks a leader to let another server lead, and tells whether it said yes.
    fn step_down(&mut self, lead: &Lead) -> impl Future<Output = bool>;
}

/// A server of a broker. Who has one server only has no choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The server with this number.
    Number(usize),
    /// Whichever leads the input stream.
    Leader,
}

/// What a server can lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// A stream, by its name.
    Stream(String),
    /// A consumer, by the names of its stream and its own.
    Consumer(String, String),
    /// All servers.
    Meta,
}

/// A client that outlives every fault of the broker and does not wait long for an answer.
pub(super) async fn connect(urls: &str) -> async_nats::jetstream::Context {
    let servers: Vec<&str> = urls.split(',').collect();
    let options = ConnectOptions::new()
        .ping_interval(ANSWER)
        .connection_timeout(ANSWER)
        .reconnect_delay_callback(|_| Duration::from_millis(50));
    let client = options.connect(servers).await.expect("the broker takes connections");
    let mut jetstream = async_nats::jetstream::new(client);
    jetstream.set_timeout(ANSWER);
    jetstream
}
