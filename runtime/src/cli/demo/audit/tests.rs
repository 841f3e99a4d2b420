//! The auditor sees what it is there to see, whichever way an actor finds its keys.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tidegate::Headers;
use tidegate::subject::TokenNames;

use super::*;
use crate::cli::demo::books::Balance;
use crate::topology::parse;

fn topology(actor: &str) -> Topology {
    let text = format!(
        r#"
        name = "shop"
        [handlers]
        payments = "1"
        [streams.ORDERS]
        subjects = ["orders.{{order}}.*"]
        max_bytes = "1MiB"
        [streams.PAYMENTS]
        subjects = ["payments.{{order}}.*"]
        max_bytes = "1MiB"
        [actors.payments]
        handler = "payments"
        stream = "ORDERS"
        subjects = ["orders.{{order}}.placed"]
        emits = {{ done = "payments.{{order}}.done" }}
        {actor}
        "#
    );
    parse("topology.toml", &text, &|_| None).expect("a valid topology").topology
}

fn message(stream: &str, sequence: u64, subject: &str, headers: &[(&str, &str)]) -> Message {
    Message {
        subject: subject.into(),
        tokens: TokenNames::default(),
        headers: headers.iter().copied().collect::<Headers>(),
        payload: Bytes::from_static(br#"{"customer":{"id":7}}"#),
        stream: Arc::from(stream),
        sequence,
        published: SystemTime::UNIX_EPOCH + Duration::from_secs(sequence),
        key: bytestring::ByteString::new(),
    }
}

/// Two orders of one customer, answered the wrong way round.
fn overtaken(actor: &str) -> Balance {
    let topology = topology(actor);
    let mut audit = Audit::default();
    for sequence in [1, 2] {
        audit.take_input(&topology, &message("ORDERS", sequence, "orders.42.placed", &[("Customer", "7")]));
    }
    audit.take_input(&topology, &message("ORDERS", 3, "orders.42.paid", &[]));
    for (sequence, id) in [(4, "ORDERS:2:payments:0"), (5, "ORDERS:1:payments:0"), (6, "ORDERS:1:nobody:0")] {
        audit.take_answer(
            &topology,
            &message("PAYMENTS", sequence, "payments.42.done", &[("Nats-Msg-Id", id)]),
        );
    }
    audit.books.into_values().next().expect("the books of payments").close()
}

#[test]
fn overtaking_is_seen_however_the_key_is_found() {
    for key in ["", r#"key = { header = "Customer" }"#, r#"key = { json = "/customer/id" }"#] {
        let balance = overtaken(key);

        assert_eq!((balance.given, balance.lost, balance.order_violations), (2, 0, 1), "{key}");
    }
}

#[test]
fn without_order_nothing_can_be_overtaken() {
    assert_eq!(overtaken(r#"order = "none""#).order_violations, 0);
}
