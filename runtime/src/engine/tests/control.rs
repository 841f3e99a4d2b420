//! Actors that are told what to do, and such that reach their dead-letter limit.

mod limits;
mod orders;

use std::time::{Duration, SystemTime};

use super::harness::{Bench, Task};
use crate::memory::{MemoryBroker, MemoryControls};
use crate::message::ControlState;
use crate::port::Controls;

const ACTOR: &str = "clerk";

/// Says what the actor may do, as an operator does.
pub(super) async fn say(controls: &MemoryControls, state: ControlState) {
    let (current, revision) = controls.find(ACTOR).await.expect("the bucket answers");
    // The clock of the test stands still, that of the system does not.
    let control = current.followed_by(state, SystemTime::now(), "a test", "ann");
    controls.set(ACTOR, &control, revision).await.expect("nobody else writes");
}

fn publish(broker: &MemoryBroker, count: u64, takes: u64) {
    for n in 0..count {
        Bench::publish(broker, &Task { entity: format!("e{}", n % 7), takes, ..Task::default() });
    }
}

fn done(broker: &MemoryBroker) -> u64 {
    broker.settled().acked.len() as u64
}

/// How long the paused clock runs in a test that waits for nothing to happen.
const LONG: Duration = Duration::from_mins(10);
