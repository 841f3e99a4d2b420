//! Headers on their way from and to async-nats.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use tidegate::Headers;

use super::pin::PIN_ID;

/// Takes the headers of a received message, but for the server's note about who is pinned. They lost their order on the
/// way, so they are put into that of their names: equal messages have equal headers.
pub(super) fn received(map: &HeaderMap) -> Headers {
    let mut pairs: Vec<(String, String)> = map
        .iter()
        .map(|(name, values)| (AsRef::<str>::as_ref(name), values))
        .filter(|(name, _)| *name != PIN_ID)
        .flat_map(|(name, values)| values.iter().map(|value| (name.to_owned(), value.as_str().to_owned())))
        .collect();
    // Stable: the values of one name keep their order.
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    pairs.into_iter().collect()
}

/// Makes headers ready to be sent. What the protocol cannot carry is replaced, since a message that can never be sent
/// would block its entity for ever: line breaks in values by spaces, and what names cannot have by `_`.
pub(super) fn sent(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        map.append(header_name(name), header_value(value));
    }
    map
}

/// The value, on one line.
pub(super) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| {
        HeaderValue::from_str(&text.replace(['\r', '\n'], " ")).expect("a value without line breaks is valid")
    })
}

/// Reads a stored header block (ADR-4) and skips what is malformed: the server stores anything, but async-nats takes
/// a whole message with such a line for a broken connection.
pub(super) fn parse(block: &[u8]) -> Headers {
    String::from_utf8_lossy(block)
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name, value.trim()))
        .collect()
}

fn header_name(text: &str) -> HeaderName {
    let is_valid = |character: char| character.is_ascii_graphic() && character != ':';
    match HeaderName::from_str(text) {
        Ok(name) if !text.is_empty() => name,
        Ok(_) => HeaderName::from_static("_"),
        Err(_) => text
            .chars()
            .map(|character| if is_valid(character) { character } else { '_' })
            .collect::<String>()
            .parse()
            .expect("only valid characters are left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn come_back_as_they_were_sent() {
        // The client keeps names in no order: so many are not in theirs by chance.
        let names = ["Customer", "Nats-Msg-Id", "a", "b", "c", "d", "traceparent", "x"];
        let two_each = names.iter().flat_map(|name| [(*name, "7"), (*name, "ä")]);
        let headers: Headers = two_each.collect();

        assert_eq!(received(&sent(&headers)), headers);
    }

    #[test]
    fn nothing_that_a_header_may_hold_breaks_the_protocol() {
        let hostile: Headers = [
            ("", "empty"),
            ("a:b", "colon"),
            ("Ü ber", "name"),
            ("v", "1\r\nNats-Rollup: all"),
            ("n", "\0\t"),
        ]
        .into_iter()
        .collect();

        let map = sent(&hostile);

        let pairs = received(&map);
        assert_eq!(pairs.len(), hostile.len());
        assert_eq!(pairs.get("v"), Some("1  Nats-Rollup: all"));
        assert_eq!(pairs.get("a_b"), Some("colon"));
        assert_eq!(pairs.get("__ber"), Some("name"));
        assert_eq!(pairs.get("_"), Some("empty"));
    }

    #[test]
    fn reads_stored_headers_whatever_their_state() {
        let block =
            b"NATS/1.0\r\nCustomer: 7\r\nno colon\r\n: nameless\r\nbad\xff: \xfe \r\nCustomer:8\r\n\r\n";

        let headers = parse(block);

        let pairs: Vec<_> = headers.iter().collect();
        assert_eq!(pairs, [("Customer", "7"), ("bad\u{fffd}", "\u{fffd}"), ("Customer", "8")]);
        assert!(parse(b"").is_empty());
    }
}
