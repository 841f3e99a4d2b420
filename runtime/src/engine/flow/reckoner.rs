//! Reckons one stream while that is ours to do, and announces what comes out.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::board::{self, Board};
use super::reckon::{Reckoned, Reckoner};
use crate::engine::duty::Duty;
use crate::engine::membership::Assignment;
use crate::message::{Flow, FlowState, InstanceId, Pressure, ShardId, ShardReport};
use crate::port::{FlowWatch, Flows, Gauge};
use crate::topology::FlowMarks;

/// How long an announcement holds while the stream is open: whoever misses the next one loses little.
const HOLDS_OPEN: Duration = Duration::from_secs(15);

/// How long it holds otherwise: whoever waits for it waits no longer when nobody reckons any more.
const HOLDS: Duration = Duration::from_secs(5);

/// Which part of that time passes before the same is said again.
const SIGN_OF_LIFE: u32 = 3;

/// By which part a rate changes before that is said.
const NEWS: f64 = 0.05;

/// How long what the instances tell of their shards is taken for true.
const REPORTS: Duration = Duration::from_secs(1);

/// What it takes to know the flow of streams.
pub struct FlowPlan {
    /// Those that this instance may have to reckon.
    pub streams: Vec<StreamPlan>,
    /// Where they are announced.
    pub flows: Arc<dyn Flows>,
    /// Where it is seen what anybody announces.
    pub watch: Box<dyn FlowWatch>,
}

/// One stream to reckon.
pub struct StreamPlan {
    /// Its name.
    pub stream: String,
    /// What publishers publish to.
    pub subjects: Vec<String>,
    /// How much may wait in it.
    pub marks: FlowMarks,
    /// Who has this shard reckons the stream.
    pub duty: ShardId,
    /// Reads it.
    pub gauge: Box<dyn Gauge>,
}

impl FlowPlan {
    /// Starts all of it in `servants`; what comes to be known is on `board`.
    pub(crate) fn start(
        self,
        servants: &mut JoinSet<()>,
        board: &watch::Sender<Board>,
        instance: &InstanceId,
        assignment: &watch::Receiver<Assignment>,
    ) {
        servants.spawn(board::keep(board.clone(), self.watch));
        for plan in self.streams {
            let post = Post {
                duty: Duty::new(plan.duty.clone(), assignment.clone()),
                plan,
                flows: Arc::clone(&self.flows),
                board: board.clone(),
                instance: instance.to_string(),
                announced: None,
                reports: (Vec::new(), None),
                is_cut_off: false,
            };
            servants.spawn(post.keep());
        }
    }
}

/// One stream in the care of this instance, when it is.
struct Post {
    plan: StreamPlan,
    duty: Duty,
    flows: Arc<dyn Flows>,
    board: watch::Sender<Board>,
    instance: String,
    announced: Option<(Flow, Instant)>,
    reports: (Vec<ShardReport>, Option<Instant>),
    /// Whether it was told that the stream cannot be read or its flow not be announced.
    is_cut_off: bool,
}

impl Post {
    /// Reckons whenever it is ours to do, without an end.
    async fn keep(mut self) {
        loop {
            self.duty.assigned().await;
            let mut duty = self.duty.clone();
            tokio::select! {
                () = duty.relieved() => {}
                never = self.reckon() => match never {},
            }
            self.announced = None;
            let stream = &self.plan.stream;
            self.board.send_if_modified(|board| {
                board.measure(stream, None);
                false
            });
        }
    }

    async fn reckon(&mut self) -> std::convert::Infallible {
        let previous = self.flows.find(&self.plan.stream).await.ok().flatten();
        let mut memory = Reckoner::new(self.plan.marks, previous.as_ref(), SystemTime::now());
        let mut wait = Duration::ZERO;
        loop {
            sleep(wait).await;
            wait = match self.plan.gauge.read().await {
                Ok(reading) => {
                    let reckoned = memory.reckon(&reading, Instant::now(), SystemTime::now());
                    let next = reckoned.next;
                    self.tell(reckoned).await;
                    next
                }
                Err(error) => {
                    self.cut_off(&error);
                    super::reckon::CALM
                }
            };
        }
    }

