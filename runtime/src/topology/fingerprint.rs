//! What instances that share the work must agree upon, as short texts that can be compared.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use tidegate::subject::Pattern;

use super::model::{Actor, KeySource, Keyless, Order, Stream, Topology};
use crate::message::partition::hash_key;

/// What instances must agree upon: an instance with another one would break the order of entities or lose work.
///
/// Two of them differ in the sections in which their topologies do. How long attempts take and wait, how much is in
/// flight, marks of flows, settings of handlers, alerts and limits of dead letters may differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint {
    /// A hash of each section, such as `actors.payments`.
    sections: BTreeMap<String, String>,
}

impl Fingerprint {
    /// The fingerprint of a topology.
    pub fn of(topology: &Topology) -> Self {
        let dead_letters = format!("stream={}\n", topology.dead_letter_stream());
        let whole = format!("name={}\nfailover={:?}\n", topology.name, topology.failover);
        let streams = topology.streams.values().map(|item| (format!("streams.{}", item.name), stream(item)));
        let actors = topology.actors.values().map(|item| (format!("actors.{}", item.name), actor(item)));
        let rest = [("dead_letters".to_owned(), dead_letters), ("topology".to_owned(), whole)];
        let sections = streams.chain(actors).chain(rest);
        Self { sections: sections.map(|(name, text)| (name, hash(&text))).collect() }
    }

    /// A hash of each section, such as `actors.payments`.
    pub fn sections(&self) -> &BTreeMap<String, String> {
        &self.sections
    }
}

impl fmt::Display for Fingerprint {
    /// One hash of all sections.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections: Vec<String> =
            self.sections.iter().map(|(name, hash)| format!("{name}={hash}\n")).collect();
        f.write_str(&hash(&sections.concat()))
    }
}

fn stream(stream: &Stream) -> String {
    format!("subjects={}\nshards={}\n", sorted(stream.subjects.iter().map(Pattern::filter)), stream.shards)
}

fn actor(actor: &Actor) -> String {
    let key = match &actor.key {
        KeySource::Token(token) => format!("token {token}"),
        KeySource::Header(header) => format!("header {header}"),
        KeySource::Json(pointer) => format!("json {pointer}"),
    };
    let keyless = match actor.keyless {
        Keyless::OwnLane => "own-lane",
        Keyless::DeadLetter => "dead-letter",
    };
    let order = match actor.order {
        Order::Entity => "entity",
        Order::None => "none",
    };
    let subjects = sorted(actor.subjects.iter().map(ToString::to_string));
    let mut text = format!(
        "handler={}\nstream={}\nsubjects={subjects}\nkey={key}\nkeyless={keyless}\norder={order}\n",
        actor.handler, actor.stream
    );
    write!(text, "partitions={}\nmax_deliver={}\n", actor.partitions, actor.max_deliver)
        .expect("a string takes all that is written to it");
    for (port, subject) in &actor.emits {
        writeln!(text, "emits.{port}={subject}").expect("a string takes all that is written to it");
    }
    text
}

/// The order in which subjects are written means nothing.
fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts.join(" ")
}

fn hash(text: &str) -> String {
    format!("{:08x}", hash_key(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::parse;

    const SHOP: &str = r#"
        name = "shop"
        [handlers]
        payments = "1"
        refunds = "1"
        [streams.ORDERS]
        subjects = ["orders.{order}.*", "returns.{order}.*"]
        shards = 4
        max_bytes = "1GiB"
        [streams.PAYMENTS]
        subjects = ["payments.{order}.*"]
        max_bytes = "1GiB"
        [actors.payments]
        handler = "payments"
        stream = "ORDERS"
        subjects = ["orders.{order}.placed"]
        emits = { authorized = "payments.{order}.authorized" }
        max_deliver = 3
        timeout = "5s"
        [dead_letters]
        max_bytes = "1GiB"
        "#;

    /// In which sections the shop differs from one in which `old` is replaced by `new`.
    fn differences(old: &str, new: &str) -> Vec<String> {
        let fingerprint = |text: &str| {
            let checked = parse("topology.toml", text, &|_| None);
            Fingerprint::of(&checked.expect("the topology is valid").topology)
        };
        assert!(SHOP.contains(old), "the shop has no `{old}`");
        let (ours, theirs) = (fingerprint(SHOP), fingerprint(&SHOP.replace(old, new)));
        let names = ours
            .sections
            .keys()
            .chain(theirs.sections.keys().filter(|name| !ours.sections.contains_key(*name)));
        let differences: Vec<String> =
            names.filter(|name| ours.sections.get(*name) != theirs.sections.get(*name)).cloned().collect();
        assert_eq!(ours.to_string() == theirs.to_string(), differences.is_empty());
        differences
    }

    #[test]
    fn it_names_the_section_that_would_break_order_or_lose_work() {
        for (old, new, section) in [
            ("shards = 4", "shards = 8", "streams.ORDERS"),
            (", \"returns.{order}.*\"", "", "streams.ORDERS"),
            ("orders.{order}.placed", "orders.{order}.paid", "actors.payments"),
            ("handler = \"payments\"", "handler = \"refunds\"", "actors.payments"),
            ("{order}.authorized", "{order}.done", "actors.payments"),
            ("timeout = \"5s\"", "order = \"none\"", "actors.payments"),
            ("timeout = \"5s\"", "partitions = 8", "actors.payments"),
            ("timeout = \"5s\"", "keyless = \"own-lane\"", "actors.payments"),
            ("max_deliver = 3", "max_deliver = 4", "actors.payments"),
            ("[dead_letters]", "[dead_letters]\nstream = \"GRAVES\"", "dead_letters"),
            ("[handlers]", "failover = \"3s\"\n[handlers]", "topology"),
        ] {
            assert_eq!(differences(old, new), [section], "`{old}` became `{new}`");
        }
    }

    #[test]
    fn an_actor_that_only_one_has_is_a_difference() {
        assert_eq!(differences("[actors.payments]", "[actors.pay]"), ["actors.payments", "actors.pay"]);
    }

    #[test]
    fn what_concerns_one_instance_alone_does_not_matter() {
        for (old, new) in [
            ("timeout = \"5s\"", "timeout = \"6s\"\nbackoff = [\"1s\"]\nmailbox = 2\nconcurrency = 2"),
            ("shards = 4", "shards = 4\nflow = { high = { lag = \"1s\" } }"),
            ("timeout = \"5s\"", "settings = { gateway = \"b\" }\nalerts = { lag = \"1s\" }"),
            ("[handlers]", "memory = \"64MiB\"\ndrain_timeout = \"9s\"\n[handlers]"),
            ("[handlers]", "[admin]\nlisten = \"127.0.0.1:9464\"\n[handlers]"),
            ("\"orders.{order}.*\", \"returns.{order}.*\"", "\"returns.{order}.*\", \"orders.{order}.*\""),
        ] {
            assert!(differences(old, new).is_empty(), "`{old}` became `{new}`");
        }
    }
}
