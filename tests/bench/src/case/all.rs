//! The cases and their targets.

use super::{Case, Entry, Player, Shape, Watched};
use crate::job::Manner;
use crate::load::{Load, Spread};
use crate::measure::Measure;
use crate::target::{Bound, Target};

/// As many messages in flight as by default.
const WINDOW: &str = "window = 4096";

/// All cases; `messages` replaces what each of them says.
pub(crate) fn all(messages: Option<u64>) -> Vec<Case> {
    let load = |usual: u64| Load::of(messages.unwrap_or(usual));
    let cases = vec![
        consume("consume", "consume only, 10,000 entities, 16 partitions, no collector", load(300_000)),
        consume(
            "consume-zipf",
            "the same, a few entities very often",
            Load { spread: Spread::Zipf, ..load(300_000) },
        ),
        peer(load(300_000)),
        emit(load(100_000)),
        state(load(100_000)),
        partitions(load(300_000)),
        entities(load(300_000)),
        payload(&load),
        traces(load(300_000)),
        watched(load(600_000)),
        poison(load(1_000_000)),
        wait(load(300_000)),
        latency(load(50_000)),
        backlog(load(5_000_000)),
        idle(load(0)),
    ];
    cases.into_iter().filter(|case| case.is_possible).collect()
}

fn consume(name: &'static str, about: &'static str, load: Load) -> Case {
    let entries =
        vec![Entry::tidegate("tidegate", "sum", load), Entry::by_hand("loop", Manner::Consume, load)];
    let targets = vec![
        Target::rate("tidegate", 0.95, "loop"),
        Target::beside("tidegate", Measure::ClientMicros, Bound::AtMost(1.6), "loop"),
    ];
    Case::new(name, about, entries, targets)
}

/// The same as consuming, but for a header in every message: that is where the peer looks for the key.
fn peer(load: Load) -> Case {
    let load = Load { has_key: true, ..load };
    let entries = vec![
        Entry::tidegate("tidegate", "sum", load).beside("peer"),
        Entry::new("peer", Player::Peer, load).beside("peer"),
    ];
    let targets = vec![Target::rate("tidegate", 1.2, "peer")];
    let about = "consume only, beside ruststream 0.7.7 on NATS with workers by key";
    Case::new("peer", about, entries, targets).only_if(cfg!(feature = "peer"))
}

fn emit(load: Load) -> Case {
    let entries = vec![
        Entry::tidegate("tidegate", "emit", load),
        Entry::by_hand("loop", Manner::EmitPipelined, load),
        Entry::by_hand("loop, no ids", Manner::EmitWithoutId, load),
        Entry::by_hand("loop, one by one", Manner::EmitOneByOne, load),
    ];
    let targets =
        vec![Target::rate("tidegate", 0.95, "loop"), Target::rate("tidegate", 4.0, "loop, one by one")];
    Case::new("emit", "one emit per message, its PubAck before the ack", entries, targets)
}

fn state(load: Load) -> Case {
    let entries = vec![
        Entry::tidegate("emit", "emit", load).beside("emit"),
        Entry::tidegate("state", "state", load).beside("emit"),
    ];
    let targets = vec![Target::rate("state", 0.6, "emit")];
    Case::new("state", "state per entity, beside one emit per message", entries, targets)
}

/// The same window for all: what is compared is how many partitions share it.
fn partitions(load: Load) -> Case {
    let entry = |partitions: u32| {
        let keys = format!("partitions = {partitions}\n{WINDOW}");
        let shape = Shape { handler: "sum", keys, ..Shape::default() };
        Entry::shaped(format!("{partitions} partitions"), shape, load).beside("16 partitions")
    };
    alike("partitions", "1 to 64 partitions, a window of 4,096", [1, 4, 16, 64].map(entry).to_vec())
}

fn entities(load: Load) -> Case {
    let entry = |entities: u32| {
        let load = Load { entities, ..load };
        Entry::tidegate(format!("{entities} entities"), "sum", load).beside("10000 entities")
    };
    alike("entities", "100 to 100,000 entities", [100, 10_000, 100_000].map(entry).to_vec())
}

fn alike(name: &'static str, about: &'static str, entries: Vec<Entry>) -> Case {
    let labels: Vec<String> = entries.iter().map(|entry| entry.label.clone()).collect();
    Case::new(name, about, entries, Target::all_alike(&labels))
}

fn payload(load: &impl Fn(u64) -> Load) -> Case {
    let pair = |(size, messages): (usize, u64)| {
        let load = Load { size, ..load(messages) };
        let other = format!("loop {size} B");
        [
            Entry::tidegate(format!("tidegate {size} B"), "sum", load).beside(&other),
            Entry::by_hand(&other, Manner::Consume, load).beside(&other),
        ]
    };
    let sizes = [(128, 300_000), (1_024, 200_000), (16_384, 30_000)];
    Case::new("payload", "128 B, 1 KiB, 16 KiB", sizes.into_iter().flat_map(pair).collect(), Vec::new())
}

