//! Which streams an actor emits into, and which of them may make it wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::topology::model::{Actor, Stream};
use crate::topology::name::{ActorName, StreamName};

/// Which streams the messages of a stream go to.
type Ways = BTreeMap<StreamName, BTreeSet<StreamName>>;

/// Fills in [`Actor::outputs`] and [`Actor::gates`].
///
/// An actor waits for an output until the actors that read it have done enough; each of them may wait for its own
/// outputs. Without the outputs that lead back, that is an order without circles: whoever waits is waited for only by
/// those before it, and the last one in the order waits for nobody.
pub(super) fn connect(streams: &BTreeMap<StreamName, Stream>, actors: &mut BTreeMap<ActorName, Actor>) {
    let mut ways = Ways::new();
    for actor in actors.values_mut() {
        let captures = |stream: &&Stream| {
            actor.emits.values().any(|emit| stream.subjects.iter().any(|subject| subject.captures(emit)))
        };
        actor.outputs = streams.values().filter(captures).map(|stream| stream.name.clone()).collect();
        ways.entry(actor.stream.clone()).or_default().extend(actor.outputs.iter().cloned());
    }
    for actor in actors.values_mut() {
        let outputs = actor.outputs.iter().filter(|output| !leads_to(&ways, output, &actor.stream));
        actor.gates = outputs.cloned().collect();
    }
}

/// Whether messages can get from one stream into another, or are there already.
fn leads_to(ways: &Ways, from: &StreamName, to: &StreamName) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(stream) = open.pop() {
        if stream == to {
            return true;
        }
        open.extend(ways.get(stream).into_iter().flatten().filter(|next| seen.insert(next)));
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::topology::{StreamName, Topology, parse};

    /// A topology of actors `from>to,to`, each named after its streams.
    fn topology(actors: &[(&str, &[&str])]) -> Topology {
        let mut text = vec!["name = \"t\"\n[handlers]\nh = \"1\"".to_owned()];
        for name in ["a", "b", "c", "d", "e"] {
            text.push(format!("[streams.{name}]\nsubjects = [\"{name}.{{id}}\"]\nmax_messages = 100000"));
        }
        for (from, outputs) in actors {
            let emits: Vec<String> = outputs.iter().map(|to| format!("{to} = \"{to}.{{id}}\"")).collect();
            text.push(format!("[actors.of-{from}]\nhandler = \"h\"\nstream = \"{from}\""));
            text.push(format!("subjects = [\"{from}.{{id}}\"]\nemits = {{ {} }}", emits.join(", ")));
        }
        parse("topology.toml", &text.join("\n"), &|_| None).expect("a valid topology").topology
    }

    fn names(streams: &std::collections::BTreeSet<StreamName>) -> Vec<&str> {
        streams.iter().map(StreamName::as_str).collect()
    }

    #[test]
    fn every_output_of_a_chain_is_a_gate() {
        let topology = topology(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &["e"])]);

        let gates = |actor: &str| names(&topology.actors[actor].gates);
        assert_eq!(gates("of-a"), ["b", "c"]);
        assert_eq!(gates("of-b"), ["d"]);
        assert_eq!(gates("of-d"), ["e"]);
    }

    #[test]
    fn an_output_that_leads_back_is_no_gate() {
        let topology = topology(&[("a", &["b", "e"]), ("b", &["c"]), ("c", &["a", "d"]), ("d", &[])]);

        let (outputs, gates) = (
            |actor: &str| names(&topology.actors[actor].outputs),
            |actor: &str| names(&topology.actors[actor].gates),
        );
        assert_eq!((outputs("of-a"), gates("of-a")), (vec!["b", "e"], vec!["e"]));
        assert!(gates("of-b").is_empty());
        assert_eq!((outputs("of-c"), gates("of-c")), (vec!["a", "d"], vec!["d"]));
    }
}
