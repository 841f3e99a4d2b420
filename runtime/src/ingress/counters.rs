//! What the ingress counts, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

/// What the ingress has done since it was started. All of it only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct IngressSnapshot {
    /// Requests that were answered with 2xx.
    pub(super) succeeded: u64,
    /// Requests that were answered with 4xx, throttled and refused ones included.
    pub(super) client_errors: u64,
    /// Requests that were answered with 5xx.
    pub(super) server_errors: u64,
    /// Requests that were answered with 429: a stream did not take them, or the client sent too many.
    pub(super) throttled: u64,
    /// Requests that were let in by nobody: 401 and 403.
    pub(super) refused: u64,
    /// Events that are stored.
    pub(super) events: u64,
    /// Bytes of the bodies of those.
    pub(super) bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    succeeded: AtomicU64,
    client_errors: AtomicU64,
    server_errors: AtomicU64,
    throttled: AtomicU64,
    refused: AtomicU64,
    events: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// Counts an answer.
    pub(super) fn answered(&self, status: StatusCode) {
        let class = match status.as_u16() {
            ..400 => &self.succeeded,
            400..500 => &self.client_errors,
            500.. => &self.server_errors,
        };
        class.fetch_add(1, Ordering::Relaxed);
        match status {
            StatusCode::TOO_MANY_REQUESTS => self.throttled.fetch_add(1, Ordering::Relaxed),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.refused.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// Counts an event that is stored.
    pub(super) fn stored(&self, bytes: usize) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> IngressSnapshot {
        IngressSnapshot {
            succeeded: self.succeeded.load(Ordering::Relaxed),
            client_errors: self.client_errors.load(Ordering::Relaxed),
            server_errors: self.server_errors.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_in_its_class_and_by_its_cause() {
        let counters = Counters::default();

        for status in [202, 429, 401, 403, 404, 503] {
            counters.answered(StatusCode::from_u16(status).expect("a status"));
        }

        let snapshot = counters.snapshot();
        assert_eq!((snapshot.succeeded, snapshot.client_errors, snapshot.server_errors), (1, 4, 1));
        assert_eq!((snapshot.throttled, snapshot.refused), (1, 2));
    }
}
