//! Entity keys as keys of a key-value bucket, whose alphabet is smaller (ADR-8).

/// The longest key that still makes a subject, in bytes.
const MAX_LENGTH: usize = 1024;

/// The bucket's key of an entity: what bucket keys cannot have is written as `=XX`, byte by byte. Different entities
/// have different keys. `None` for a key that is too long.
pub(super) fn encode(key: &str) -> Option<String> {
    let bytes = key.as_bytes();
    let mut encoded = String::with_capacity(bytes.len());
    for (position, &byte) in bytes.iter().enumerate() {
        let is_kept = match byte {
            b'-' | b'/' | b'_' => true,
            b'.' => is_inside(bytes, position),
            _ => byte.is_ascii_alphanumeric(),
        };
        if is_kept {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['=', hex(byte >> 4), hex(byte & 0xf)]);
        }
    }
    if encoded.is_empty() {
        encoded.push('=');
    }
    (encoded.len() <= MAX_LENGTH).then_some(encoded)
}

/// Whether the dot at `position` separates two tokens that are not empty.
fn is_inside(bytes: &[u8], position: usize) -> bool {
    position > 0 && position + 1 < bytes.len() && bytes[position - 1] != b'.'
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoded: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = encoded.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first != b'=' {
                bytes.push(first);
                rest = tail;
            } else if tail.is_empty() {
                break;
            } else {
                let digits = str::from_utf8(&tail[..2]).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = &tail[2..];
            }
        }
        String::from_utf8(bytes).expect("what was encoded")
    }

    #[test]
    fn plain_keys_stay_as_they_are() {
        for key in ["42", "order-7_a/b", "eu.berlin.42"] {
            assert_eq!(encode(key).as_deref(), Some(key));
        }
    }

    #[test]
    fn every_key_becomes_a_valid_one_and_comes_back() {
        let keys = [
            "",
            ".",
            "..",
            ".a",
            "a.",
            "a..b",
            "a...b",
            "=",
            "=2E",
            "a b",
            "*",
            ">",
            "ä\u{0}€",
            "$KV",
            "a=b",
        ];

        for key in keys {
            let encoded = encode(key).expect("short enough");

            let has_valid_characters =
                encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/_=.".contains(&byte));
            assert!(
                has_valid_characters && encoded.split('.').all(|token| !token.is_empty()),
                "{key}: {encoded}"
            );
            assert_eq!(decode(&encoded), key);
        }
    }

    #[test]
    fn a_key_that_makes_no_subject_is_refused() {
        assert!(encode(&"x".repeat(MAX_LENGTH)).is_some());
        assert_eq!(encode(&"x".repeat(MAX_LENGTH + 1)), None);
        assert_eq!(encode(&"ä".repeat(MAX_LENGTH / 2)), None);
    }
}
