//! A sequence of faults, drawn from a seed: the same seed gives the same plan.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Leader, Target, Trouble};

/// Between two faults the run has this long to go on, at least and at most, in milliseconds.
const PAUSE: std::ops::Range<u64> = 1_000..5_000;

/// What there is to break.
#[derive(Debug, Clone, Copy)]
pub struct Menu {
    /// Instances.
    pub instances: usize,
    /// Shards.
    pub shards: u32,
    /// Copies of the streams.
    pub replicas: u32,
    /// How long an instance may be silent.
    pub failover: Duration,
}

/// A fault and how long after the end of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The pause before it.
    pub after: Duration,
    /// The fault.
    pub trouble: Trouble,
}

/// Faults in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(pub Vec<Step>);

impl Plan {
    /// So many faults.
    pub fn draw(seed: u64, steps: usize, menu: Menu) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let step = |_| Step { after: millis(&mut random, PAUSE), trouble: draw(&mut random, menu) };
        Self((0..steps).map(step).collect())
    }
}

fn draw(random: &mut StdRng, menu: Menu) -> Trouble {
    let instance = random.random_range(0..menu.instances);
    let failover = u64::try_from(menu.failover.as_millis()).unwrap_or(u64::MAX);
    match random.random_range(0..100_u32) {
        0..25 => Trouble::Kill { instance, absent: millis(random, 0..2 * failover) },
        25..40 => Trouble::Terminate { instance },
        40..55 => Trouble::Freeze { instance, still: millis(random, failover + failover / 2..3 * failover) },
        55..65 => Trouble::Freeze { instance, still: millis(random, failover / 10..failover * 2 / 5) },
        65..73 => Trouble::BrokerKill { target: target(random, menu), down: millis(random, 0..2_000) },
        73..79 => Trouble::BrokerFreeze { target: target(random, menu), still: millis(random, 200..4_000) },
        79..84 => Trouble::DeleteConsumer { shard: random.random_range(0..menu.shards) },
        84..88 => Trouble::BlockDeadLetters { blocked: millis(random, 500..4_000) },
        88..91 => Trouble::KillWhileBlocked { instance, blocked: millis(random, 500..4_000) },
        _ if menu.replicas > 1 => Trouble::StepDown { leader: leader(random, menu) },
        _ => Trouble::BrokerKill { target: target(random, menu), down: Duration::ZERO },
    }
}

fn target(random: &mut StdRng, menu: Menu) -> Target {
    match random.random_range(0..2_u32) {
        0 => Target::Leader,
        _ => Target::Number(random.random_range(0..menu.replicas as usize)),
    }
}

fn leader(random: &mut StdRng, menu: Menu) -> Leader {
    match random.random_range(0..5_u32) {
        0 => Leader::Input,
        1 => Leader::Output,
        2 => Leader::State,
        3 => Leader::Consumer { shard: random.random_range(0..menu.shards) },
        _ => Leader::Meta,
    }
}

fn millis(random: &mut StdRng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(range))
}

#[test]
fn a_seed_is_a_plan() {
    let menu = Menu { instances: 3, shards: 3, replicas: 3, failover: Duration::from_secs(2) };

    assert_eq!(Plan::draw(7, 50, menu), Plan::draw(7, 50, menu));
    assert_ne!(Plan::draw(7, 50, menu), Plan::draw(8, 50, menu));
    let names: std::collections::BTreeSet<_> =
        Plan::draw(7, 200, menu).0.iter().map(|step| step.trouble.fault()).collect();
    assert_eq!(names.len(), 9, "{names:?}");
}
