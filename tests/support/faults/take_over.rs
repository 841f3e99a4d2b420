//! How long the shards of an instance stood still after it was told to end, was killed or was frozen.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::shard_of;
use super::{Event, Evidence, FaultKind, Line, Moment};

/// A shard that went to another instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeOver {
    /// What was done to its owner: the place of the fault in the evidence.
    pub fault: usize,
    /// The shard.
    pub shard: u32,
    /// From the fault's start to the first attempt in another process; `None` when there was none before the next fault.
    pub after: Option<Duration>,
}

/// Every shard that a victim worked on last when its fault came, in the order of the faults.
pub fn take_overs(evidence: &Evidence) -> Vec<TakeOver> {
    let shards = evidence.bounds.shards;
    let mut starts: BTreeMap<u32, Vec<&Line>> = BTreeMap::new();
    for line in evidence.history.iter().filter(|line| line.event == Event::Start) {
        starts.entry(shard_of(&line.entity, shards)).or_default().push(line);
    }
    let mut found = Vec::new();
    for (place, fault) in evidence.faults.iter().enumerate() {
        let (FaultKind::Kill { pid } | FaultKind::Freeze { pid } | FaultKind::Terminate { pid, .. }) =
            fault.kind
        else {
            continue;
        };
        let until = evidence.faults.get(place + 1).map_or(Moment::NEVER, |next| next.start);
        for (&shard, lines) in &starts {
            let (before, later) = lines.split_at(lines.partition_point(|line| line.at < fault.start));
            if before.last().is_some_and(|last| last.pid == pid) {
                let first = later.iter().find(|line| line.pid != pid && line.at < until);
                let after = first.map(|line| line.at.since(fault.start));
                found.push(TakeOver { fault: place, shard, after });
            }
        }
    }
    found
}

#[test]
fn the_first_attempt_elsewhere_ends_a_take_over() {
    let line = |millis: u64, pid: u32| Line {
        event: Event::Start,
        id: millis,
        entity: "e".to_owned(),
        sequence: millis,
        attempt: 1,
        pid,
        at: Moment(millis * 1_000_000),
    };
    let kill = |millis: u64, pid: u32| super::Fault {
        kind: FaultKind::Kill { pid },
        start: Moment(millis * 1_000_000),
        end: Moment(millis * 1_000_000),
    };
    let evidence = Evidence {
        history: vec![line(1, 7), line(3, 7), line(9, 8), line(12, 8)],
        faults: vec![kill(2, 7), kill(4, 9), kill(10, 8)],
        ..Evidence::default()
    };

    let found: Vec<_> = take_overs(&evidence).into_iter().map(|it| (it.fault, it.after)).collect();

    assert_eq!(found, [(0, None), (2, None)]);
    let calm = Evidence { faults: vec![kill(2, 7)], ..evidence };
    assert_eq!(take_overs(&calm)[0].after, Some(Duration::from_millis(7)));
}
