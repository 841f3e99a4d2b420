//! What stands out in an actor, put together from what its instances tell. Pure.

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::age;
use super::picture::Instance;
use crate::message::{ActorReport, HotReport, WaitReport};

/// An actor in all instances that are heard.
#[derive(Debug, Default, Serialize)]
pub(super) struct Actor {
    #[serde(rename = "actor")]
    pub(super) name: String,
    /// In what time 99 of 100 attempts ended, where that took longest; `None` when there was none.
    #[serde(serialize_with = "optional_seconds", rename = "p99_seconds")]
    pub(super) p99: Option<Duration>,
    /// How many entities wait, for their next attempt or for the broker.
    pub(super) waits: u64,
    pub(super) hot: Vec<Hot>,
    pub(super) waiting: Vec<Waiting>,
}

/// An entity that has a tenth or more of the attempts of the last minute in its instance, or of their time.
#[derive(Debug, Serialize)]
pub(super) struct Hot {
    pub(super) key: String,
    pub(super) instance: String,
    pub(super) attempts: u64,
    #[serde(serialize_with = "age::seconds", rename = "took_seconds")]
    pub(super) took: Duration,
}

/// An entity that waits.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    pub(super) key: String,
    pub(super) instance: String,
    pub(super) what: String,
    pub(super) why: String,
    #[serde(serialize_with = "age::seconds", rename = "for_seconds")]
    pub(super) waited: Duration,
    #[serde(serialize_with = "optional_seconds", rename = "left_seconds")]
    pub(super) left: Option<Duration>,
}

impl Actor {
    /// All of which an instance that is heard says something, in the order of their names.
    pub(super) fn all(instances: &[Instance]) -> Vec<Self> {
        let mut actors: Vec<Self> = Vec::new();
        for instance in instances.iter().filter(|instance| !instance.is_silent) {
            for report in &instance.member.actors {
                let known = actors.binary_search_by(|actor| actor.name.cmp(&report.actor));
                let place = known.unwrap_or_else(|place| {
                    actors.insert(place, Self { name: report.actor.clone(), ..Self::default() });
                    place
                });
                actors[place].add(report, instance);
            }
        }
        for actor in &mut actors {
            actor.hot.sort_by_key(|hot| Reverse((hot.attempts, hot.took)));
            actor.waiting.sort_by_key(|wait| Reverse(wait.waited));
        }
        actors
    }

    fn add(&mut self, report: &ActorReport, instance: &Instance) {
        let ActorReport { actor: _, p99_us, waits, hot, waiting } = report;
        self.p99 = self.p99.max(p99_us.map(Duration::from_micros));
        self.waits += waits;
        self.hot.extend(hot.iter().map(|HotReport { key, attempts, took_ms }| Hot {
            key: key.clone(),
            instance: instance.id.clone(),
            attempts: *attempts,
            took: Duration::from_millis(*took_ms),
        }));
        self.waiting.extend(waiting.iter().map(|WaitReport { key, what, why, for_ms, left_ms }| Waiting {
            key: key.clone(),
            instance: instance.id.clone(),
            what: what.clone(),
            why: why.clone(),
            waited: instance.seen + Duration::from_millis(*for_ms),
            left: left_ms.map(|left| Duration::from_millis(left).saturating_sub(instance.seen)),
        }));
    }
}

impl Hot {
    /// How hot it is.
    pub(super) fn told(&self) -> String {
        format!("{} attempts in the last minute, {} together", self.attempts, age::shown(self.took))
    }
}

impl Waiting {
    /// Until when it waits, and why.
    pub(super) fn told(&self) -> String {
        match self.left {
            Some(left) => format!("goes on in {}: {}", age::shown(left), self.why),
            None => self.why.clone(),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn optional_seconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match age {
        // Attempts may be shorter than a millisecond.
        Some(age) => serializer.serialize_f64(age.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}
