//! A stream in the care of an instance: what it says, when, and until when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::flow;
use crate::engine::flow::Board;
use crate::engine::tests::harness::on_paused_clock;
use crate::engine::{Assignment, FlowPlan, StreamPlan};
use crate::memory::{MemoryFlows, MemoryGauge};
use crate::message::{Flow, FlowState, Fullest, Mark, ShardId, ShardReport, ShardState};
use crate::port::{Limit, Load, Reader, Reading};
use crate::topology::{FlowMarks, Marks};

/// An instance that reckons the stream `IN`, whose marks are at 500 and 1000.
struct Reckoning {
    flows: MemoryFlows,
    gauge: MemoryGauge,
    board: watch::Sender<Board>,
    assignment: watch::Sender<Assignment>,
    _servants: JoinSet<()>,
}

fn duty() -> ShardId {
    ShardId { actor: "clerk".into(), shard: 0 }
}

fn ours() -> Assignment {
    Assignment { mine: BTreeSet::from([duty()]), ..Assignment::default() }
}

fn reading(waiting: u64) -> Reading {
    Reading {
        at: SystemTime::UNIX_EPOCH,
        stored: Load { messages: waiting, bytes: waiting },
        limit: Limit::default(),
        last: waiting,
        readers: vec![Reader { shard: duty(), waiting, unsettled: 0, deliveries: 0, oldest: None }],
    }
}

impl Reckoning {
    fn start(flows: &MemoryFlows, name: &str) -> Self {
        let (gauge, assignment) = (MemoryGauge::new(reading(0)), watch::Sender::new(ours()));
        let marks = FlowMarks { messages: Some(Marks { low: 500, high: 1000 }), ..FlowMarks::default() };
        let stream = StreamPlan {
            stream: "IN".to_owned(),
            subjects: vec!["in.*".to_owned()],
            marks,
            duty: duty(),
            gauge: Box::new(gauge.clone()),
        };
        let plan = FlowPlan {
            streams: vec![stream],
            flows: Arc::new(flows.clone()),
            watch: Box::new(flows.watch()),
        };
        let (mut servants, board) = (JoinSet::new(), watch::Sender::default());
        plan.start(&mut servants, &board, &name.parse().expect("an id"), &assignment.subscribe());
        Self { flows: flows.clone(), gauge, board, assignment, _servants: servants }
    }

    /// Waits for the announcement, and returns it with the time that took.
    async fn until(&self, state: FlowState) -> (Flow, Duration) {
        let start = Instant::now();
        let announced = async {
            loop {
                match self.flows.entry("IN") {
                    Some(flow) if flow.state == state => return flow,
                    _ => sleep(Duration::from_millis(1)).await,
                }
            }
        };
        let flow = timeout(Duration::from_secs(60), announced).await.expect("it is announced");
        (flow, start.elapsed())
    }

    fn known(&self) -> Option<FlowState> {
        self.board.borrow().holding("IN", Instant::now()).map(|(flow, _)| flow.state)
    }
}

#[test]
fn a_change_is_announced_at_once_with_its_reason() {
    on_paused_clock(async {
        let reckoning = Reckoning::start(&MemoryFlows::default(), "a");
        let (open, _) = reckoning.until(FlowState::Open).await;
        let now = SystemTime::now();
        let report = ShardReport {
            id: duty(),
            state: ShardState::Working,
            since: now,
            in_flight: 60,
            running: 1,
            done: 0,
            dead_letters: 0,
            fullest: Some(Fullest { partition: 3, messages: 50, full_since: Some(now) }),
            intake_stopped: None,
            last_progress: now,
        };
        reckoning.gauge.tell(vec![report]);

        reckoning.gauge.turn(|dial| *dial = reading(1200));
        let (stop, after) = reckoning.until(FlowState::Stop).await;

        assert_eq!((open.subjects, open.pressure, open.holds), (vec!["in.*".to_owned()], None, 15_000));
        let pressure = stop.pressure.expect("something presses");
        assert_eq!((pressure.mark, pressure.actor.as_deref()), (Mark::Messages, Some("clerk")));
        assert_eq!((pressure.value, pressure.high, pressure.partition), (1200.0, 1000.0, Some(3)));
        assert_eq!((stop.holds, stop.instance.as_str()), (5000, "a"));
        assert!(after <= Duration::from_millis(260), "{after:?}");
        assert_eq!(reckoning.known(), Some(FlowState::Stop));
    });
}

#[test]
fn a_sign_of_life_comes_well_before_the_last_word_is_stale() {
    on_paused_clock(async {
        let reckoning = Reckoning::start(&MemoryFlows::default(), "a");
        reckoning.gauge.turn(|dial| *dial = reading(1200));
        reckoning.until(FlowState::Stop).await;

        for _ in 0..600 {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(reckoning.known(), Some(FlowState::Stop));
        }

        let said = reckoning.flows.history().len();
        assert!((30..=50).contains(&said), "{said} announcements within a minute");
    });
}

#[test]
fn whoever_cannot_look_says_nothing() {
    on_paused_clock(async {
        let reckoning = Reckoning::start(&MemoryFlows::default(), "a");
        reckoning.gauge.turn(|dial| *dial = reading(1200));
        reckoning.until(FlowState::Stop).await;

        reckoning.gauge.break_down();
        sleep(Duration::from_secs(6)).await;
        let while_broken = reckoning.known();
        reckoning.gauge.repair();
        sleep(Duration::from_secs(1)).await;

        assert_eq!(while_broken, None);
        assert_eq!(reckoning.known(), Some(FlowState::Stop));
    });
}

#[test]
fn what_an_instance_reckons_it_knows_without_the_bucket() {
    on_paused_clock(async {
        let reckoning = Reckoning::start(&MemoryFlows::default(), "a");
        reckoning.until(FlowState::Open).await;

        reckoning.flows.cut();
        reckoning.gauge.turn(|dial| *dial = reading(1200));
        sleep(Duration::from_secs(60)).await;

        assert_eq!(reckoning.known(), Some(FlowState::Stop));
        assert_eq!(reckoning.flows.entry("IN").map(|flow| flow.state), Some(FlowState::Open));
        reckoning.flows.mend();
        reckoning.until(FlowState::Stop).await;
    });
}

#[test]
fn whoever_takes_over_goes_on_with_what_was_said() {
    on_paused_clock(async {
        let flows = MemoryFlows::default();
        let before = Flow { done: 100.0, ..flow("IN", FlowState::Slow) };
        flows.write(before.clone());
        let (first, second) = (Reckoning::start(&flows, "a"), Reckoning::start(&flows, "b"));
        second.assignment.send_replace(Assignment::default());
        first.gauge.turn(|dial| *dial = reading(700));
        second.gauge.turn(|dial| *dial = reading(700));
        sleep(Duration::from_secs(10)).await;
        let by_first = flows.entry("IN").expect("it is announced");

        first.assignment.send_replace(Assignment::default());
        second.assignment.send_replace(ours());
        let reads = first.gauge.reads();
        sleep(Duration::from_secs(10)).await;

        let by_second = flows.entry("IN").expect("it is announced");
        assert_eq!((by_first.instance.as_str(), by_second.instance.as_str()), ("a", "b"));
        assert_eq!((by_first.since, by_second.since), (before.since, before.since));
        assert!(first.gauge.reads() <= reads + 1, "who is relieved reads no more");
        assert!(first.board.borrow().depths().next().is_none());
        assert!(second.board.borrow().depths().next().is_some());
    });
}
