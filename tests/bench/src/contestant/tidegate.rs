//! Tidegate as users run it, with the handlers of the bench.

use std::process::ExitCode;
use std::time::Duration;

use tidegate::prelude::*;

use crate::event::{Event, Summed};
use crate::tally::tally;

impl Emit for Summed {
    const PORT: &'static str = "summed";
}

/// Runs the topology of the working directory.
pub(crate) fn main() -> ExitCode {
    tidegate_runtime::main(|registry| {
        registry.add("sum", |_| Ok(handler_fn(sum)));
        registry.add("emit", |_| Ok(handler_fn(emit)));
        registry.add("state", |_| Ok(handler_fn_with_context(state)));
        registry.add("fail", |_| Ok(handler_fn_with_context(fail)));
        registry.add("wait", |_| Ok(handler_fn(wait)));
    })
}

async fn sum(event: Event) -> Result<()> {
    tally().add(&event);
    Ok(())
}

async fn emit(event: Event) -> Result<Summed> {
    tally().add(&event);
    Ok(event.into())
}

async fn state(event: Event, cx: &mut Context<u64>) -> Result<()> {
    cx.state += event.amount;
    tally().add(&event);
    Ok(())
}

async fn fail(event: Event, cx: &mut Context<()>) -> Result<()> {
    if cx.sequence().is_multiple_of(tally().job.fails_every) {
        return Err(HandlerError::new("failed as told"));
    }
    tally().add(&event);
    Ok(())
}

async fn wait(event: Event) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(tally().job.takes)).await;
    tally().add(&event);
    Ok(())
}
