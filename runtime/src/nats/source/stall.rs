//! Looks at a consumer from time to time: whether it holds back what it has for us, and whether somebody has edited it.

use std::time::Duration;

use async_nats::jetstream::consumer::Info;
use tokio::time::Instant;
use tracing::warn;

use super::NatsSource;
use crate::nats::pin::pinned;
use crate::port::SourceError;

/// For how long an open request may bring nothing before we look why.
const QUIET: Duration = Duration::from_secs(10);
/// How long what was under way at a look may take to arrive.
const GRACE: Duration = Duration::from_secs(1);
/// How often a consumer that delivers is looked at.
const ROUTINE: Duration = Duration::from_secs(60);
/// A second stall within this time is not cured by pulling afresh: the consumer itself is made anew.
const AGAIN: Duration = Duration::from_secs(60);
/// How often a consumer is made anew at most: if that does not help either, it only costs redeliveries.
const REMAKE: Duration = Duration::from_secs(600);

/// When a source last saw what.
#[derive(Debug)]
pub(super) struct Watch {
    /// When a message arrived, or the first request was opened, or we looked.
    quiet: Instant,
    looked: Instant,
    /// Whether the last look found something for us, and nothing has arrived since.
    is_suspicious: bool,
    stalled: Option<Instant>,
    remade: Option<Instant>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { quiet: now, looked: now, is_suspicious: false, stalled: None, remade: None }
    }

    /// Something has arrived, or is only waited for from here on.
    pub(super) fn calm(&mut self, now: Instant) {
        self.quiet = now;
        self.is_suspicious = false;
    }

    /// When to look, if nothing arrives before.
    pub(super) fn due(&self) -> Instant {
        let patience = if self.is_suspicious { GRACE } else { QUIET };
        (self.quiet + patience).min(self.looked + ROUTINE)
    }

    /// Counts a look that found something for us; returns whether that is a stall: whether the one before did, too, and
    /// nothing has arrived since.
    fn suspect(&mut self) -> bool {
        std::mem::replace(&mut self.is_suspicious, true)
    }

    /// Counts a stall; returns whether the consumer is to be made anew.
    fn stall(&mut self, now: Instant) -> bool {
        let is_recent = |at: Option<Instant>, span| at.is_some_and(|at| now - at < span);
        let must_remake = is_recent(self.stalled, AGAIN) && !is_recent(self.remade, REMAKE);
        self.stalled = Some(now);
        if must_remake {
            self.remade = Some(now);
        }
        must_remake
    }
}

impl NatsSource {
    /// Looks at the consumer when it is time to.
    ///
    /// # Errors
    /// [`SourceError::Stalled`] when it holds back what it has for us.
    pub(super) async fn look_out(&mut self) -> Result<(), SourceError> {
        let now = Instant::now();
        if !self.demand.is_open() || now < self.watch.due() {
            return Ok(());
        }
        let was_quiet = self.watch.is_suspicious || now - self.watch.quiet >= QUIET;
        // Beforehand, so that a cancelled look is not repeated at once.
        self.watch.looked = now;
        if was_quiet {
            self.watch.quiet = now;
        }
        // A consumer that is gone, and a broker that is away, are noticed by other means.
        let Ok(Some(info)) = self.shard.inspect(&self.connection).await else { return Ok(()) };
        self.shard.compare(&info, &mut self.memory);
        let reason = held_back(&info).or_else(|| self.lost(&info));
        let reason = reason.filter(|_| was_quiet && !info.paused && self.is_for_us(&info));
        let Some(reason) = reason else {
            self.watch.is_suspicious = false;
            return Ok(());
        };
        if !self.watch.suspect() {
            return Ok(());
        }
        self.fault = Some(reason.clone());
        if self.watch.stall(now) && !self.memory.is_edited() {
            let (stream, consumer) = (&*self.shard.stream, self.shard.name());
            warn!(stream, consumer, reason, "the consumer has stalled again, making it anew");
            if let Err(error) = self.shard.replace(&self.connection, &mut self.memory).await {
                warn!(stream, consumer, %error, "the consumer cannot be made anew, it is only pulled afresh");
            }
        }
        Err(SourceError::Stalled(reason))
    }

    fn is_for_us(&self, info: &Info) -> bool {
        self.pin.is_ours(info) || pinned(info).is_none()
    }

    /// Only where nobody else pulls we know of all deliveries.
    fn lost(&self, info: &Info) -> Option<String> {
        let lost = info.delivered.consumer_sequence.saturating_sub(self.last_delivery);
        (lost > 0 && self.pin.group().is_some())
            .then(|| format!("{lost} deliveries of the consumer have not arrived"))
    }
}

fn held_back(info: &Info) -> Option<String> {
    let limit = usize::try_from(info.config.max_ack_pending).ok().filter(|limit| *limit > 0);
    let may_deliver = limit.is_none_or(|limit| info.num_ack_pending < limit);
    (info.num_pending > 0 && may_deliver)
        .then(|| format!("the consumer has {} messages and does not deliver them", info.num_pending))
}