    /// Says what has changed, and else gives a sign of life.
    async fn tell(&mut self, reckoned: Reckoned) {
        let depths = reckoned.depths.clone();
        let stream = &self.plan.stream;
        self.board.send_if_modified(|board| {
            board.measure(stream, Some(depths));
            false
        });
        let now = Instant::now();
        if !self.is_worth_saying(&reckoned, now) {
            return;
        }
        if reckoned.state != FlowState::Open {
            self.ask_for_reports(now).await;
        }
        let flow = self.flow_of(&reckoned);
        // What we know ourselves needs no bucket.
        self.board.send_if_modified(|board| board.see(flow.clone(), Instant::now()));
        match self.flows.announce(&flow).await {
            Ok(()) => {
                self.log(&flow);
                if std::mem::take(&mut self.is_cut_off) {
                    info!(stream = flow.stream, "the flow of the stream is announced again");
                }
                self.announced = Some((flow, now));
            }
            Err(error) => self.cut_off(&error),
        }
    }

    fn is_worth_saying(&self, reckoned: &Reckoned, now: Instant) -> bool {
        let Some((announced, at)) = &self.announced else { return true };
        let rate = |rate: Option<f64>| rate.unwrap_or_default();
        let has_other_rate = (rate(reckoned.rate) - rate(announced.rate)).abs() > NEWS * rate(announced.rate);
        announced.state != reckoned.state || has_other_rate || now - *at >= announced.holds() / SIGN_OF_LIFE
    }

    async fn ask_for_reports(&mut self, now: Instant) {
        if self.reports.1.is_none_or(|at| now - at >= REPORTS) {
            self.reports = (self.plan.gauge.reports().await, Some(now));
        }
    }

    fn flow_of(&self, reckoned: &Reckoned) -> Flow {
        let pressure = reckoned.pressed.as_ref().filter(|(pressed, _)| pressed.pressure() >= 0.0);
        let pressure = pressure.map(|(pressed, since)| Pressure {
            mark: pressed.mark,
            value: pressed.value,
            low: pressed.low,
            high: pressed.high,
            actor: pressed.actor.as_deref().map(str::to_owned),
            partition: pressed.actor.as_deref().and_then(|actor| fullest(&self.reports.0, actor)),
            since: *since,
        });
        let holds = if reckoned.state == FlowState::Open { HOLDS_OPEN } else { HOLDS };
        Flow {
            stream: self.plan.stream.clone(),
            subjects: self.plan.subjects.clone(),
            state: reckoned.state,
            since: reckoned.since,
            rate: reckoned.rate,
            stored: reckoned.stored,
            done: reckoned.done,
            pressure,
            full_in: reckoned.full_in,
            holds: holds.as_millis().try_into().unwrap_or(u64::MAX),
            instance: self.instance.clone(),
            written: SystemTime::now(),
        }
    }

    fn log(&self, flow: &Flow) {
        let before = self.announced.as_ref().map_or(FlowState::Open, |(announced, _)| announced.state);
        let (stream, reason) = (&flow.stream, flow.pressure.as_ref().map(ToString::to_string));
        match (before, flow.state) {
            (before, after) if before == after => {}
            (_, FlowState::Stop) => {
                warn!(stream, reason, "publishers are stopped: the stream is past its mark");
            }
            (_, FlowState::Slow) => info!(stream, reason, rate = flow.rate, "publishers are slowed down"),
            (_, _) => info!(stream, "publishers may go on"),
        }
    }

    fn cut_off(&mut self, error: &dyn fmt::Display) {
        let stream = &self.plan.stream;
        if std::mem::replace(&mut self.is_cut_off, true) {
            debug!(stream, %error, "the flow of the stream is still not known");
        } else {
            warn!(stream, %error, "the flow of the stream is not known, its publishers feel only that it is full");
        }
    }
}

/// The partition of an actor that keeps its shard's intake waiting, longest first; else the one in which most waits, if
/// one stands out.
fn fullest(reports: &[ShardReport], actor: &str) -> Option<u32> {
    let of_actor = reports.iter().filter(|report| &*report.id.actor == actor);
    let fullest: Vec<_> = of_actor.filter_map(|report| report.fullest.as_ref()).collect();
    let holding = fullest.iter().filter_map(|fullest| fullest.full_since.map(|since| (since, fullest)));
    let named = holding.min_by_key(|(since, _)| *since).map(|(_, fullest)| fullest);
    named.or(fullest.iter().max_by_key(|fullest| fullest.messages)).map(|fullest| fullest.partition)
}

impl fmt::Debug for FlowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowPlan").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamPlan").field("stream", &self.stream).finish_non_exhaustive()
    }
}
