//! Exports the spans that handlers make with `tracing`, as children of the attempt they run in.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{self, Filter};
use tracing_subscriber::registry::LookupSpan;

/// Which spans and events of handlers are exported, at most.
const MOST_VERBOSE: LevelFilter = LevelFilter::INFO;

/// A layer that exports spans made within a sampled attempt, and no others: nothing starts a trace of its own.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(WithinSampled)
}

/// Lets through what happens while a sampled span is current.
struct WithinSampled;

impl<S> Filter<S> for WithinSampled {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        *metadata.level() <= MOST_VERBOSE && Context::map_current(|cx| cx.span().span_context().is_sampled())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= MOST_VERBOSE { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(MOST_VERBOSE)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
    };
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// The spans that a handler's code exports within a context, and whether each is a child of that context's span.
    fn exported(context: impl FnOnce(&SdkTracer) -> Context) -> Vec<(String, bool)> {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let tracer = provider.tracer("test");
        let subscriber = tracing_subscriber::registry().with(layer(tracer.clone()));
        let context = context(&tracer);
        let parent = context.span().span_context().span_id();

        tracing::subscriber::with_default(subscriber, || {
            let _attached = context.attach();
            tracing::info_span!("charge card")
                .in_scope(|| tracing::debug_span!("too verbose").in_scope(|| {}));
        });

        let spans = exporter.get_finished_spans().expect("the exporter works");
        spans.into_iter().map(|span| (span.name.into_owned(), span.parent_span_id == parent)).collect()
    }

    #[test]
    fn a_span_within_a_sampled_attempt_is_its_child() {
        let spans = exported(|tracer| Context::new().with_span(tracer.start("process")));

        let children: Vec<_> = spans.iter().filter(|(name, _)| name != "process").collect();
        assert_eq!(children, [&("charge card".to_owned(), true)]);
    }

    #[test]
    fn a_span_within_an_attempt_that_is_not_sampled_is_not_exported() {
        let unsampled = SpanContext::new(
            TraceId::from(1),
            SpanId::from(1),
            TraceFlags::default(),
            true,
            TraceState::default(),
        );

        assert_eq!(exported(|_| Context::new().with_remote_span_context(unsampled)), []);
    }

    #[test]
    fn a_span_outside_of_any_attempt_is_not_exported() {
        assert_eq!(exported(|_| Context::new()), []);
    }
}
