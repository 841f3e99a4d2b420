//! Subjects: which can be published to, and which filter takes which.

/// The longest subject that is published to, in bytes; the server limits only the whole protocol line (4 KiB).
const LONGEST: usize = 1024;

/// What is wrong with a subject that cannot be published to.
///
/// A publish to `$JS.API.STREAM.DELETE.X` would be obeyed, and one to a wildcard would be stored under that name.
pub(crate) fn complaint(subject: &str) -> Option<&'static str> {
    let bytes = subject.as_bytes();
    if bytes.is_empty() {
        return Some("is empty");
    }
    if bytes.len() > LONGEST {
        return Some("is longer than 1024 bytes");
    }
    if bytes[0] == b'$' || subject == "_INBOX" || subject.starts_with("_INBOX.") {
        return Some("is the server's own");
    }
    let mut before = b'.';
    for &byte in bytes {
        match byte {
            b'.' if before == b'.' => return Some("has an empty token"),
            b'*' | b'>' => return Some("has a wildcard"),
            0..=b' ' | 0x7f => return Some("has a blank or a control character"),
            _ => before = byte,
        }
    }
    (before == b'.').then_some("has an empty token")
}

/// Whether a NATS subject filter takes `subject`.
pub(crate) fn is_taken(filter: &str, subject: &str) -> bool {
    let mut parts = subject.split('.');
    for token in filter.split('.') {
        match (token, parts.next()) {
            (_, None) => return false,
            (">", Some(_)) => return true,
            (token, Some(part)) if token != "*" && token != part => return false,
            _ => {}
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_no_event_may_go_to() {
        assert_eq!(complaint("orders.4711.placed"), None);
        assert_eq!(complaint("bestellungen.ä"), None);
        for subject in
            ["", ".", "a.", ".a", "a..b", "a b", "a\r\nPUB x", "a.*", "a.>", "$JS.API.X", "_INBOX.x"]
        {
            assert!(complaint(subject).is_some(), "{subject:?} was let through");
        }
        assert!(complaint(&"x".repeat(LONGEST + 1)).is_some());
    }

    #[test]
    fn filters_take_what_nats_would_give_them() {
        assert!(is_taken("orders.*.placed", "orders.1.placed"));
        assert!(is_taken("orders.>", "orders.1.placed"));
        assert!(is_taken(">", "orders"));
        assert!(!is_taken("orders.>", "orders"));
        assert!(!is_taken("orders.*", "orders.1.placed"));
        assert!(!is_taken("orders.*.placed", "orders.1"));
        assert!(!is_taken("orders.*.placed", "orders.1.paid"));
    }
}
