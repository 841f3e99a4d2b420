//! Gives the file its meaning: names, subjects, bounds, and how the parts fit together.

mod actor;
mod admin;
mod alerts;
mod bounds;
mod dead_letters;
mod emits;
mod flow;
mod ingress;
mod key;
mod nats;
mod outputs;
mod redelivery;
mod references;
mod retention;
mod shards;
mod stream;
mod subjects;
mod values;

use std::collections::BTreeMap;

use tidegate::subject::Pattern;

use super::model::{Actor, DeadLetters, Server, Stream, Topology};
use super::name::{ActorName, HandlerName, StreamName, TopologyName};
use super::report::Report;
use super::rule::Rule;
use super::schema::{ActorTable, File, Located, StreamTable};

/// A stream of the file, with its model unless something in it is broken.
#[derive(Debug)]
struct StreamDraft<'f> {
    name: &'f Located<String>,
    table: &'f StreamTable,
    /// `None` when they are broken, so that nothing can be said about what they capture.
    subjects: Option<Vec<Located<Pattern>>>,
    model: Option<Stream>,
}

/// An actor of the file, with its model unless something in it is broken.
#[derive(Debug)]
struct ActorDraft<'f> {
    name: &'f Located<String>,
    table: &'f ActorTable,
    /// `None` when they are broken.
    subjects: Option<Vec<Located<Pattern>>>,
    emits: Vec<EmitDraft<'f>>,
    model: Option<Actor>,
}

/// A port and the subject it publishes to.
#[derive(Debug)]
struct EmitDraft<'f> {
    port: &'f Located<String>,
    subject: Located<Pattern>,
}

/// The topology, unless the report has errors.
pub(super) fn validate(file: &File, report: &mut Report) -> Option<Topology> {
    let name: Option<TopologyName> =
        file.name.as_ref().and_then(|name| values::name(name, "a topology", report));
    let nats = nats::nats(file.nats.as_ref(), report);
    let admin = admin::admin(file.admin.as_ref(), report);
    let handlers = handlers(file, report);
    let streams: Vec<StreamDraft<'_>> =
        file.streams.iter().map(|(name, table)| stream::stream(name, table, &nats.server, report)).collect();
    let actors: Vec<ActorDraft<'_>> =
        file.actors.iter().map(|(name, table)| actor::actor(name, table, report)).collect();
    let dead_letters = file
        .dead_letters
        .as_ref()
        .map_or_else(DeadLetters::default, |table| dead_letters::dead_letters(table, &nats.server, report));

    references::check(file, &actors, report);
    subjects::check(&streams, &actors, report);
    emits::check(&streams, &actors, report);
    shards::check(&streams, &actors, report);
    retention::check(&streams, &actors, report);
    dead_letters::check(file, name.as_ref(), &streams, &actors, report);
    bounds::check_memory(file, &streams, &actors, report);
    redelivery::check_drain(file, report);
    let ingress = file.ingress.as_ref().map(|table| ingress::ingress(table, &streams, report));
    let failover = redelivery::failover(file, &actors, report);
    warn_of_single_replicas(&streams, &nats.server, report);

    if report.has_errors() {
        return None;
    }
    references::warn_of_what_is_unused(file, &streams, &actors, report);
    let streams: BTreeMap<StreamName, Stream> = streams
        .into_iter()
        .filter_map(|draft| draft.model)
        .map(|stream| (stream.name.clone(), stream))
        .collect();
    let shards = |actor: &Actor| streams.get(&actor.stream).map_or(1, |stream| stream.shards);
    let actors = actors.into_iter().filter_map(|draft| draft.model);
    let mut actors: BTreeMap<ActorName, Actor> =
        actors.map(|actor| (actor.name.clone(), Actor { shards: shards(&actor), ..actor })).collect();
    outputs::connect(&streams, &mut actors);
    flow::warn_of_cycles(file, &streams, &actors, report);
    Some(Topology {
        name: name?,
        nats,
        admin,
        memory: file.memory.as_ref().map_or(Topology::MEMORY, |memory| memory.value.0),
        drain_timeout: file.drain_timeout.as_ref().map_or(Topology::DRAIN_TIMEOUT, |timeout| timeout.value.0),
        failover,
        handlers,
        actors,
        streams,
        dead_letters,
        ingress: ingress.flatten(),
    })
}

fn handlers(file: &File, report: &mut Report) -> BTreeMap<HandlerName, toml::Value> {
    let named =
        file.handlers.iter().map(|(name, dependency)| (values::name(name, "a handler", report), dependency));
    named.filter_map(|(name, dependency)| Some((name?, dependency.0.clone()))).collect()
}

/// One warning for all of them: it is one decision.
fn warn_of_single_replicas(streams: &[StreamDraft<'_>], server: &Server, report: &mut Report) {
    if *server == Server::Embedded {
        return;
    }
    let single = |stream: &&StreamDraft<'_>| stream.has_single_replica() && stream.is_complete(report);
    let single: Vec<&StreamDraft<'_>> = streams.iter().filter(single).collect();
    let Some((first, rest)) = single.split_first() else {
        return;
    };
    let message = match rest.len() {
        0 => format!("stream `{}` has one replica", first.name.value),
        others => format!("stream `{}` and {others} more have one replica", first.name.value),
    };
    let finding = report.add(Rule::SingleReplica, first.replicas_span(), message);
    finding
        .consequence("while its server is down they stand still, and a power cut can lose messages that were acknowledged")
        .cure("write `replicas = 3` for production; on a single development server one replica is right");
    for other in rest {
        finding.related(other.replicas_span(), "this one, too");
    }
}
