//! What operators need for `status`, `top`, `tap`, `plan`, `doctor` and `dead-letters`. What changes streams and consumers is not
//! among it.

use tidegate::subject::Pattern;

use super::Grants;
use crate::nats::{ConsumerPlan, names};
use crate::topology::{Origin, Topology};

pub(super) fn grant(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    look(topology, streams, grants);
    control(topology, streams, grants);
    grants.publish("taps", names::tap_subject(&topology.name, "*"));
    grants.subscribe("taps", names::tapped_subject(&topology.name, "*"));
    let letters = names::dead_letter_stream(topology);
    grants.ask("reading dead letters", &format!("CONSUMER.CREATE.{letters}"));
    grants.ask("reading dead letters", &format!("CONSUMER.MSG.NEXT.{letters}.>"));
    grants.ask("reading dead letters", &format!("STREAM.MSG.GET.{letters}"));
    grants.ask("removing dead letters", &format!("STREAM.MSG.DELETE.{letters}"));
    let consumed = topology.actors.values().flat_map(|actor| &actor.subjects);
    for subject in consumed.map(Pattern::filter) {
        grants.publish("replays", subject);
    }
}

fn look(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    grants.ask("whether JetStream is there, and its limits", "INFO");
    let external = topology.streams.values().filter(|stream| stream.origin == Origin::External);
    for stream in streams.iter().map(|(name, _)| name.as_str()).chain(external.map(|one| one.name.as_str())) {
        grants.ask("how streams and buckets are, and how full", &format!("STREAM.INFO.{stream}"));
    }
    for plan in ConsumerPlan::all(topology) {
        let consumer = format!("{}.{}", plan.stream, plan.name());
        grants.ask("how far consumers are", &format!("CONSUMER.INFO.{consumer}"));
    }
    for plan in ConsumerPlan::all(topology) {
        grants.ask("how old the oldest message is", &format!("STREAM.MSG.GET.{}", plan.stream));
    }
    for bucket in [names::members_bucket(&topology.name), names::flow_bucket(&topology.name)] {
        grants.ask("who works, and what the streams can take", &format!("DIRECT.GET.KV_{bucket}"));
    }
    grants.ask("orphans: names and limits of all streams and consumers of the account", "STREAM.LIST");
    grants.ask("orphans: names and limits of all streams and consumers of the account", "CONSUMER.LIST.*");
}

/// Pauses actors and lets them go on.
fn control(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    let bucket = format!("{}-controls", topology.name);
    if streams.iter().any(|(stream, _)| *stream == names::bucket_stream(&bucket)) {
        grants.ask("what actors may do", &format!("DIRECT.GET.KV_{bucket}"));
        grants.publish("what actors may do", format!("$KV.{bucket}.>"));
    }
}
