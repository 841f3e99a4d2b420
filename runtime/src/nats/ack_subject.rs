//! The subject on which a delivery is settled, `$JS.ACK.…`: which message it is and how often it was delivered (ADR-15).

use std::time::{Duration, SystemTime};

const START: &str = "$JS.ACK.";

/// What the reply subject of a delivered message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AckSubject<'a> {
    /// All up to and with the consumer's name: the same for every delivery of a consumer.
    pub(super) consumer: &'a str,
    /// How often the message was delivered, from 1.
    pub(super) delivered: u32,
    /// The message's sequence in its stream.
    pub(super) sequence: u64,
    /// The consumer's own sequence of this delivery.
    pub(super) delivery: u64,
    /// When the stream stored it.
    pub(super) published: SystemTime,
}

impl<'a> AckSubject<'a> {
    /// Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<time>.<pending>`, with or
    /// without a domain and an account's hash before the stream, and then perhaps with one more token behind. Allocates
    /// nothing.
    pub(super) fn parse(reply: &'a str) -> Option<Self> {
        let without_domain = after_tokens(reply.strip_prefix(START)?.as_bytes(), 2)?;
        let (tail, numbers) = match numbers(without_domain) {
            Some((numbers, [])) => (without_domain, numbers),
            _ => {
                let with_domain = after_tokens(without_domain, 2)?;
                let (numbers, behind) = numbers(with_domain)?;
                if after_tokens(behind, 2).is_some() {
                    return None;
                }
                (with_domain, numbers)
            }
        };
        let [delivered, sequence, delivery, published, _pending] = numbers;
        Some(Self {
            consumer: &reply[..reply.len() - tail.len() - 1],
            delivered: delivered.try_into().ok()?,
            sequence,
            delivery,
            published: SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(published))?,
        })
    }
}

/// What is behind so many dots.
fn after_tokens(text: &[u8], count: usize) -> Option<&[u8]> {
    (0..count).try_fold(text, |text, _| {
        let dot = text.iter().position(|&byte| byte == b'.')?;
        Some(&text[dot + 1..])
    })
}

/// Five numbers between dots, and what is behind them, with its dot.
fn numbers(text: &[u8]) -> Option<([u64; 5], &[u8])> {
    let mut numbers = [0; 5];
    let mut rest = text;
    for (at, number) in numbers.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        (*number, rest) = leading_number(rest)?;
    }
    matches!(rest, [] | [b'.', ..]).then_some((numbers, rest))
}

/// A number of digits alone, where `str::parse` would take a sign, too, and what is behind it.
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut rest) = (0_u64, text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    // So many digits fit, whatever they are.
    (1..=19).contains(&(text.len() - rest.len())).then_some((number, rest))
}

/// All up to and with the consumer's name, as a server without domains writes it.
pub(super) fn consumer(stream: &str, consumer: &str) -> String {
    format!("{START}{stream}.{consumer}")
}

/// A subject on which the delivery of `sequence` can be settled by who does not hold it: the server looks only at the
/// stream sequence, and ignores consumer sequences out of range.
pub(super) fn for_sequence(consumer: &str, sequence: u64, consumer_sequence: u64) -> String {
    format!("{consumer}.1.{sequence}.{consumer_sequence}.0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_writes() {
        let parsed = AckSubject::parse("$JS.ACK.ORDERS.shop-payments.2.1207.1311.1763760000000000001.40");

        let published = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_763_760_000_000_000_001);
        let expected = AckSubject {
            consumer: "$JS.ACK.ORDERS.shop-payments",
            delivered: 2,
            sequence: 1207,
            delivery: 1311,
            published,
        };
        assert_eq!(parsed, Some(expected));
    }

    #[test]
    fn reads_domain_and_account() {
        for tail in ["", ".xyz"] {
            let reply = format!("$JS.ACK.hub.Ab3.ORDERS.pay.1.7.8.9.0{tail}");

            let parsed = AckSubject::parse(&reply).expect("an ack subject");

            assert_eq!((parsed.consumer, parsed.sequence), ("$JS.ACK.hub.Ab3.ORDERS.pay", 7));
        }
        // A stream and a consumer may be called by numbers.
        let parsed = AckSubject::parse("$JS.ACK.1.2.3.4.5.6.7.8.9").expect("an ack subject");
        assert_eq!((parsed.consumer, parsed.sequence), ("$JS.ACK.1.2.3.4", 6));
    }

    #[test]
    fn writes_what_it_reads() {
        let written = for_sequence(&consumer("ORDERS", "pay"), 7, 9);

        let read = AckSubject::parse(&written).expect("an ack subject");

        assert_eq!((read.consumer, read.sequence), ("$JS.ACK.ORDERS.pay", 7));
    }

    #[test]
    fn refuses_everything_else() {
        for reply in [
            "",
            "$JS.ACK.",
            "_INBOX.a.b",
            "$JS.ACK.S.C.1.2.3.4",
            "$JS.ACK.S.C.x.2.3.4.5",
            "$JS.ACK.S.C.1.+2.3.4.5",
            "$JS.ACK.S.C.1.2.3.4.5.6",
            "$JS.ACK.S.C.1.2.3.4.5x",
            "$JS.ACK.hub.Ab3.S.C.1.2.3.4",
            "$JS.ACK.hub.Ab3.S.C.1.2.3.4.5.xyz.6",
        ] {
            assert_eq!(AckSubject::parse(reply), None, "{reply}");
        }
        assert_eq!(AckSubject::parse(&format!("$JS.ACK.S.C.1.2.3.{}.5", u128::MAX)), None);
        assert_eq!(AckSubject::parse(&"$JS.ACK.a".replace('a', "a.a.a.a.a.a.a.a.a.a.a.a")), None);
    }
}
