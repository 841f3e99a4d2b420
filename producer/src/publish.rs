//! One event, until it is stored or cannot be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::gate::{Cause, Gate, Probe};
use crate::offer::Rejection;
use crate::outlet::Outlet;
use crate::parcel::Parcel;
use crate::trace::Trace;
use crate::{PublishError, Receipt};

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// An event under way, and what it has been through.
pub(crate) struct Effort<'a> {
    outlet: &'a Outlet,
    parcel: &'a Parcel,
    /// What bounds those on their way; `None` when something else does.
    window: Option<&'a Semaphore>,
    /// When patience is over.
    deadline: Option<Instant>,
    /// How long it was held back.
    pub(crate) throttled: Duration,
    /// When it was first offered in vain, though the stream is not full.
    in_vain: Option<Instant>,
    /// Whether an offer was not answered, so that it may be stored.
    may_be_stored: bool,
    wait: Duration,
    /// There while we are the one to find out whether a full stream has room.
    probe: Option<Probe>,
}

impl Outlet {
    /// Publishes an event and waits until it is stored.
    pub(crate) async fn publish(&self, parcel: &Parcel) -> Result<Receipt, PublishError> {
        let trace = Trace::begin(parcel);
        let mut effort = Effort::new(self, parcel, Some(&self.on_their_way));
        let result = match effort.pass().await {
            Ok(()) => effort.make(&trace, None).await,
            Err(error) => Err(error),
        };
        self.counters.waited(effort.throttled);
        trace.end(&result, effort.throttled);
        result
    }

    /// Publishes an event if there is nothing to wait for but the answer.
    pub(crate) async fn try_publish(&self, parcel: &Parcel) -> Result<Receipt, PublishError> {
        let trace = Trace::begin(parcel);
        let result = self.try_offer(parcel, &trace).await;
        trace.end(&result, Duration::ZERO);
        result
    }

    async fn try_offer(&self, parcel: &Parcel, trace: &Trace) -> Result<Receipt, PublishError> {
        const BUSY: Duration = Duration::from_millis(100);
        let gate = if self.gates.are_open() { None } else { self.gates.find(&parcel.subject) };
        let Ok(_permit) = self.on_their_way.try_acquire() else {
            let reason = format!("{} events are on their way", self.window);
            return Err(self.overloaded(Cause::Window, BUSY, reason));
        };
        if let Some(gate) = &gate {
            gate.try_pass()
                .map_err(|closed| self.overloaded(closed.cause, closed.retry_after, closed.reason))?;
        }
        match self.offer(parcel, trace).await {
            Ok(receipt) => Ok(receipt),
            Err(Rejection::Full) => {
                if let Some(gate) = self.gates.find(&parcel.subject) {
                    drop(gate.refused_as_full());
                }
                Err(self.overloaded(Cause::Full, LONGEST_WAIT, "the stream is full".to_owned()))
            }
            Err(Rejection::Unanswered) => Err(self.unknown(parcel)),
            Err(Rejection::TooLarge) => Err(self.too_large(parcel).await),
            Err(Rejection::Away(error) | Rejection::Final(error)) => Err(error),
        }
    }

    async fn offer(&self, parcel: &Parcel, trace: &Trace) -> Result<Receipt, Rejection> {
        let mut offer = self.send(parcel, trace).await?;
        self.answer(parcel, &mut offer).await
    }

    fn overloaded(&self, cause: Cause, retry_after: Duration, reason: String) -> PublishError {
        self.counters.refused(cause);
        PublishError::Overloaded { retry_after, reason }
    }

    pub(crate) fn unknown(&self, parcel: &Parcel) -> PublishError {
        PublishError::Unknown { subject: parcel.subject.to_string(), waited: self.ack_wait }
    }
}

impl<'a> Effort<'a> {
    /// An event that has not been offered yet.
    pub(crate) fn new(outlet: &'a Outlet, parcel: &'a Parcel, window: Option<&'a Semaphore>) -> Self {
        Self {
            outlet,
            parcel,
            window,
            deadline: outlet.deadline(),
            throttled: Duration::ZERO,
            in_vain: None,
            may_be_stored: false,
            wait: FIRST_WAIT,
            probe: None,
        }
    }

