//! What a cluster answers while it elects its leaders, and how long that may take.

use std::time::Duration;

use async_nats::jetstream::{Error, ErrorCode};

/// How long an election may take: the server notices after up to 10 s that a leader is gone, and one vote may fail.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before the same question.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Whether the server refuses because it, or another one, has not found its place in the cluster yet.
pub(super) fn is_under_way(refusal: &Error) -> bool {
    matches!(
        refusal.error_code(),
        ErrorCode::CLUSTER_NOT_AVAILABLE
            | ErrorCode::CLUSTER_NOT_LEADER
            | ErrorCode::CLUSTER_INCOMPLETE
            | ErrorCode::CLUSTER_NO_PEERS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u64) -> Error {
        let text = format!(r#"{{"code":503,"err_code":{code},"description":""}}"#);
        serde_json::from_str(&text).expect("an error of the server")
    }

    #[test]
    fn an_election_passes_and_a_missing_jetstream_does_not() {
        let passes = [10_008, 10_039, 10_005, 10_047].map(|code| is_under_way(&refusal(code)));

        assert_eq!(passes, [true, false, true, false]);
    }
}
