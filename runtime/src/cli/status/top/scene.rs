//! What is on the screen: actors with their rates since the last look, the chosen one, its shards. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::Key;
use crate::cli::status::actor::Actor;
use crate::cli::status::age;
use crate::cli::status::picture::{Picture, Shard};

/// What was seen at one look.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) picture: Picture,
    /// How old the oldest message is that is not done, by actor.
    pub(super) lags: BTreeMap<String, Option<Duration>>,
}

/// What is shown.
#[derive(Debug)]
pub(super) struct Scene {
    now: Sample,
    before: Option<Sample>,
    /// Which actor is chosen.
    chosen: usize,
    /// Which of its shards is chosen, while they are shown.
    inside: Option<usize>,
    /// Why the last look failed, if it did.
    pub(super) missed: Option<String>,
}

/// An actor, or one of its shards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) state: String,
    pub(super) waiting: Option<u64>,
    pub(super) unsettled: Option<u64>,
    pub(super) running: u64,
    pub(super) lag: Option<Duration>,
    /// In what time 99 of 100 attempts ended.
    pub(super) p99: Option<Duration>,
    /// How many entities wait, for their next attempt or for the broker.
    pub(super) waits: Option<u64>,
    /// Messages done in a second.
    pub(super) done: Option<f64>,
    /// Dead letters in a second.
    pub(super) dead: Option<f64>,
    /// What takes up the intake: an output that is full, or a full partition.
    pub(super) held_up_by: Option<String>,
}

impl Scene {
    pub(super) fn new(first: Sample) -> Self {
        Self { now: first, before: None, chosen: 0, inside: None, missed: None }
    }

    /// Takes in what is there now.
    pub(super) fn see(&mut self, sample: Sample) {
        self.before = Some(std::mem::replace(&mut self.now, sample));
        self.missed = None;
        self.move_to(|place| place);
    }

    /// Nothing could be seen.
    pub(super) fn miss(&mut self, why: String) {
        self.missed = Some(why);
    }