    /// Waits until the stream takes the event, as far as is known.
    async fn pass(&mut self) -> Result<(), PublishError> {
        if self.outlet.gates.are_open() {
            return Ok(());
        }
        let Some(gate) = self.outlet.gates.find(&self.parcel.subject) else { return Ok(()) };
        let (passed, throttled) = gate.pass_before(self.deadline).await;
        self.throttled += throttled;
        passed.map_err(|()| self.outlet.too_late(&self.parcel.subject, Some(&gate)))
    }

    /// Offers the event until it is stored or cannot be, after it was rejected like this.
    pub(crate) async fn make(
        &mut self,
        trace: &Trace,
        rejection: Option<Rejection>,
    ) -> Result<Receipt, PublishError> {
        let mut rejection = rejection;
        loop {
            match rejection {
                None => {}
                Some(Rejection::Final(error)) => return Err(error),
                Some(Rejection::TooLarge) => return Err(self.outlet.too_large(self.parcel).await),
                Some(Rejection::Full) => self.until_room().await?,
                Some(Rejection::Unanswered) => {
                    self.may_be_stored = true;
                    self.until_back(self.outlet.unknown(self.parcel)).await?;
                }
                Some(Rejection::Away(error)) => self.until_back(error).await?,
            }
            let _permit = match self.window {
                Some(window) => Some(window.acquire().await.map_err(|_| PublishError::Closed)?),
                None => None,
            };
            match self.outlet.offer(self.parcel, trace).await {
                Ok(receipt) => return Ok(receipt),
                Err(again) => rejection = Some(again),
            }
        }
    }

    /// Waits before a full stream is tried again: on our own if nothing is known of it, else in line.
    async fn until_room(&mut self) -> Result<(), PublishError> {
        self.outlet.counters.refused(Cause::Full);
        let gate = self.outlet.gates.find(&self.parcel.subject);
        if let (Some(gate), None) = (&gate, &self.probe) {
            self.probe = gate.refused_as_full();
        }
        let began = Instant::now();
        let waited = match (&gate, &mut self.probe) {
            (_, Some(probe)) => before(self.deadline, probe.wait()).await,
            (Some(gate), None) => before(self.deadline, gate.pass()).await.map(|_| ()),
            (None, None) => {
                let waited = before(self.deadline, sleep(self.wait)).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                waited
            }
        };
        self.throttled += began.elapsed();
        waited.ok_or_else(|| self.outlet.too_late(&self.parcel.subject, gate.as_ref()))
    }

    /// Waits before an event that nobody took is offered again; not for ever, since the stream forgets its id.
    async fn until_back(&mut self, error: PublishError) -> Result<(), PublishError> {
        let now = Instant::now();
        // It was sent a little before we came to know.
        let since = *self.in_vain.get_or_insert(now.checked_sub(self.outlet.ack_wait).unwrap_or(now));
        if now.duration_since(since) >= self.outlet.resend {
            return Err(if self.may_be_stored { self.outlet.unknown(self.parcel) } else { error });
        }
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

impl Outlet {
    /// When the patience of an event that comes now is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.patience.map(|patience| Instant::now() + patience)
    }

    /// The error of an event that has waited as long as it may.
    pub(crate) fn too_late(&self, subject: &str, gate: Option<&Arc<Gate>>) -> PublishError {
        match gate.and_then(|gate| gate.why()) {
            Some(closed) if closed.cause != Cause::Full => {
                self.overloaded(closed.cause, closed.retry_after, closed.reason)
            }
            _ => PublishError::Full { subject: subject.to_owned() },
        }
    }
}

impl Gate {
    /// Waits until it is our turn, but not beyond the deadline. Whether it came, and how long that took.
    ///
    /// # Cancel safety
    /// A cancelled wait loses its place, and nothing else.
    pub(crate) async fn pass_before(&self, deadline: Option<Instant>) -> (Result<(), ()>, Duration) {
        let began = Instant::now();
        match before(deadline, self.pass()).await {
            Some(false) => (Ok(()), Duration::ZERO),
            Some(true) => (Ok(()), began.elapsed()),
            None => (Err(()), began.elapsed()),
        }
    }
}

async fn before<F: Future>(deadline: Option<Instant>, wait: F) -> Option<F::Output> {
    match deadline {
        Some(deadline) => timeout_at(deadline, wait).await.ok(),
        None => Some(wait.await),
    }
}
