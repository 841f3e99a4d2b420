//! What publishers need.

use super::Grants;
use crate::nats::names;
use crate::topology::{Stream, Topology};

pub(super) fn grant(topology: &Topology, grants: &mut Grants) {
    let is_entry = |stream: &&Stream| {
        !topology.actors.values().any(|actor| actor.outputs.contains(&stream.name))
            && stream.name != topology.dead_letter_stream()
    };
    for subject in topology.streams.values().filter(is_entry).flat_map(|stream| &stream.subjects) {
        grants.publish("events", subject.filter());
    }
    let bucket = names::flow_bucket(&topology.name);
    grants.ask("whether JetStream is there", "INFO");
    grants.ask("what the streams can take", &format!("DIRECT.GET.{}", names::bucket_stream(&bucket)));
    grants.subscribe("what the streams can take", format!("$KV.{bucket}.>"));
}
