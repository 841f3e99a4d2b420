//! Writes logs to standard error, as text or JSON, with the ids of the trace they belong to.

use std::fmt;
use std::io::{self, IsTerminal};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::bridge;
use super::init::{LogFormat, Options, TelemetryError};

const DEFAULT_FILTER: &str = "info";
/// Logs that repeat per batch what [`super::export`] says once. A filter that names them still wins.
const SILENCED: &str = "rustls_platform_verifier=off";
const FILTER_VARIABLE: &str = "RUST_LOG";

/// Makes the process's `tracing` subscriber: logs and, where there is a `tracer`, handlers' spans.
pub(super) fn install(options: &Options, tracer: Option<SdkTracer>) -> Result<(), TelemetryError> {
    let is_coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = lines(options.log_format, io::stderr, is_coloured).with_filter(filter(options)?);
    tracing_subscriber::registry().with(lines).with(tracer.map(bridge::layer)).try_init()?;
    Ok(())
}

fn filter(options: &Options) -> Result<EnvFilter, TelemetryError> {
    let variable = std::env::var(FILTER_VARIABLE).ok().filter(|value| !value.trim().is_empty());
    let (origin, filter) = match (variable, &options.log_filter) {
        (Some(filter), _) => (FILTER_VARIABLE, filter),
        (None, Some(filter)) => ("the options", filter.clone()),
        (None, None) => ("the defaults", DEFAULT_FILTER.to_owned()),
    };
    EnvFilter::try_new(format!("{SILENCED},{filter}")).map_err(|source| TelemetryError::LogFilter {
        origin,
        filter,
        source,
    })
}

fn lines<W>(log_format: LogFormat, writer: W, is_coloured: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match log_format {
        LogFormat::Text => layer.with_ansi(is_coloured).event_format(Traced::text(is_coloured)).boxed(),
        LogFormat::Json => layer.fmt_fields(JsonFields::new()).event_format(Traced::json()).boxed(),
    }
}

/// A format whose lines carry the ids of the current trace and span.
struct Traced<F> {
    format: F,
    append: fn(&mut Writer<'_>, line: &str, span: &SpanContext) -> fmt::Result,
}

impl Traced<format::Format> {
    fn text(is_coloured: bool) -> Self {
        let append = |writer: &mut Writer<'_>, line: &str, span: &SpanContext| {
            writeln!(writer, "{line} trace_id={} span_id={}", span.trace_id(), span.span_id())
        };
        Self { format: format::format().with_ansi(is_coloured), append }
    }
}

impl Traced<format::Format<format::Json>> {
    fn json() -> Self {
        let append = |writer: &mut Writer<'_>, line: &str, span: &SpanContext| {
            let object = line.strip_suffix('}').ok_or(fmt::Error)?;
            let (trace_id, span_id) = (span.trace_id(), span.span_id());
            writeln!(writer, r#"{object},"trace_id":"{trace_id}","span_id":"{span_id}"}}"#)
        };
        Self { format: format::json().flatten_event(true).with_span_list(false), append }
    }
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let span = Context::map_current(|cx| cx.span().span_context().clone());
        if !span.is_valid() {
            return self.format.format_event(cx, writer, event);
        }
        let mut line = String::new();
        self.format.format_event(cx, Writer::new(&mut line), event)?;
        (self.append)(&mut writer, line.trim_end(), &span)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is written for a line of an attempt and for one outside.
    fn written(log_format: LogFormat) -> Vec<String> {
        let written = Written::default();
        let subscriber = tracing_subscriber::registry().with(lines(log_format, written.clone(), false));
        tracing::subscriber::with_default(subscriber, || {
            let span = SpanContext::new(
                TraceId::from(10),
                SpanId::from(11),
                TraceFlags::SAMPLED,
                true,
                TraceState::default(),
            );
            let attached = Context::new().with_remote_span_context(span).attach();
            tracing::warn!(actor = "payments", "it \"broke\"\n{{}}");
            drop(attached);
            tracing::info!("started");
        });
        let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("text").lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn text_ends_with_the_ids_of_the_trace() {
        let text = written(LogFormat::Text);

        let (within, outside) = (&text[text.len() - 2], &text[text.len() - 1]);
        assert!(
            within.ends_with("trace_id=0000000000000000000000000000000a span_id=000000000000000b"),
            "{within}"
        );
        assert!(outside.ends_with("started"), "{outside}");
    }

    #[test]
    fn json_carries_the_ids_of_the_trace() {
        let json = written(LogFormat::Json);

        let objects: Vec<serde_json::Value> =
            json.iter().map(|line| serde_json::from_str(line).expect("an object per line")).collect();
        assert_eq!(objects[0]["trace_id"], "0000000000000000000000000000000a");
        assert_eq!(objects[0]["span_id"], "000000000000000b");
        assert_eq!(objects[0]["actor"], "payments");
        assert_eq!(objects[0]["message"], "it \"broke\"\n{}");
        assert_eq!(objects[1].get("trace_id"), None);
    }
}
