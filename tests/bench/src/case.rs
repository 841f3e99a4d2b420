//! A case: who does what with which messages, and what is to come out.

mod all;

use crate::job::Manner;
use crate::load::Load;
use crate::target::Target;

pub(crate) use all::all;

/// What entries are compared with in the table when they name nothing else.
const YARDSTICK: &str = "loop";

/// One comparison.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) about: &'static str,
    /// Runs alternate between them.
    pub(crate) entries: Vec<Entry>,
    pub(crate) targets: Vec<Target>,
    /// How many runs are enough, however many are asked for.
    pub(crate) most_runs: u32,
    /// Whether this program can play it.
    is_possible: bool,
}

/// A contestant with its messages: a line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) player: Player,
    pub(crate) load: Load,
    /// The entry that its rate is divided by in the table.
    pub(crate) yardstick: String,
    /// Messages whose sequence is a multiple of it fail all their tries; 0: none.
    pub(crate) fails_every: u64,
    /// How long the handler waits, in milliseconds.
    pub(crate) takes: u64,
}

/// Who plays.
#[derive(Debug, Clone)]
pub(crate) enum Player {
    Tidegate(Shape),
    Loop(Manner),
    /// The nearest Rust peer; it consumes.
    Peer,
}

/// How Tidegate differs from its defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The name of the handler.
    pub(crate) handler: &'static str,
    /// Lines of the actor's table.
    pub(crate) keys: String,
    /// The share of messages that are traced; `None`: no collector.
    pub(crate) traced: Option<f64>,
    /// Who looks on.
    pub(crate) watched: Watched,
    /// How many actors there are, all but the first on subjects that nobody publishes to.
    pub(crate) idle_actors: usize,
}

/// Who looks on while Tidegate works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    #[default]
    Nobody,
    /// Metrics are recorded for Prometheus.
    Metrics,
    /// And somebody follows one message in a hundred.
    Tap,
}

impl Case {
    fn new(name: &'static str, about: &'static str, entries: Vec<Entry>, targets: Vec<Target>) -> Self {
        Self { name, about, entries, targets, most_runs: u32::MAX, is_possible: true }
    }

    fn only_if(self, is_possible: bool) -> Self {
        Self { is_possible, ..self }
    }

    fn at_most(self, most_runs: u32) -> Self {
        Self { most_runs, ..self }
    }
}

impl Shape {
    /// Whether the handler emits.
    pub(crate) fn emits(&self) -> bool {
        self.handler == "emit"
    }
}

impl Entry {
    fn new(label: impl Into<String>, player: Player, load: Load) -> Self {
        let yardstick = YARDSTICK.to_owned();
        Self { label: label.into(), player, load, yardstick, fails_every: 0, takes: 0 }
    }

    /// Tidegate with this handler, else by default.
    fn tidegate(label: impl Into<String>, handler: &'static str, load: Load) -> Self {
        Self::shaped(label, Shape { handler, ..Shape::default() }, load)
    }

    fn shaped(label: impl Into<String>, shape: Shape, load: Load) -> Self {
        Self::new(label, Player::Tidegate(shape), load)
    }

    fn by_hand(label: impl Into<String>, manner: Manner, load: Load) -> Self {
        Self::new(label, Player::Loop(manner), load)
    }

    fn beside(self, yardstick: impl Into<String>) -> Self {
        Self { yardstick: yardstick.into(), ..self }
    }

    fn failing(self, every: u64) -> Self {
        Self { fails_every: every, ..self }
    }

    fn taking(self, millis: u64) -> Self {
        Self { takes: millis, ..self }
    }

    /// Whether something is published for each message.
    pub(crate) fn emits(&self) -> bool {
        match &self.player {
            Player::Tidegate(shape) => shape.emits(),
            Player::Loop(manner) => manner.emits(),
            Player::Peer => false,
        }
    }

    /// Whether something is kept for each entity.
    pub(crate) fn keeps_state(&self) -> bool {
        matches!(&self.player, Player::Tidegate(shape) if shape.handler == "state")
    }

    /// Who looks on.
    pub(crate) fn watched(&self) -> Watched {
        match &self.player {
            Player::Tidegate(shape) => shape.watched,
            Player::Loop(_) | Player::Peer => Watched::Nobody,
        }
    }

    /// The share of messages that are traced.
    pub(crate) fn traced(&self) -> Option<f64> {
        match &self.player {
            Player::Tidegate(shape) => shape.traced,
            Player::Loop(_) | Player::Peer => None,
        }
    }
}
