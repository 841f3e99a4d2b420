//! One actor.

use std::collections::BTreeSet;

use super::alerts::{alerts, dead_letter_limits};
use super::bounds::{Bounds, bounds};
use super::emits::emits;
use super::key::key_source;
use super::redelivery::{Redelivery, redelivery};
use super::{ActorDraft, values};
use crate::topology::model::{Actor, Keyless, Order};
use crate::topology::name::PortName;
use crate::topology::report::Report;
use crate::topology::schema::{ActorTable, KeylessWord, Located, OrderWord};

pub(super) fn actor<'f>(
    name: &'f Located<String>,
    table: &'f ActorTable,
    report: &mut Report,
) -> ActorDraft<'f> {
    let consequence = "it would consume every message of its stream: to the server, no filter means all";
    let subjects =
        values::patterns(table.subjects.as_ref(), &format!("actor `{}`", name.value), consequence, report);
    let emits = emits(table, report);
    let ports: Vec<Option<PortName>> =
        table.emits.keys().map(|port| values::name(port, "a port", report)).collect();
    let mut draft = ActorDraft { name, table, subjects, emits, model: None };
    let model = model(&draft, report);
    draft.model = model.filter(|_| ports.iter().all(Option::is_some));
    draft
}

fn model(draft: &ActorDraft<'_>, report: &mut Report) -> Option<Actor> {
    let table = draft.table;
    let order = match table.order.as_ref().map(|order| order.value) {
        Some(OrderWord::None) => Order::None,
        Some(OrderWord::Entity) | None => Order::Entity,
    };
    let Bounds { partitions, mailbox, concurrency, window } = bounds(table, report);
    let Redelivery { max_deliver, handovers, backoff, timeout, ack_wait, restarts } =
        redelivery(table, order, report);
    let settings = settings(table);
    let alerts = alerts(table, timeout, &backoff, report);
    let dead_letter_limits = dead_letter_limits(table.dead_letter_limits.as_ref());
    let name = values::name(draft.name, "an actor", report);
    let key = key_source(draft, order, report)?;
    Some(Actor {
        name: name?,
        // An unknown reference is reported where streams and handlers are known.
        handler: table.handler.as_ref()?.value.parse().ok()?,
        stream: table.stream.as_ref()?.value.parse().ok()?,
        subjects: draft.subjects.iter().flatten().map(|subject| subject.value.clone()).collect(),
        // Its stream tells, once all are known.
        shards: 1,
        key,
        keyless: keyless(table, order),
        order,
        emits: draft
            .emits
            .iter()
            .map(|emit| Some((emit.port.value.parse().ok()?, emit.subject.value.clone())))
            .collect::<Option<_>>()?,
        // All streams and actors together tell, too.
        outputs: BTreeSet::new(),
        gates: BTreeSet::new(),
        partitions,
        mailbox,
        concurrency,
        window,
        max_deliver,
        handovers,
        backoff,
        timeout,
        ack_wait,
        restarts,
        settings,
        alerts,
        dead_letter_limits,
    })
}

/// Without order a key is a convenience, so a message does not fail for lack of one.
fn keyless(table: &ActorTable, order: Order) -> Keyless {
    match (table.keyless.as_ref().map(|keyless| keyless.value), order) {
        (Some(KeylessWord::OwnLane), _) | (None, Order::None) => Keyless::OwnLane,
        (Some(KeylessWord::DeadLetter), _) | (None, Order::Entity) => Keyless::DeadLetter,
    }
}

fn settings(table: &ActorTable) -> serde_json::Value {
    let settings = table.settings.as_ref().map(|settings| toml::Value::Table(settings.value.0.clone()));
    settings.map_or_else(|| serde_json::Value::Object(serde_json::Map::new()), json)
}

/// TOML as JSON: dates become texts, and numbers that JSON does not have become null.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}
