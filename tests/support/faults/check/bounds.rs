//! I11: no process holds more than it may, at any sample, and what it holds does not grow.

use std::collections::BTreeMap;

use super::case::Case;
use super::{Invariant, Violation, violation};
use crate::faults::Sample;

/// So few samples tell nothing about growth.
const FEW: usize = 40;

/// I11: the worst sample of each process and shard.
pub(super) fn bounds(case: &Case<'_>) -> Vec<Violation> {
    let bounds = &case.evidence.bounds;
    let mut processes: BTreeMap<u32, Vec<&Sample>> = BTreeMap::new();
    for sample in &case.evidence.samples {
        processes.entry(sample.pid).or_default().push(sample);
    }
    let mut violations = Vec::new();
    let mut judge = |what: &str, most: u64, bound: u64| {
        if most > bound {
            violations.push(violation(Invariant::Bounds, format!("{what}: {most}, the bound is {bound}")));
        }
    };
    for (pid, samples) in processes {
        let most = |of: fn(&Sample) -> u64| samples.iter().map(|sample| of(sample)).max().unwrap_or(0);
        judge(&format!("memory of process {pid}"), most(|sample| sample.memory), bounds.memory);
        judge(
            &format!("descriptors of process {pid}"),
            most(|sample| sample.descriptors),
            bounds.descriptors,
        );
        judge(&format!("threads of process {pid}"), most(|sample| sample.threads), bounds.threads);
        if samples.len() >= FEW {
            let quarter = samples.len() / 4;
            let growth =
                median(&samples[3 * quarter..]).saturating_sub(median(&samples[quarter..2 * quarter]));
            judge(&format!("growth of process {pid}"), growth, bounds.growth);
        }
    }
    let mut shards: BTreeMap<u32, u64> = BTreeMap::new();
    for (_, shard, in_flight) in &case.evidence.in_flight {
        let most = shards.entry(*shard).or_default();
        *most = (*most).max(*in_flight);
    }
    for (shard, most) in shards {
        judge(&format!("messages in flight in shard {shard}"), most, bounds.window);
    }
    violations
}

fn median(samples: &[&Sample]) -> u64 {
    let mut memory: Vec<u64> = samples.iter().map(|sample| sample.memory).collect();
    memory.sort_unstable();
    memory.get(memory.len() / 2).copied().unwrap_or(0)
}