fn traces(load: Load) -> Case {
    let entry = |label: &str, traced: Option<f64>| {
        let shape = Shape { handler: "sum", traced, ..Shape::default() };
        Entry::shaped(label, shape, load).beside("off")
    };
    let entries = vec![entry("off", None), entry("1 %", Some(0.01)), entry("100 %", Some(1.0))];
    let targets = vec![Target::rate("1 %", 0.97, "off"), Target::rate("100 %", 0.85, "off")];
    Case::new("traces", "1 % and 100 % of the messages traced, a collector beside", entries, targets)
}

fn watched(load: Load) -> Case {
    let entry = |label: &str, watched: Watched| {
        let shape = Shape { handler: "sum", watched, ..Shape::default() };
        Entry::shaped(label, shape, load).beside("nobody")
    };
    let entries = vec![
        entry("nobody", Watched::Nobody),
        entry("metrics", Watched::Metrics),
        entry("metrics, tap", Watched::Tap),
    ];
    let targets = vec![Target::rate("metrics", 0.97, "nobody"), Target::rate("metrics, tap", 0.97, "nobody")];
    Case::new("watched", "metrics, and a tap of one message in a hundred, beside neither", entries, targets)
}

fn poison(load: Load) -> Case {
    let entry = |label: &str, every: u64| {
        // The limits are off, so that a streak of failures does not pause the actor.
        let keys =
            "max_deliver = 3\nbackoff = [\"100ms\"]\ndead_letter_limits = { consecutive = 0, ratio = 0.0 }";
        let shape = Shape { handler: "fail", keys: keys.to_owned(), ..Shape::default() };
        Entry::shaped(label, shape, load).beside("none fails").failing(every)
    };
    let entries = vec![entry("none fails", 0), entry("1 % fail", 100)];
    let targets = vec![Target::rate("1 % fail", 0.9, "none fails")];
    Case::new("poison", "1 % fail all their 3 tries, 100 ms apart: the rate of the others", entries, targets)
}

fn wait(load: Load) -> Case {
    let entries = vec![
        Entry::tidegate("tidegate", "wait", load).taking(5),
        Entry::by_hand("loop", Manner::Wait, load).taking(5),
    ];
    // 16 partitions with 32 slots each, and 5 ms: 102,400 a second.
    let targets = vec![Target::absolute("tidegate", Measure::Rate, Bound::AtLeast(0.9 * 102_400.0))];
    Case::new("wait", "a handler that waits 5 ms, 16 partitions × 32 slots", entries, targets)
}

fn latency(load: Load) -> Case {
    let load = Load { rate: Some(5_000), ..load };
    let entries =
        vec![Entry::tidegate("tidegate", "sum", load), Entry::by_hand("loop", Manner::Consume, load)];
    let targets = vec![Target::beside("tidegate", Measure::P99Millis, Bound::AtMost(1.3), "loop")];
    Case::new("latency", "5,000 messages a second, from publishing to handled", entries, targets)
}

fn backlog(load: Load) -> Case {
    let entries = vec![Entry::tidegate("tidegate", "sum", load)];
    let targets = vec![
        Target::absolute("tidegate", Measure::PeakMib, Bound::AtMost(96.0)),
        Target::absolute("tidegate", Measure::GrowthMib, Bound::AtMost(1.0)),
        Target::absolute("tidegate", Measure::FirstMillis, Bound::AtMost(1_000.0)),
    ];
    Case::new("backlog", "5 million messages are there before", entries, targets).at_most(2)
}

fn idle(load: Load) -> Case {
    let shape = Shape { handler: "sum", idle_actors: 20, ..Shape::default() };
    let load = Load { messages: 0, ..load };
    let targets = vec![
        Target::absolute("tidegate", Measure::CorePercent, Bound::AtMost(1.0)),
        Target::absolute("tidegate", Measure::PeakMib, Bound::AtMost(64.0)),
    ];
    let entries = vec![Entry::shaped("tidegate", shape, load)];
    Case::new("idle", "20 actors × 16 partitions with nothing to do, for a minute", entries, targets)
        .at_most(1)
}

#[test]
fn every_target_is_about_entries_of_its_case() {
    use crate::measure::Run;
    use std::collections::BTreeSet;

    for case in all(None) {
        let labels: BTreeSet<&str> = case.entries.iter().map(|entry| entry.label.as_str()).collect();
        assert_eq!(labels.len(), case.entries.len(), "two entries of `{}` have one label", case.name);
        let measures = [
            Measure::Rate,
            Measure::ClientMicros,
            Measure::PeakMib,
            Measure::GrowthMib,
            Measure::FirstMillis,
            Measure::P99Millis,
            Measure::CorePercent,
        ];
        let run: Run = measures.into_iter().map(|measure| (measure, 1.0)).collect();
        let entries: Vec<_> =
            case.entries.iter().map(|entry| (entry.label.clone(), vec![run.clone()])).collect();
        for target in &case.targets {
            assert!(target.judge(&entries).is_some(), "`{}`: {target:?}", case.name);
        }
    }
}
