//! The actix system that the engine lives in.

use std::future::Future;
use std::io;

use actix_rt::System;
use tokio::runtime::{Builder, Runtime};

/// Runs a future on a multi-thread Tokio runtime inside an actix system, and ends the system with it.
///
/// All I/O stays on this runtime's threads; partitions run on [`Threads`](super::Threads) of their own. Must be called
/// from a plain thread: inside a Tokio runtime actix would panic.
///
/// # Errors
/// When the system has no threads or descriptors for a runtime.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    // Actix asks for a runtime with a function that cannot fail, so the failure is found before.
    let mut runtime = Some(io_runtime()?);
    let system = System::with_tokio_rt(|| runtime.take().expect("actix asks once"));
    Ok(system.block_on(future))
}

fn io_runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().thread_name("io").enable_all().build()
}
