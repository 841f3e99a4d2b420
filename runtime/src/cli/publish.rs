//! `tidegate publish`: JSON lines to a stream, each awaited until it is stored.

mod address;
mod lines;
mod pace;
mod report;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use futures_util::future::ready;
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt, stream};
use tidegate::Headers;
use tidegate::subject::Pattern;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::logging;
use crate::engine::system;
use crate::nats::{Publisher, names};
use crate::port::{Outbound, SinkError};
use crate::topology::Nats;
use address::{Address, BadLine};
use lines::Line;
use pace::Pace;
use report::{Progress, Report};

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
    Refused(#[from] SinkError),
}

/// What became of a line.
struct Published {
    number: u64,
    bytes: u64,
    result: Result<(), LineError>,
}

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
    let (nats, name) = destination(global)?;
    let connection = arguments.nats.connect(&nats, &name).await?;
    let lines = lines::read(BufReader::new(input), connection.max_payload())?;
    let report = publish_lines(&Publisher::new(connection), arguments, lines, Progress::new(size)).await?;
    report.print(arguments.format)?;
    Ok(if report.is_complete() { Exit::Done } else { Exit::Failed })
}

/// Publishes in the order of the lines. The first that cannot be published is the last, unless asked to go on; what is
/// on its way by then is awaited.
async fn publish_lines(
    publisher: &Publisher,
    arguments: &Arguments,
    lines: mpsc::Receiver<io::Result<Line>>,
    progress: Progress,
) -> Result<Report, Failure> {
    let address = Address::new(arguments.subject.clone(), arguments.id_field.clone());
    let headers: Headers = arguments.headers.iter().cloned().collect();
    let stop = CancellationToken::new();
    let stop_unless_skipping = || {
        if !arguments.skip_bad {
            stop.cancel();
        }
    };

    let publications = paced(lines, Pace::new(arguments.rate)).take_until(stop.cancelled()).map(|line| {
        let outbound = line.map(|line| (line.number, line.bytes, outbound(&address, &headers, line)));
        if matches!(outbound, Ok((.., Err(_)))) {
            stop_unless_skipping();
        }
        outbound
    });
    let sent = publications.then(async |outbound| {
        let (number, bytes, outbound) = outbound?;
        let stored = match outbound {
            Ok(outbound) => publisher.send(outbound).await.map_err(LineError::from).boxed(),
            Err(bad) => ready(Err(bad.into())).boxed(),
        };
        Ok(stored.map(move |result| Ok::<_, io::Error>(Published { number, bytes, result })))
    });
    let mut outcomes = std::pin::pin!(sent.try_buffered(WINDOW));
    let mut report = Report::new();
    while let Some(outcome) = outcomes.try_next().await? {
        let Published { number, bytes, result } = outcome;
        progress.advance(bytes);
        match result {
            Ok(()) => report.published(),
            Err(error) => {
                stop_unless_skipping();
                progress.tell(&format!("line {number}: {error}"));
                report.failed(number, &error);
            }
        }
    }
    progress.finish();
    Ok(report)
}

fn paced(lines: mpsc::Receiver<io::Result<Line>>, pace: Pace) -> impl Stream<Item = io::Result<Line>> {
    stream::unfold((lines, pace), async |(mut lines, mut pace)| {
        let line = lines.recv().await?;
        pace.wait().await;
        Some((line, (lines, pace)))
    })
}

fn outbound(address: &Address, headers: &Headers, line: Line) -> Result<Outbound, BadLine> {
    let payload = line.text?;
    let (subject, id) = address.of(line.number, &payload)?;
    Ok(Outbound { subject, headers: headers.clone(), payload: Bytes::from(payload), id })
}

/// Where the topology says that NATS is, and as whom we connect. Without a topology at hand, flags and environment
/// decide alone.
fn destination(global: &Global) -> Result<(Nats, String), Failure> {
    if !global.topology.exists() {
        return Ok((Nats::default(), format!("tidegate/{}", env!("CARGO_PKG_VERSION"))));
    }
    let topology = global.load()?.topology;
    let name = names::client(&topology.name);
    Ok((topology.nats, name))
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
