//! What a runtime needs.

use tidegate::subject::Pattern;

use super::Grants;
use crate::nats::{ConsumerPlan, names};
use crate::topology::{Origin, Topology};

pub(super) fn grant(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    grants.ask("whether JetStream is there", "INFO");
    provision(topology, streams, grants);
    consume(topology, grants);
    keep(topology, streams, grants);
    publish(topology, grants);
}

/// Looks at the streams and creates what is missing.
fn provision(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    let external = topology.streams.values().filter(|stream| stream.origin == Origin::External);
    for stream in streams.iter().map(|(name, _)| name.as_str()).chain(external.map(|one| one.name.as_str())) {
        grants.ask("how streams and buckets are, and how full", &format!("STREAM.INFO.{stream}"));
    }
    for (stream, _) in streams {
        grants.ask("streams and buckets that are missing", &format!("STREAM.CREATE.{stream}"));
    }
    if !topology.actors.is_empty() {
        let advisories = names::advisory_stream(&topology.name);
        grants.ask("more advisories, for new actors", &format!("STREAM.UPDATE.{advisories}"));
    }
}

/// Pulls messages and settles them; reads the advisories about those that the server has given up.
fn consume(topology: &Topology, grants: &mut Grants) {
    let advisories = names::advisory_stream(&topology.name);
    for plan in ConsumerPlan::all(topology) {
        let stream = &plan.stream;
        grants.ask("consumers of another number of shards", &format!("CONSUMER.LIST.{stream}"));
        grants.ask("the oldest message, and those that were given up", &format!("STREAM.MSG.GET.{stream}"));
    }
    for plan in ConsumerPlan::all(topology) {
        let consumer = format!("{}.{}", plan.stream, plan.name());
        grants.ask("how far a consumer is", &format!("CONSUMER.INFO.{consumer}"));
        grants.ask("consumers that are missing", &format!("CONSUMER.CREATE.{consumer}"));
        grants.ask("messages", &format!("CONSUMER.MSG.NEXT.{consumer}"));
        grants.ask("shards that are handed over", &format!("CONSUMER.UNPIN.{consumer}"));
        grants.publish("what was handled", format!("$JS.ACK.{consumer}.>"));
    }
    for plan in ConsumerPlan::all(topology) {
        let reader = format!("{advisories}.{}", plan.name());
        grants.ask("how far the advisories are read", &format!("CONSUMER.INFO.{reader}"));
        grants.ask("readers of advisories that are missing", &format!("CONSUMER.CREATE.{reader}"));
        grants.ask("advisories", &format!("CONSUMER.MSG.NEXT.{reader}"));
        grants.publish("advisories that were read", format!("$JS.ACK.{reader}.>"));
    }
}

/// Reads and writes the buckets.
fn keep(topology: &Topology, streams: &[(String, usize)], grants: &mut Grants) {
    let name = |suffix: &str| format!("{}-{suffix}", topology.name);
    let (listed, watched) = (["members", "flow", "controls"].map(name), ["flow", "controls"].map(name));
    for (stream, replicas) in streams {
        let Some(bucket) = stream.strip_prefix("KV_") else { continue };
        grants.publish("entries of buckets", format!("$KV.{bucket}.>"));
        if watched.iter().any(|watched| watched == bucket) {
            grants.subscribe("changes of buckets", format!("$KV.{bucket}.>"));
        }
        if listed.iter().any(|listed| listed == bucket) {
            grants.ask("all entries of a bucket", &format!("DIRECT.GET.{stream}"));
        } else if *replicas > 1 {
            grants.ask("single entries of a bucket", &format!("STREAM.MSG.GET.{stream}"));
        } else {
            grants.ask("single entries of a bucket", &format!("DIRECT.GET.{stream}.>"));
        }
    }
}

/// Publishes what handlers emit, what is posted to the ingress, dead letters, and alerts.
fn publish(topology: &Topology, grants: &mut Grants) {
    for emit in topology.actors.values().flat_map(|actor| actor.emits.values()) {
        grants.publish("what handlers emit", emit.filter());
    }
    let routes = topology.ingress.iter().flat_map(|ingress| ingress.routes.values());
    for subject in routes.map(|route| Pattern::filter(&route.subject)) {
        grants.publish("what is posted to the ingress", subject);
    }
    grants.publish("dead letters", names::dead_letter_subjects(&topology.name));
    let kept = names::dead_letter_stream(topology);
    grants.ask("how many dead letters are kept", &format!("DIRECT.GET.{kept}"));
    grants.publish("alerts", format!("tidegate.{}.alerts.>", topology.name));
    grants.subscribe("who taps", names::tap_subject(&topology.name, "*"));
    grants.publish("what is shown to who taps", names::tapped_subject(&topology.name, "*"));
}
