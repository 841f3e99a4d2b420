//! An actor one of whose outputs is past its mark takes nothing in until that is over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::flow;
use crate::engine::tests::harness::{Bench, Task, actor, on_paused_clock};
use crate::engine::{FlowPlan, Outlet};
use crate::memory::{MemoryBroker, MemoryFlows, MemoryGauge};
use crate::message::{FlowState, ShardId};
use crate::port::{Limit, Load, Reader, Reading};
use crate::topology::{Actor, FlowMarks, Marks};

const MESSAGES: u64 = 200;

/// The stream `OUT`, which makes the actor wait, and in which so many messages wait.
fn out(marks: FlowMarks, waiting: u64) -> (Outlet, MemoryGauge) {
    let shard = ShardId { actor: "next".into(), shard: 0 };
    let gauge = MemoryGauge::new(Reading {
        at: SystemTime::UNIX_EPOCH,
        stored: Load { messages: waiting, bytes: waiting },
        limit: Limit::default(),
        last: waiting,
        readers: vec![Reader { shard, waiting, unsettled: 0, deliveries: 0, oldest: None }],
    });
    (Outlet { stream: "OUT".to_owned(), marks, gauge: Box::new(gauge.clone()) }, gauge)
}

/// A bench whose actor waits for `OUT`.
fn start(broker: &MemoryBroker, flows: &MemoryFlows) -> Bench {
    let (outlet, _) = out(FlowMarks::default(), 0);
    Bench::start_with(actor(), broker.clone(), Some(watching(flows)), vec![outlet])
}

fn watching(flows: &MemoryFlows) -> FlowPlan {
    FlowPlan { streams: Vec::new(), flows: Arc::new(flows.clone()), watch: Box::new(flows.watch()) }
}

/// A bench at work before anything is there to be done.
async fn waiting(flows: &MemoryFlows) -> (Bench, MemoryBroker) {
    let broker = Bench::broker_for(&actor());
    let bench = start(&broker, flows);
    sleep(Duration::from_secs(1)).await;
    (bench, broker)
}

fn publish(broker: &MemoryBroker) {
    for n in 0..MESSAGES {
        Bench::publish(broker, &Task { entity: format!("e{}", n % 7), takes: 1, ..Task::default() });
    }
}

fn done(broker: &MemoryBroker) -> usize {
    broker.settled().acked.len()
}

#[test]
fn nothing_is_taken_in_while_an_output_is_past_its_mark() {
    on_paused_clock(async {
        let flows = MemoryFlows::default();
        flows.write(flow("OUT", FlowState::Stop));
        let (bench, broker) = waiting(&flows).await;

        publish(&broker);
        for _ in 0..20 {
            flows.write(flow("OUT", FlowState::Stop));
            sleep(Duration::from_secs(1)).await;
        }
        let (stopped, while_stopped) = (done(&broker), bench.engine.watch().snapshot()[0].clone());
        flows.write(flow("OUT", FlowState::Slow));
        bench.finished().await;

        assert!(stopped <= actor().window, "{stopped} were done; what was asked for before may arrive");
        assert_eq!(while_stopped.intake_stopped_by.as_deref(), Some("OUT"));
        assert!(while_stopped.intake_stopped_ms >= 20_000, "{while_stopped:?}");
        let after = &bench.engine.watch().snapshot()[0];
        assert_eq!((after.intake_stops, after.intake_stopped_by.as_deref()), (1, None));
        assert_eq!(done(&broker) as u64, MESSAGES);
    });
}

#[test]
fn a_state_that_nobody_renews_stops_nobody() {
    on_paused_clock(async {
        let flows = MemoryFlows::default();
        flows.write(flow("OUT", FlowState::Stop));
        let (bench, broker) = waiting(&flows).await;

        publish(&broker);
        sleep(Duration::from_secs(3)).await;
        let while_it_holds = done(&broker);
        bench.finished().await;

        assert!(while_it_holds <= actor().window, "{while_it_holds}");
        assert!(bench.engine.watch().flows().is_empty());
    });
}

