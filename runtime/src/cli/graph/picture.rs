//! What there is to draw of a topology: nodes, and the ways of messages between them. Pure.

use tidegate::subject::Pattern;

use crate::topology::{Actor, KeySource, Order, Origin, Stream, StreamName, Topology};

/// A topology as nodes and edges.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// The topology's name.
    pub(super) title: String,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// Something that messages are in.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Its name, then what else there is to say, a line each.
    pub(super) lines: Vec<String>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ingress,
    Stream,
    /// A stream that somebody else owns.
    External,
    Actor,
    /// The stream of the dead letters.
    DeadLetters,
}

/// The way of messages from one node to another; there is at most one from each to each.
#[derive(Debug)]
pub(super) struct Edge {
    /// The indices of its nodes.
    pub(super) from: usize,
    pub(super) to: usize,
    /// What goes that way, a line each.
    pub(super) label: Vec<String>,
    /// Whether only what cannot be handled goes that way.
    pub(super) is_dead: bool,
}

impl Kind {
    /// Its name in pictures.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Stream => "stream",
            Self::External => "external",
            Self::Actor => "actor",
            Self::DeadLetters => "dead",
        }
    }
}

impl Picture {
    /// The picture of a topology: the ingress, streams, actors, and where dead letters go.
    pub(super) fn of(topology: &Topology) -> Self {
        let mut picture = Self { title: topology.name.to_string(), ..Self::default() };
        let door = topology.ingress.as_ref().map(|ingress| {
            picture.add(Kind::Ingress, vec!["HTTP ingress".to_owned(), ingress.listen.to_string()])
        });
        let letters = topology.dead_letter_stream();
        let streams: Vec<(&Stream, usize)> = topology
            .streams
            .values()
            .map(|stream| (stream, picture.add(kind(stream, &letters), of_stream(stream))))
            .collect();
        for route in topology.ingress.iter().flat_map(|ingress| ingress.routes.values()) {
            for to in capturing(&streams, &route.subject) {
                picture.connect(door.unwrap_or_default(), to, route.path.to_string());
            }
        }
        let mut actors = Vec::new();
        for actor in topology.actors.values() {
            let this = picture.add(Kind::Actor, of_actor(actor));
            actors.push(this);
            for (_, from) in streams.iter().filter(|(stream, _)| stream.name == actor.stream) {
                actor.subjects.iter().for_each(|subject| picture.connect(*from, this, subject.to_string()));
            }
            for (port, subject) in &actor.emits {
                for to in capturing(&streams, subject) {
                    picture.connect(this, to, port.to_string());
                }
            }
        }
        picture.add_dead_letters(&streams, &actors, &letters);
        picture
    }

    fn add_dead_letters(&mut self, streams: &[(&Stream, usize)], actors: &[usize], letters: &StreamName) {
        if actors.is_empty() {
            return;
        }
        let declared = streams.iter().find(|(stream, _)| stream.name == *letters).map(|(_, node)| *node);
        let to = declared.unwrap_or_else(|| {
            self.add(Kind::DeadLetters, vec![letters.to_string(), "dead letters".to_owned()])
        });
        for &from in actors {
            if !self.edges.iter().any(|edge| (edge.from, edge.to) == (from, to)) {
                self.edges.push(Edge { from, to, label: Vec::new(), is_dead: true });
            }
        }
    }

    fn add(&mut self, kind: Kind, lines: Vec<String>) -> usize {
        self.nodes.push(Node { kind, lines });
        self.nodes.len() - 1
    }

    fn connect(&mut self, from: usize, to: usize, line: String) {
        match self.edges.iter_mut().find(|edge| (edge.from, edge.to) == (from, to)) {
            Some(edge) => edge.label.push(line),
            None => self.edges.push(Edge { from, to, label: vec![line], is_dead: false }),
        }
    }
}

fn kind(stream: &Stream, letters: &StreamName) -> Kind {
    match stream.origin {
        _ if stream.name == *letters => Kind::DeadLetters,
        Origin::Declared => Kind::Stream,
        Origin::External => Kind::External,
    }
}

/// The nodes of the streams that take `subject`.
fn capturing(streams: &[(&Stream, usize)], subject: &Pattern) -> Vec<usize> {
    let captures = |stream: &Stream| stream.subjects.iter().any(|own| own.captures(subject));
    streams.iter().filter(|(stream, _)| captures(stream)).map(|(_, node)| *node).collect()
}

fn of_stream(stream: &Stream) -> Vec<String> {
    let mut lines = vec![stream.name.to_string()];
    lines.extend(stream.subjects.iter().map(ToString::to_string));
    if stream.shards > 1 {
        lines.push(format!("{} shards", stream.shards));
    }
    if stream.origin == Origin::External {
        lines.push("external".to_owned());
    }
    lines
}

fn of_actor(actor: &Actor) -> Vec<String> {
    let mut lines = vec![actor.name.to_string()];
    if actor.handler.as_str() != actor.name.as_str() {
        lines.push(format!("handler {}", actor.handler));
    }
    lines.push(match (&actor.key, actor.order) {
        (_, Order::None) => "in no order".to_owned(),
        (KeySource::Token(token), Order::Entity) => format!("in order by {{{token}}}"),
        (KeySource::Header(header), Order::Entity) => format!("in order by header {header}"),
        (KeySource::Json(pointer), Order::Entity) => format!("in order by {pointer}"),
    });
    lines
}
