//! Where to look next, once the demo has told what it saw.

use std::fmt;

/// What one can do next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guide<'a> {
    /// Where the private nats-server listens.
    pub(super) url: &'a str,
    /// Whether it stays up.
    pub(super) is_kept: bool,
    /// Whether traces were exported.
    pub(super) is_traced: bool,
}

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url;
        writeln!(f, "Where to look next")?;
        if self.is_kept {
            writeln!(f, "  tidegate dead-letters list --nats-url {url}    why each of them failed")?;
            writeln!(f, "  tidegate dead-letters show 1 --nats-url {url}  the order and all its attempts")?;
            writeln!(f, "  nats --server {url} stream ls                  what lies in the streams")?;
        } else {
            writeln!(f, "  --keep leaves all of it running, to look at the streams and the dead letters")?;
        }
        if self.is_traced {
            writeln!(
                f,
                "  Each order is one trace across the actors, in the collector of OTEL_EXPORTER_OTLP_ENDPOINT."
            )?;
        } else {
            writeln!(
                f,
                "  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 makes each order a trace across the actors"
            )?;
        }
        if self.is_kept {
            write!(f, "Running until Ctrl-C.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_server_only_while_it_runs() {
        let guide = |is_kept| Guide { url: "nats://127.0.0.1:4000", is_kept, is_traced: false }.to_string();

        assert!(guide(true).contains("nats://127.0.0.1:4000"));
        assert!(!guide(false).contains("nats://127.0.0.1:4000"));
    }
}
