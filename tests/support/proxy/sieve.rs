//! Takes single messages out of one direction of a connection that speaks the NATS protocol.

/// Follows the protocol from the first byte on, since it can only be cut between messages.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    /// The start of a protocol line.
    line: Vec<u8>,
    /// How much of the payload is still to come.
    rest: usize,
    is_lost: bool,
    lost: usize,
}

impl Sieve {
    /// What is left of `bytes` without the messages whose protocol line contains `lost`. The start of a line is kept
    /// until its end is there.
    pub(super) fn sift(&mut self, mut bytes: &[u8], lost: Option<&str>) -> Vec<u8> {
        let mut left = Vec::with_capacity(self.line.len() + bytes.len());
        while !bytes.is_empty() {
            if self.rest > 0 {
                let (payload, others) = bytes.split_at(self.rest.min(bytes.len()));
                if !self.is_lost {
                    left.extend_from_slice(payload);
                }
                self.rest -= payload.len();
                bytes = others;
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let (line, others) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            bytes = others;
            if line.ends_with(b"\n") {
                left.append(&mut self.begin(lost));
            }
        }
        left
    }

    /// How many messages were taken out since this was asked last.
    pub(super) fn take_lost(&mut self) -> usize {
        std::mem::take(&mut self.lost)
    }

    fn begin(&mut self, lost: Option<&str>) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let mut words = text.split_ascii_whitespace();
        let has_payload = matches!(words.next(), Some("PUB" | "HPUB" | "MSG" | "HMSG"));
        let length: usize =
            if has_payload { words.last().and_then(|word| word.parse().ok()).unwrap_or(0) } else { 0 };
        self.rest = if has_payload { length + "\r\n".len() } else { 0 };
        self.is_lost = has_payload && lost.is_some_and(|lost| text.contains(lost));
        self.lost += usize::from(self.is_lost);
        if self.is_lost { Vec::new() } else { line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loses_what_it_should_wherever_the_bytes_are_cut() {
        let sent = b"PING\r\nMSG a 1 $JS.ACK.x 7\r\nPING\r\n!\r\nHMSG b 1 4 6\r\n\r\n\r\nab\r\nPONG\r\n";
        for cut in 0..sent.len() {
            let mut sieve = Sieve::default();
            let mut left = sieve.sift(&sent[..cut], Some("$JS.ACK."));
            left.extend(sieve.sift(&sent[cut..], Some("$JS.ACK.")));

            assert_eq!(left, b"PING\r\nHMSG b 1 4 6\r\n\r\n\r\nab\r\nPONG\r\n", "cut at {cut}");
            assert_eq!(sieve.take_lost(), 1);
        }
    }
}
