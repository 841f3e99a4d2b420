//! The names of all that a topology has on the server.

use crate::message::flow;
use crate::topology::{Actor, ActorName, Topology, TopologyName};

/// The durable consumer of one shard of an actor: `{topology}-{actor}`, or with several shards
/// `{topology}-{actor}-{shard}`.
pub fn consumer(topology: &TopologyName, actor: &Actor, shard: u32) -> String {
    let name = &actor.name;
    if actor.shards > 1 { format!("{topology}-{name}-{shard}") } else { format!("{topology}-{name}") }
}

/// The key-value bucket in which the instances of a topology tell of themselves: `{topology}-members`.
pub fn members_bucket(topology: &TopologyName) -> String {
    format!("{topology}-members")
}

/// The key-value bucket in which it is written what actors may do: `{topology}-controls`.
pub fn controls_bucket(topology: &TopologyName) -> String {
    format!("{topology}-controls")
}

/// The key-value bucket with the flow of every stream: `{topology}-flow`.
pub fn flow_bucket(topology: &TopologyName) -> String {
    flow::bucket(topology.as_str())
}

/// The key-value bucket with the attempts that were made of messages delivered more than once: `{topology}-attempts`.
pub fn attempts_bucket(topology: &TopologyName) -> String {
    format!("{topology}-attempts")
}

/// The key-value bucket with the last owner of every shard: `{topology}-owners`.
pub fn owners_bucket(topology: &TopologyName) -> String {
    format!("{topology}-owners")
}

/// The stream under a key-value bucket (ADR-8).
pub fn bucket_stream(bucket: &str) -> String {
    format!("KV_{bucket}")
}

/// What the stream under a key-value bucket captures (ADR-8).
pub fn bucket_subjects(bucket: &str) -> String {
    format!("$KV.{bucket}.>")
}

/// The key-value bucket with the state of an actor's entities: `{topology}-{actor}-state`.
pub fn state_bucket(topology: &TopologyName, actor: &ActorName) -> String {
    format!("{topology}-{actor}-state")
}

/// The stream that keeps dead letters: the one that the topology names, or `{topology}-dead-letters`.
pub fn dead_letter_stream(topology: &Topology) -> String {
    topology.dead_letter_stream().as_str().to_owned()
}

/// What the dead-letter stream captures: `tidegate.{topology}.dead-letters.>`.
pub fn dead_letter_subjects(topology: &TopologyName) -> String {
    format!("tidegate.{topology}.dead-letters.>")
}

/// Where the dead letter of one message goes: `tidegate.{topology}.dead-letters.{actor}.{stream}.{sequence}`.
pub fn dead_letter_subject(
    topology: &TopologyName,
    actor: &ActorName,
    stream: &str,
    sequence: u64,
) -> String {
    format!("tidegate.{topology}.dead-letters.{actor}.{stream}.{sequence}")
}

/// Where it is told that an alert was raised or cleared: `tidegate.{topology}.alerts.{actor}.{name}`.
pub fn alert_subject(topology: &TopologyName, actor: &str, name: &str) -> String {
    format!("tidegate.{topology}.alerts.{actor}.{name}")
}

/// Where somebody asks to see messages of an actor: `tidegate.{topology}.tap.{actor}`.
pub fn tap_subject(topology: &TopologyName, actor: &str) -> String {
    format!("tidegate.{topology}.tap.{actor}")
}

/// Where they are shown: `tidegate.{topology}.taps.{actor}`.
pub fn tapped_subject(topology: &TopologyName, actor: &str) -> String {
    format!("tidegate.{topology}.taps.{actor}")
}

/// The stream that keeps the server's advisories about our consumers: `{topology}-advisories`.
pub fn advisory_stream(topology: &TopologyName) -> String {
    format!("{topology}-advisories")
}

/// The durable consumer that reads the advisories about the consumer of one shard; it has the name of that consumer, but
/// on the advisory stream.
pub fn advisory_consumer(topology: &TopologyName, actor: &Actor, shard: u32) -> String {
    consumer(topology, actor, shard)
}

/// Where the server tells about `consumer` of `stream`: a message delivered too often, a message terminated.
pub fn advisory_subjects(stream: &str, consumer: &str) -> [String; 2] {
    ["MAX_DELIVERIES", "MSG_TERMINATED"]
        .map(|kind| format!("$JS.EVENT.ADVISORY.CONSUMER.{kind}.{stream}.{consumer}"))
}

/// What a client calls itself: `tidegate/{version} {topology}`.
pub fn client(topology: &TopologyName) -> String {
    format!("tidegate/{} {topology}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_with_the_topology() {
        let topology: TopologyName = "shop".parse().expect("a valid name");
        let actor: ActorName = "payments".parse().expect("a valid name");

        assert_eq!(state_bucket(&topology, &actor), "shop-payments-state");
        assert_eq!(advisory_stream(&topology), "shop-advisories");
    }

    #[test]
    fn the_dead_letter_stream_captures_every_dead_letter() {
        let topology: TopologyName = "shop".parse().expect("a valid name");
        let actor: ActorName = "payments".parse().expect("a valid name");
        let captured: tidegate::subject::Pattern =
            dead_letter_subjects(&topology).parse().expect("a valid pattern");

        assert!(captured.matches(&dead_letter_subject(&topology, &actor, "ORDERS", 7)));
    }
}
