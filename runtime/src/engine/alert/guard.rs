//! Watches the numbers of all actors, and says so when one is past its threshold.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::judge::Judge;
use super::numbers::Numbers;
use crate::engine::control::Helm;
use crate::engine::flow::Board;
use crate::engine::membership::Assignment;
use crate::engine::status::{ActorStatus, ShardStatus};
use crate::message::{Alert, AlertEvent, AlertName, AlertTurn};
use crate::port::Alarm;
use crate::topology::Alerts;

/// How often the numbers are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The alerts that are raised.
pub(crate) type Raised = watch::Sender<Vec<Alert>>;

/// All actors in the care of this instance.
pub(crate) struct Guard {
    pub(crate) instance: String,
    pub(crate) actors: Vec<Guarded>,
    pub(crate) board: watch::Receiver<Board>,
    pub(crate) assignment: watch::Receiver<Assignment>,
    pub(crate) alarm: Arc<dyn Alarm>,
    pub(crate) raised: Raised,
}

/// One actor, and what its numbers are held against.
pub(crate) struct Guarded {
    numbers: Numbers,
    judges: Vec<(AlertName, Judge)>,
    raised: Vec<Alert>,
}

impl Guarded {
    pub(crate) fn new(
        alerts: &Alerts,
        helm: Arc<Helm>,
        status: Arc<ActorStatus>,
        shards: Vec<Arc<ShardStatus>>,
    ) -> Self {
        Self { numbers: Numbers::new(helm, status, shards), judges: judges(alerts), raised: Vec::new() }
    }

    /// Looks at all numbers; returns what has turned.
    fn look(&mut self, board: &Board, assignment: &Assignment, now: Instant) -> Vec<(AlertTurn, Alert)> {
        self.numbers.look(now);
        let actor = self.numbers.actor();
        let depth = board.depths().map(|(_, depth)| depth).find(|depth| *depth.actor == *actor);
        let mut turned = Vec::new();
        for (name, judge) in &mut self.judges {
            let value = self.numbers.value(*name, depth, assignment);
            let turn = judge.look(value, now);
            let before = self.raised.iter().position(|alert| alert.name == *name);
            let since = before.map_or_else(SystemTime::now, |at| self.raised[at].since);
            let value = value.unwrap_or_default();
            let alert = Alert {
                name: *name,
                actor: actor.to_owned(),
                value,
                threshold: judge.threshold,
                unit: name.unit(),
                since,
                text: name.text(value, judge.threshold),
            };
            match (before, judge.is_raised()) {
                (Some(at), true) => self.raised[at] = alert.clone(),
                (None, true) => self.raised.push(alert.clone()),
                (Some(at), false) => drop(self.raised.remove(at)),
                (None, false) => {}
            }
            turned.extend(turn.map(|turn| (turn, alert)));
        }
        turned
    }
}

impl Guard {
    /// Watches, without an end.
    pub(crate) async fn keep(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let turned = self.look(Instant::now());
            self.publish();
            for (turn, alert) in turned {
                self.tell(turn, alert).await;
            }
        }
    }

    fn look(&mut self, now: Instant) -> Vec<(AlertTurn, Alert)> {
        let (board, assignment) = (self.board.borrow(), self.assignment.borrow());
        self.actors.iter_mut().flat_map(|guarded| guarded.look(&board, &assignment, now)).collect()
    }

    fn publish(&self) {
        let raised = self.actors.iter().flat_map(|guarded| guarded.raised.iter().cloned()).collect();
        self.raised.send_if_modified(|before| {
            let has_changed = *before != raised;
            *before = raised;
            has_changed
        });
    }

    async fn tell(&self, event: AlertTurn, alert: Alert) {
        let Alert { actor, value, threshold, text, .. } = &alert;
        let name = alert.name.as_str();
        match event {
            AlertTurn::Raised => warn!(actor, alert = name, value, threshold, "{text}"),
            AlertTurn::Cleared => info!(actor, alert = name, value, threshold, "alert cleared"),
        }
        let event = AlertEvent { event, instance: self.instance.clone(), at: SystemTime::now(), alert };
        self.alarm.tell(&event).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn judges(alerts: &Alerts) -> Vec<(AlertName, Judge)> {
    let count = |count: Option<u64>| count.map(|count| count as f64);
    let span = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let thresholds = [
        (AlertName::QueueDepth, count(alerts.queue_depth)),
        (AlertName::Lag, span(alerts.lag)),
        (AlertName::Processing, span(alerts.processing)),
        (AlertName::DeadLetters, count(alerts.dead_letters)),
        (AlertName::DeadLetterRate, count(alerts.dead_letter_rate)),
        (AlertName::Blocked, span(alerts.blocked)),
        (AlertName::Stalled, span(alerts.stalled)),
    ];
    let judge =
        |(name, threshold): (AlertName, Option<f64>)| Some((name, Judge::new(threshold?, alerts.lasting)));
    thresholds.into_iter().filter_map(judge).collect()
}