    /// Does what a key means; returns whether to go on.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Quit => return false,
            Key::Up => self.move_to(|place| place.saturating_sub(1)),
            Key::Down => self.move_to(|place| place + 1),
            Key::Enter => self.inside = self.inside.or(Some(0)),
            Key::Back => self.inside = None,
            Key::Resize => {}
        }
        true
    }

    /// Chooses another row of what is shown, no further than the last.
    fn move_to(&mut self, to: impl Fn(usize) -> usize) {
        let actors = self.actors();
        let last_of = |count: usize| count.saturating_sub(1);
        match self.inside {
            None => self.chosen = to(self.chosen).min(last_of(actors.len())),
            Some(place) => {
                self.chosen = self.chosen.min(last_of(actors.len()));
                let shards = actors.get(self.chosen).map_or(0, |actor| self.of(actor).count());
                self.inside = Some(to(place).min(last_of(shards)));
            }
        }
    }

    pub(super) fn picture(&self) -> &Picture {
        &self.now.picture
    }

    /// The actor whose shards are shown, if they are.
    pub(super) fn inside(&self) -> Option<String> {
        self.inside.and_then(|_| self.actors().into_iter().nth(self.chosen))
    }

    /// The rows of the table, and which is chosen.
    pub(super) fn rows(&self) -> (Vec<Row>, Option<usize>) {
        match self.inside() {
            Some(actor) => (self.of(&actor).map(|shard| self.shard(shard)).collect(), self.inside),
            None => (self.actors().iter().map(|actor| self.actor(actor)).collect(), Some(self.chosen)),
        }
    }

    /// What is told below: of the actor whose shards are shown its entities that are hot or wait, else what is wrong.
    pub(super) fn told(&self) -> Vec<String> {
        if let Some(why) = &self.missed {
            return vec![format!("nothing can be seen: {why}")];
        }
        let (told, nothing) = match self.inside() {
            Some(actor) => (self.entities(&actor), "no entity is hot or waits"),
            None => (self.picture().findings.clone(), "nothing is wrong"),
        };
        if told.is_empty() {
            return vec![nothing.to_owned()];
        }
        told.into_iter().map(|line| format!("- {line}")).collect()
    }

    fn entities(&self, actor: &str) -> Vec<String> {
        let Some(actor) = self.outstanding(actor) else { return Vec::new() };
        let hot =
            actor.hot.iter().map(|hot| format!("`{}` is hot in {}: {}", hot.key, hot.instance, hot.told()));
        let waiting = actor.waiting.iter().map(|wait| {
            let waited = age::shown(wait.waited);
            format!("`{}` waits in {} for {waited} ({}): {}", wait.key, wait.instance, wait.what, wait.told())
        });
        hot.chain(waiting).collect()
    }

    fn outstanding(&self, actor: &str) -> Option<&Actor> {
        self.picture().actors.iter().find(|known| known.name == actor)
    }

    fn actors(&self) -> Vec<String> {
        let mut actors: Vec<String> = Vec::new();
        for shard in &self.now.picture.shards {
            if actors.last().is_none_or(|last| **last != *shard.id.actor) {
                actors.push(shard.id.actor.to_string());
            }
        }
        actors
    }

    fn of<'s>(&'s self, actor: &'s str) -> impl Iterator<Item = &'s Shard> {
        self.now.picture.shards.iter().filter(move |shard| *shard.id.actor == *actor)
    }

    fn actor(&self, actor: &str) -> Row {
        let shards: Vec<Row> = self.of(actor).map(|shard| self.shard(shard)).collect();
        let working = shards.iter().filter(|shard| shard.state == "working").count();
        let stream = self.of(actor).next().map(|shard| shard.stream.clone());
        Row {
            name: actor.to_owned(),
            owner: stream.unwrap_or_default(),
            state: format!("{working}/{} working", shards.len()),
            waiting: sum(&shards, |shard| shard.waiting),
            unsettled: sum(&shards, |shard| shard.unsettled),
            running: shards.iter().map(|shard| shard.running).sum(),
            lag: self.now.lags.get(actor).copied().flatten(),
            p99: self.outstanding(actor).and_then(|actor| actor.p99),
            waits: self.outstanding(actor).map(|actor| actor.waits),
            done: sum(&shards, |shard| shard.done),
            dead: sum(&shards, |shard| shard.dead),
            held_up_by: shards.into_iter().find_map(|shard| shard.held_up_by),
        }
    }

    fn shard(&self, shard: &Shard) -> Row {
        let owner = shard.owner.as_ref();
        let full = owner.and_then(|owner| {
            let instance =
                self.now.picture.instances.iter().find(|instance| instance.id == owner.instance)?;
            let fullest = instance.report(&shard.id)?.fullest.as_ref()?;
            fullest.full_since.map(|_| format!("partition {}", fullest.partition))
        });
        let stopped = owner.and_then(|owner| owner.intake_stopped_by.clone());
        let (done, dead) = self.rates(shard).unzip();
        Row {
            name: shard.id.to_string(),
            owner: owner.map_or_else(|| "-".to_owned(), |owner| owner.instance.clone()),
            state: owner.map_or("-", |owner| if owner.is_silent { "silent" } else { owner.state }).to_owned(),
            waiting: shard.waiting,
            unsettled: shard.unsettled,
            running: owner.map_or(0, |owner| owner.running),
            lag: None,
            p99: None,
            waits: None,
            done,
            dead,
            held_up_by: stopped.or(full),
        }
    }

    /// What was done and dead-lettered in a second, since the last look. An instance counts its own, so another owner
    /// begins anew.
    fn rates(&self, shard: &Shard) -> Option<(f64, f64)> {
        let before = self.before.as_ref()?;
        let known = before.picture.shards.iter().find(|known| known.id == shard.id)?.owner.as_ref()?;
        let owner = shard.owner.as_ref().filter(|owner| owner.instance == known.instance)?;
        let seconds = (self.now.at - before.at).as_secs_f64();
        let rate = |now: u64, then: u64| u32::try_from(now.checked_sub(then)?).ok().map(f64::from);
        Some((
            rate(owner.done, known.done)? / seconds,
            rate(owner.dead_letters, known.dead_letters)? / seconds,
        ))
    }
}

/// The sum of what is known; nothing when nothing is.
fn sum<T: std::iter::Sum>(rows: &[Row], of: impl Fn(&Row) -> Option<T>) -> Option<T> {
    let known: Vec<T> = rows.iter().filter_map(of).collect();
    if known.is_empty() { None } else { Some(known.into_iter().sum()) }
}