#[test]
fn what_is_slow_or_no_output_stops_nobody() {
    on_paused_clock(async {
        let flows = MemoryFlows::default();
        flows.write(flow("OUT", FlowState::Slow));
        flows.write(flow("ELSEWHERE", FlowState::Stop));
        let (bench, broker) = waiting(&flows).await;

        publish(&broker);
        sleep(Duration::from_secs(1)).await;

        assert_eq!(done(&broker) as u64, MESSAGES);
        assert_eq!(bench.engine.watch().snapshot()[0].intake_stops, 0);
        assert_eq!(bench.engine.watch().flows().len(), 2);
    });
}

#[test]
fn what_was_claimed_is_let_in_while_the_gate_is_closed() {
    on_paused_clock(async {
        let flows = MemoryFlows::default();
        flows.write(flow("OUT", FlowState::Stop));
        let broker = Bench::broker_for(&actor());
        publish(&broker);
        // Another instance has taken some and is gone.
        let mut dead = crate::memory::MemorySource::new(&broker);
        let room = crate::port::Room { messages: 10, bytes: 1 << 20 };
        let taken = crate::port::Source::next(&mut dead, room).await.expect("there are messages").len();

        let bench = start(&broker, &flows);
        sleep(Duration::from_secs(2)).await;

        assert_eq!(taken, 10);
        assert!(
            (1..=10).all(|sequence| broker.settled().acked.contains(&sequence)),
            "{:?}",
            broker.settled()
        );
        assert!(done(&broker) as u64 <= 10 + actor().window as u64, "{}", done(&broker));
        bench.finished().await;
    });
}

#[test]
fn no_more_is_taken_in_than_an_output_has_room_for() {
    on_paused_clock(async {
        let marks = FlowMarks { messages: Some(Marks { low: 50, high: 100 }), ..FlowMarks::default() };
        let (outlet, gauge) = out(marks, 0);
        let broker = Bench::broker_for(&actor());
        publish(&broker);

        let bench = Bench::start_with(actor(), broker.clone(), None, vec![outlet]);
        // Nobody reads what is emitted, and nobody says so.
        for _ in 0..5000 {
            let stored = done(&broker) as u64;
            gauge.turn(|dial| dial.readers[0].waiting = stored);
            sleep(Duration::from_millis(1)).await;
        }
        let stored = done(&broker) as u64;
        // It is all read.
        gauge.turn(|dial| dial.readers[0].waiting = 0);
        bench.finished().await;

        let (high, window) = (100, actor().window as u64);
        assert!((high..=high + window).contains(&stored), "{stored}");
    });
}

#[test]
fn an_output_that_cannot_be_read_stops_nobody() {
    on_paused_clock(async {
        let marks = FlowMarks { messages: Some(Marks { low: 1, high: 2 }), ..FlowMarks::default() };
        let (outlet, gauge) = out(marks, 2);
        gauge.break_down();
        let broker = Bench::broker_for(&actor());
        publish(&broker);

        let bench = Bench::start_with(actor(), broker, None, vec![outlet]);

        bench.finished().await;
    });
}

#[test]
fn an_emit_that_meets_a_full_stream_waits_within_its_attempt() {
    on_paused_clock(async {
        let actor = Actor {
            timeout: Duration::from_secs(1),
            ack_wait: Duration::from_secs(2),
            max_deliver: 1,
            ..actor()
        };
        let broker = Bench::broker_for(&actor);
        broker.refuse_publishes(60);
        for n in 0..3 {
            Bench::publish(&broker, &Task { entity: format!("e{n}"), ..Task::default() });
        }
        let start = tokio::time::Instant::now();

        let bench = Bench::start(actor, broker.clone());
        bench.finished().await;

        let snapshot = &bench.engine.watch().snapshot()[0];
        assert!(start.elapsed() > Duration::from_secs(60), "{:?}", start.elapsed());
        assert_eq!((snapshot.done, snapshot.failed_attempts, snapshot.redeliveries), (3, 0, 0));
        assert!(bench.diary.entries().iter().all(|entry| entry.attempt == 1));
    });
}
