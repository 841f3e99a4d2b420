//! Shows an actor's messages as they end, to who asks. Costs one load of an atomic while nobody does; what is shown leaves
//! through a bounded queue, and what does not fit is counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tidegate::Message;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::message::{Failure, TapFilter, TapOutcome, TapRequest, Tapped};
use crate::port::{TapWatch, Taps};

/// The most that a request holds, whatever it says.
const LONGEST: Duration = Duration::from_secs(10);

/// How many may look at one actor at a time.
const MOST: usize = 8;

/// How many messages may wait to be shown.
const WAITING: usize = 256;

/// How often it is looked whether anybody still looks.
const PERIOD: Duration = Duration::from_secs(1);

/// The tap of one actor in this instance.
#[derive(Debug)]
pub(crate) struct Tap {
    actor: Arc<str>,
    instance: String,
    is_open: AtomicBool,
    asked: Mutex<Vec<Asked>>,
    missed: AtomicU64,
    queue: mpsc::Sender<Tapped>,
}

/// What somebody asked for.
#[derive(Debug)]
struct Asked {
    id: String,
    filter: TapFilter,
    until: Instant,
}

/// How an attempt or a message ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) outcome: TapOutcome,
    pub(crate) attempt: u32,
    pub(crate) took: Option<Duration>,
    /// The attempts that failed; the last of them tells why.
    pub(crate) failures: &'a [Failure],
}

/// Where what is to be shown waits.
pub(crate) fn queue() -> (mpsc::Sender<Tapped>, mpsc::Receiver<Tapped>) {
    mpsc::channel(WAITING)
}

/// Hears who asks, without an end.
pub(crate) async fn hear(taps: Vec<Arc<Tap>>, mut requests: Box<dyn TapWatch>) {
    let mut looks = interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            (actor, request) = requests.next() => {
                if let Some(tap) = taps.iter().find(|tap| *tap.actor == *actor) {
                    tap.ask(request);
                }
            }
            _ = looks.tick() => taps.iter().for_each(|tap| tap.forget(Instant::now())),
        }
    }
}

/// Shows what waits, as long as there are actors.
pub(crate) async fn show(mut queue: mpsc::Receiver<Tapped>, taps: Arc<dyn Taps>) {
    while let Some(tapped) = queue.recv().await {
        taps.show(&tapped).await;
    }
}

impl Tap {
    pub(crate) fn new(actor: Arc<str>, instance: String, queue: mpsc::Sender<Tapped>) -> Self {
        Self {
            actor,
            instance,
            is_open: AtomicBool::new(false),
            asked: Mutex::default(),
            missed: AtomicU64::new(0),
            queue,
        }
    }

    /// A message ended like this.
    pub(crate) fn note(&self, message: &Message, ending: Ending<'_>) {
        if self.is_open.load(Ordering::Relaxed) {
            self.show(message, ending);
        }
    }

    #[cold]
    fn show(&self, message: &Message, ending: Ending<'_>) {
        let Ending { outcome, attempt, took, failures } = ending;
        let now = Instant::now();
        let takes = |asked: &Asked| {
            asked.until > now && asked.filter.takes(&message.subject, &message.key, message.sequence, outcome)
        };
        if !self.asked().iter().any(takes) {
            return;
        }
        let Ok(place) = self.queue.try_reserve() else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let error = (outcome != TapOutcome::Ok).then(|| failures.last()).flatten();
        place.send(Tapped {
            at: SystemTime::now(),
            instance: self.instance.clone(),
            actor: self.actor.to_string(),
            stream: message.stream.to_string(),
            sequence: message.sequence,
            subject: message.subject.to_string(),
            key: message.key.to_string(),
            attempt,
            outcome,
            ms: took.map(Tapped::millis),
            error: error.map(|failure| Tapped::reason(failure.errors.join(": "))),
            payload: Tapped::preview(&message.payload),
            bytes: message.payload.len(),
            missed: self.missed.swap(0, Ordering::Relaxed),
        });
    }

    fn ask(&self, request: TapRequest) {
        let TapRequest { id, holds_ms, filter } = request;
        let now = Instant::now();
        let mut asked = self.asked();
        asked.retain(|known| known.id != id);
        if holds_ms > 0 && asked.len() < MOST {
            asked.push(Asked { id, filter, until: now + Duration::from_millis(holds_ms).min(LONGEST) });
        }
        drop(asked);
        self.forget(now);
    }

    /// Closes the tap when nobody looks any more.
    fn forget(&self, now: Instant) {
        let mut asked = self.asked();
        asked.retain(|asked| asked.until > now);
        if asked.is_empty() {
            self.missed.store(0, Ordering::Relaxed);
        }
        self.is_open.store(!asked.is_empty(), Ordering::Relaxed);
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
