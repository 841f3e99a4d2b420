//! Logs, traces and metrics of a command.

use std::time::Duration;

use tracing::warn;

use super::args::Global;
use super::failure::Failure;
use crate::telemetry::{Metering, Options, Telemetry, init};
use crate::topology::Finding;

/// How long the last spans may take to be exported.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// What is logged by a process that stays. What the NATS client tells of the connection we tell in our own words.
const NORMAL: &str = "info,async_nats=warn";

/// What is logged by a command that does one thing and ends.
const QUIET: &str = "warn";

/// Starts logs, traces and metrics of a process that stays. Must be called inside the Tokio runtime.
pub(super) fn start(global: &Global, service: &str, metering: Metering) -> Result<Telemetry, Failure> {
    begin(global, service, NORMAL, metering)
}

/// Starts logs of a command that does one thing and ends: only what goes wrong is told.
pub(super) fn start_quietly(global: &Global) -> Result<Telemetry, Failure> {
    begin(global, "tidegate", QUIET, Metering::Off)
}

/// Starts logs of a command that draws on the terminal: nothing is told unless it was asked for.
pub(super) fn start_silently(global: &Global) -> Result<Telemetry, Failure> {
    begin(global, "tidegate", "off", Metering::Off)
}

/// Exports what is left, for a bounded time.
pub(super) async fn stop(telemetry: Telemetry) {
    let shutdown = tokio::task::spawn_blocking(move || telemetry.shutdown(SHUTDOWN));
    if let Err(error) = shutdown.await {
        warn!(%error, "the last spans may not have been exported");
    }
}

/// Logs what one should know about a topology that runs all the same.
pub(super) fn warn_of(findings: &[Finding]) {
    for finding in findings {
        let (rule, line) = (finding.rule, finding.position().line);
        warn!(%rule, file = finding.file(), line, consequence = %finding.consequence, "{finding}");
    }
}

fn begin(
    global: &Global,
    service: &str,
    default_filter: &str,
    metering: Metering,
) -> Result<Telemetry, Failure> {
    let options = Options {
        service_name: service.to_owned(),
        instance: instance(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_format: global.log_format.into(),
        log_filter: Some(global.log.clone().unwrap_or_else(|| default_filter.to_owned())),
        metering,
    };
    Ok(init(&options)?)
}

/// `{host}-{process id}`.
fn instance() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    format!("{}-{}", host.as_deref().unwrap_or("localhost"), std::process::id())
}
