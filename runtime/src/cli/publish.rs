//! `tidegate publish`: JSON lines to a stream, each awaited until it is stored.

mod address;
mod lines;
mod pace;
mod report;
mod taken;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::future::ready;
use futures_util::{Stream, StreamExt, stream};
use tidegate::subject::Pattern;
use tidegate_producer::{Event, Producer, PublishError};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::logging;
use crate::engine::system;
use crate::nats::names;
use crate::topology::Nats;
use address::{Address, BadLine};
use lines::Line;
use pace::Pace;
use report::{Progress, Report};
use taken::Taken;

/// How many publications are under way at a time.
const WINDOW: usize = 256;

/// What `tidegate publish` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The subject; `{name}` is replaced by the field `name` of each line: `orders.{order}.{event}`.
    subject: Pattern,
    /// A file with one JSON value per line; standard input when left out or `-`.
    file: Option<PathBuf>,
    /// The most messages per second.
    #[arg(long, value_name = "N")]
    rate: Option<NonZero<u32>>,
    /// The field whose value becomes the `Nats-Msg-Id`: what was stored within the stream's duplicate window is not
    /// stored again.
    #[arg(long, value_name = "FIELD")]
    id_field: Option<String>,
    /// The name of the topology whose backpressure is heeded; that of the topology file when left out.
    #[arg(long, value_name = "NAME")]
    topology_name: Option<String>,
    /// A header for every message; can be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Goes on after a line that cannot be published.
    #[arg(long)]
    skip_bad: bool,
    /// What the report looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// Why a line was not published.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Bad(#[from] BadLine),
    #[error(transparent)]
    Refused(#[from] PublishError),
}

/// How often the progress tells whether we are held back.
const TELL: Duration = Duration::from_millis(250);

/// Publishes the lines.
pub(super) fn publish(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let published = publish_all(global, arguments).await;
        logging::stop(telemetry).await;
        published
    })?
}

async fn publish_all(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let (input, size) = open(arguments.file.as_deref())?;
    let (nats, name, topology) = destination(global)?;
    let connection = arguments.nats.connect(&nats, &name).await?;
    let lines = lines::read(BufReader::new(input), connection.max_payload())?;
    let builder = connection.producer().window(WINDOW);
    let builder = match arguments.topology_name.clone().or(topology) {
        Some(topology) => builder.topology(topology),
        None => builder,
    };
    let producer = builder.connect().await.map_err(|error| Failure::new(Exit::Usage, error))?;
    let report = publish_lines(&producer, arguments, lines, Progress::new(size)).await?;
    report.print(arguments.format)?;
    Ok(if report.is_complete() { Exit::Done } else { Exit::Failed })
}

/// Publishes in the order of the lines. The first that cannot be published is the last, unless asked to go on; what is
/// on its way by then is awaited.
async fn publish_lines(
    producer: &Producer,
    arguments: &Arguments,
    lines: mpsc::Receiver<io::Result<Line>>,
    progress: Progress,
) -> Result<Report, Failure> {
    let address = Address::new(arguments.subject.clone(), arguments.id_field.clone());
    let stop = CancellationToken::new();
    let stop_unless_skipping = || {
        if !arguments.skip_bad {
            stop.cancel();
        }
    };
    let taken = Taken::default();
    let events = paced(lines, Pace::new(arguments.rate)).take_until(stop.cancelled()).filter_map(|line| {
        let event = taken.take(line, |line| event(&address, &arguments.headers, line));
        if event.is_none() {
            stop_unless_skipping();
        }
        ready(event)
    });

    let mut report = Report::new();
    let mut results = std::pin::pin!(producer.publish_all(events));
    let mut tell = interval(TELL);
    tell.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let (result, is_over) = tokio::select! {
            result = results.next() => match result {
                Some(result) => (Some(result), false),
                None => (None, true),
            },
            _ = tell.tick() => {
                progress.tell_flow(taken.subject().and_then(|subject| producer.flow(&subject)));
                (None, false)
            }
        };
        let result = result.map(|result| result.map(drop).map_err(|unpublished| unpublished.error));
        for outcome in taken.give(result) {
            progress.advance(outcome.bytes);
            match outcome.result {
                Ok(()) => report.published(),
                Err(error) => {
                    stop_unless_skipping();
                    progress.tell(&format!("line {}: {error}", outcome.number));
                    report.failed(outcome.number, &error);
                }
            }
        }
        if is_over {
            break;
        }
    }
    progress.finish();
    report.throttled(producer.throttled());
    match taken.broken() {
        Some(error) => Err(error.into()),
        None => Ok(report),
    }
}

fn paced(lines: mpsc::Receiver<io::Result<Line>>, pace: Pace) -> impl Stream<Item = io::Result<Line>> {
    stream::unfold((lines, pace), async |(mut lines, mut pace)| {
        let line = lines.recv().await?;
        pace.wait().await;
        Some((line, (lines, pace)))
    })
}

fn event(address: &Address, headers: &[(String, String)], line: Line) -> Result<Event, BadLine> {
    let payload = line.text?;
    let (subject, id) = address.of(line.number, &payload)?;
    let event = Event::new(subject, payload).id(id);
    Ok(headers.iter().fold(event, |event, (name, value)| event.header(name, value)))
}

/// Where the topology says that NATS is, as whom we connect, and the topology's name. Without a topology at hand, flags
/// and environment decide alone.
fn destination(global: &Global) -> Result<(Nats, String, Option<String>), Failure> {
    if !global.topology.exists() {
        return Ok((Nats::default(), format!("tidegate/{}", env!("CARGO_PKG_VERSION")), None));
    }
    let topology = global.load()?.topology;
    let name = names::client(&topology.name);
    Ok((topology.nats, name, Some(topology.name.to_string())))
}

/// The input, and its size where that is known.
fn open(file: Option<&Path>) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    let Some(path) = file.filter(|path| path.as_os_str() != "-") else {
        return Ok((Box::new(io::stdin()), None));
    };
    let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
    match opened {
        Ok((file, size)) => Ok((Box::new(file), Some(size))),
        Err(error) => Err(Failure::new(Exit::Usage, format!("`{}` cannot be read: {error}", path.display()))),
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a header is written `NAME=VALUE`"),
    }
}
