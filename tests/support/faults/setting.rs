//! The topology of a run: one actor `append` on the stream `TASKS`, whose outputs go to the stream `DONE`.

use std::time::Duration;

use super::{Bounds, Mix};

/// The name of the topology, and so the prefix of what it creates.
pub(super) const TOPOLOGY: &str = "faults";
/// The actor's name.
pub(super) const ACTOR: &str = "append";
/// The input stream.
pub(super) const INPUT: &str = "TASKS";
/// The output stream.
pub(super) const OUTPUT: &str = "DONE";

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many instances work.
    pub instances: usize,
    /// What is promised.
    pub bounds: Bounds,
    /// What the messages do.
    pub mix: Mix,
    /// A bug to activate, by the name that `TIDEGATE_PLANT` knows.
    pub plant: Option<&'static str>,
    /// The server's limit for the deliveries of a message that nobody lives to report on.
    pub ack_wait: Duration,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            instances: 1,
            bounds: Bounds::default(),
            mix: Mix::PLAIN,
            plant: None,
            ack_wait: Duration::from_secs(3),
        }
    }
}

impl Setting {
    /// With three instances and a shard for each of them.
    pub fn of_three() -> Self {
        let bounds = Bounds { shards: 3, ..Bounds::default() };
        Self { instances: 3, bounds, ..Self::default() }
    }

    /// With messages that do other things than succeed.
    #[must_use]
    pub fn with_mix(self, mix: Mix) -> Self {
        Self { mix, ..self }
    }

    /// With a bug.
    #[must_use]
    pub fn with_plant(self, plant: Option<&'static str>) -> Self {
        Self { plant, ..self }
    }

    /// The topology as a file. Keys that have their default value are left out.
    pub(super) fn topology(&self, replicas: u32) -> String {
        let Bounds { shards, window, max_deliver, failover, drain, .. } = &self.bounds;
        let failover = match *failover == Bounds::default().failover {
            true => String::new(),
            false => format!("failover = \"{}ms\"", failover.as_millis()),
        };
        let shards = if *shards > 1 { format!("shards = {shards}") } else { String::new() };
        let mailbox = (window / 8).max(1);
        let (drain, ack_wait) = (drain.as_millis(), self.ack_wait.as_millis());
        format!(
            r#"
name = "{TOPOLOGY}"
drain_timeout = "{drain}ms"
{failover}

[handlers]
append = {{ path = "." }}

[streams.{INPUT}]
subjects = ["tasks.{{entity}}"]
max_bytes = "4GiB"
replicas = {replicas}
{shards}

[streams.{OUTPUT}]
subjects = ["done.{{entity}}"]
max_bytes = "4GiB"
replicas = {replicas}

[dead_letters]
replicas = {replicas}

[actors.{ACTOR}]
handler = "append"
stream = "{INPUT}"
subjects = ["tasks.{{entity}}"]
emits = {{ done = "done.{{entity}}" }}
settings = {{ directory = "." }}
partitions = 8
mailbox = {mailbox}
concurrency = 8
window = {window}
max_deliver = {max_deliver}
handovers = 100
backoff = ["20ms", "50ms"]
timeout = "8s"
ack_wait = "{ack_wait}ms"
"#
        )
    }
}

/// The durable consumer of a shard.
pub(super) fn consumer(shard: u32, shards: u32) -> String {
    match shards {
        1 => format!("{TOPOLOGY}-{ACTOR}"),
        _ => format!("{TOPOLOGY}-{ACTOR}-{shard}"),
    }
}

/// The stream of dead letters.
pub(super) fn dead_letters() -> String {
    format!("{TOPOLOGY}-dead-letters")
}

/// The stream under the bucket of the members.
pub(super) fn members() -> String {
    format!("KV_{TOPOLOGY}-members")
}

/// The stream under the bucket of the entities' states.
pub(super) fn states() -> String {
    format!("KV_{TOPOLOGY}-{ACTOR}-state")
}
