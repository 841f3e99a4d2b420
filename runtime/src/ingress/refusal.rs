//! What a request is told when its event could not be published.

use std::time::Duration;

use tidegate_producer::PublishError;
use tracing::warn;

use crate::http::{Code, Problem};

/// When to ask a full stream again: nobody knows when it has room.
const FULL: Duration = Duration::from_secs(1);

/// How long to leave a broker that does not answer alone.
const AWAY: Duration = Duration::from_secs(5);

/// The answer for an event that was not published, or may not have been.
///
/// What the server said stays here: it is for the operator, and the client cannot change it.
pub(super) fn of(error: PublishError) -> Problem {
    match error {
        PublishError::Overloaded { retry_after, reason } => {
            Problem::new(Code::Overloaded, reason).retry_after(retry_after)
        }
        PublishError::Full { .. } => {
            Problem::new(Code::Overloaded, "the stream is full").retry_after(FULL)
        }
        PublishError::TooLarge { limit, .. } => {
            Problem::new(Code::TooLarge, format!("the event is larger than the {limit} bytes that are taken"))
        }
        PublishError::BadSubject { .. } => Problem::new(Code::BadField, error.to_string()),
        PublishError::BadHeader { .. } => Problem::new(Code::BadId, error.to_string()),
        PublishError::Unknown { .. } | PublishError::Closed => {
            Problem::new(
                Code::MayBeStored,
                "the broker did not answer, so the event may be stored; sent again with the same id it is stored once",
            )
            .retry_after(AWAY)
        }
        PublishError::NoStream { .. } | PublishError::Unauthorised { .. } | PublishError::Refused { .. } => {
            warn!(%error, "an event that the ingress took cannot be published");
            Problem::new(Code::Unavailable, "the event was not stored: the stream does not take it at this moment")
                .retry_after(AWAY)
        }
        _ => {
            warn!(%error, "an event that the ingress took cannot be published");
            Problem::new(Code::MayBeStored, "the event may be stored").retry_after(AWAY)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> String {
        "orders.7.placed".to_owned()
    }

    #[test]
    fn overload_is_never_an_error_of_the_server() {
        let overloaded =
            PublishError::Overloaded { retry_after: Duration::from_secs(3), reason: "it lags".to_owned() };

        let statuses = [of(overloaded), of(PublishError::Full { subject: subject() })]
            .map(|problem| (problem.code.status().as_u16(), problem.retry.is_some()));

        assert_eq!(statuses, [(429, true), (429, true)]);
    }

    #[test]
    fn who_may_have_stored_it_says_so() {
        let problem = of(PublishError::Unknown { subject: subject(), waited: Duration::from_secs(5) });

        assert_eq!((problem.code, problem.code.status().as_u16()), (Code::MayBeStored, 503));
        assert!(problem.detail.contains("same id"), "{problem:?}");
    }

    #[test]
    fn what_the_server_says_is_not_passed_on() {
        let reason = "Permissions Violation for Publish".to_owned();

        let problem = of(PublishError::Unauthorised { subject: subject(), reason });

        assert_eq!(problem.code, Code::Unavailable);
        assert!(!problem.detail.contains("Permissions"), "{problem:?}");
    }
}
