//! Streams that are reckoned, and actors that wait for what they emit into.

mod gate;
mod reckoner;

use std::time::{Duration, SystemTime};

use crate::message::{Flow, FlowState};

/// What an instance says of a stream now.
fn flow(stream: &str, state: FlowState) -> Flow {
    Flow {
        stream: stream.to_owned(),
        subjects: Vec::new(),
        state,
        since: SystemTime::UNIX_EPOCH,
        rate: None,
        stored: 0.0,
        done: 0.0,
        pressure: None,
        full_in: None,
        holds: 5000,
        instance: "other".to_owned(),
        // No two are written at the same time.
        written: SystemTime::UNIX_EPOCH + Duration::from_nanos(written()),
    }
}

fn written() -> u64 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    COUNT.fetch_add(1_000_000, std::sync::atomic::Ordering::Relaxed)
}
