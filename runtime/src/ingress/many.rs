//! Many events in one request, a line each: read no faster than streams take them.

mod report;

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use futures_util::{StreamExt, stream};
use tidegate_producer::Event;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use self::report::{Report, Settled};
use super::entry::Door;
use super::event::Mould;
use super::lines::Lines;
use super::refusal;
use crate::http::{Code, Problem};

/// How many bytes of one request may be on their way, unless a single event has more.
const UNDER_WAY: usize = 1 << 20;

/// How long an instance that is ending waits for what is on its way.
const FAREWELL: Duration = Duration::from_secs(2);

/// Takes the events and answers when each is stored or refused.
///
/// Memory holds one line that is being read and a bounded number of bytes on their way. While a stream is slow or stopped
/// nothing is read, so the client's connection fills and the client waits. It waits no longer than the producer has
/// patience: then the rest is left unread, and the answer says how far we came.
pub(super) async fn take(door: &Door, mould: &Mould<'_>, body: Body) -> Result<Response<Body>, Problem> {
    let budget = UNDER_WAY.max(door.max_body);
    let progress = Progress { report: Mutex::default(), room: Semaphore::new(budget) };
    let lines = Lines::new(body, door.max_body, door.timeout);
    let events = stream::unfold(lines, |mut lines| async {
        let event = next(door, mould, &mut lines, &progress).await?;
        Some((event, lines))
    });
    let mut results = pin!(door.producer.publish_all(events));
    let mut deadline = None;
    loop {
        let result = tokio::select! {
            biased;
            result = results.next() => result,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break,
            () = door.stop.cancelled(), if deadline.is_none() => {
                deadline = Some(Instant::now() + FAREWELL);
                continue;
            }
        };
        let Some(result) = result else { break };
        let result = result.map_err(|unpublished| refusal::of(unpublished.error));
        if result.as_ref().is_err_and(|problem| problem.retry.is_some()) {
            deadline = deadline.or_else(|| Some(Instant::now() + door.timeout));
        }
        let settled = progress.report().settle(result.map(|receipt| receipt.is_duplicate));
        progress.room.add_permits(settled.len());
        if let Settled::Stored(bytes) = settled {
            door.counters.stored(bytes);
        }
    }
    let report = std::mem::take(&mut *progress.report());
    report.answer()
}

/// What the reading and the publishing side of one request share.
struct Progress {
    report: Mutex<Report>,
    /// Room for bytes on their way.
    room: Semaphore,
}

impl Progress {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next line that is an event. Lines that are none are noted. `None` ends the reading: the body is complete, or the
/// report says why it is not.
async fn next(door: &Door, mould: &Mould<'_>, lines: &mut Lines, progress: &Progress) -> Option<Event> {
    loop {
        if progress.report().is_ending() {
            return None;
        }
        let line = tokio::select! {
            biased;
            () = door.stop.cancelled() => {
                Err(Problem::new(Code::Stopping, "this instance is ending; send the rest to another one")
                    .retry_after(Duration::from_secs(1)))
            }
            line = lines.next() => line,
        };
        let line = match line {
            Ok(line) => line,
            Err(problem) => {
                progress.report().end(&problem);
                None
            }
        };
        progress.report().read = lines.number();
        let line = line?;
        let number = line.number;
        match line.text.and_then(|text| Ok((text.len(), mould.event(text, Some(number))?))) {
            Ok((size, event)) => {
                let room = progress.room.acquire_many(u32::try_from(size).unwrap_or(u32::MAX)).await;
                room.expect("it is never closed").forget();
                progress.report().under_way(number, size);
                return Some(event);
            }
            Err(problem) => progress.report().refuse(number, problem),
        }
    }
}
