//! The nearest Rust peer, as its documentation says: `ruststream` on NATS, with workers by key.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use ruststream_nats::prelude::*;

use crate::event::Event;
use crate::tally::tally;

/// Never the limit.
const PENDING: i64 = 10_000;

struct Sum;

impl Handle<Event> for Sum {
    async fn handle(&self, event: &Event, (): &(), _: &mut Context<'_>) -> Result<(), HandlerOutcome> {
        tally().add(event);
        Ok(())
    }
}

/// Consumes until killed.
pub(crate) async fn main() -> ExitCode {
    let job = &tally().job;
    let url = std::env::var("NATS_URL").expect("the bench tells its contestants their server");
    let workers = NonZeroUsize::new(job.workers).unwrap_or(NonZeroUsize::MIN);
    let stream = JetStreamSubject::new(format!("{}.*", job.stream), &job.stream)
        .durable(&job.consumer)
        .max_ack_pending(PENDING);
    let app = RustStream::new(AppInfo::new("bench", "0.1.0")).with_broker(NatsBroker::new(url), |broker| {
        broker.include(subscriber(stream, Sum).workers_by_key(workers).build());
    });
    match app.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
