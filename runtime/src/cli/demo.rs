//! `tidegate demo`: floods the shop with orders, known troubles among them, and checks what became of each.

mod audit;
mod books;
mod effort;
mod flood;
mod guide;
mod memory;
mod orders;
mod origin;
mod panics;
mod quiet;
mod report;
mod stage;

use std::io::{self, Write};
use std::num::NonZero;

use clap::Args;

use super::admin::{self, AdminArguments, metering};
use super::args::{Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::handlers::Handlers;
use super::signals::Signals;
use super::{linked, logging, output};
use crate::admin::Admin;
use crate::engine::{Drained, system};
use crate::registry::Registry;
use crate::topology::{self, Topology};
use guide::Guide;
use orders::Orders;
use report::Report;
use stage::Stage;

/// What is logged unless asked for: the troubles are known, and the report tells of them.
const LOG: &str = "error";

/// What `tidegate demo` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many order lines to publish.
    #[arg(long, value_name = "N", default_value = "20000")]
    events: NonZero<u64>,
    /// How many orders they belong to; the lines of one order stay in order.
    #[arg(long, value_name = "N", default_value = "2000")]
    entities: NonZero<usize>,
    /// Which orders: the same seed makes the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Stays up afterwards, to look around, until a signal ends it.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    admin: AdminArguments,
    /// What the report looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the topology on a private nats-server and checks it; becomes the program that has its handlers when this one
/// has not.
pub(super) fn demo(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    linked::ensure(global, &topology, registry)?;
    let global = Global { log: Some(global.log.clone().unwrap_or_else(|| LOG.to_owned())), ..global.clone() };
    system::block_on(async {
        // The topology's own address belongs to the instance that runs it.
        let settings = arguments.admin.settings(&topology::Admin::default());
        let telemetry = logging::start(&global, topology.name.as_str(), metering(settings.as_ref()))?;
        panics::hush();
        let ended = match admin::open(settings, &telemetry).await {
            Ok(admin) => {
                let is_traced = telemetry.is_exporting();
                Box::pin(perform(&topology, arguments, registry, admin.as_ref(), is_traced)).await
            }
            Err(failure) => Err(failure),
        };
        logging::stop(telemetry).await;
        ended
    })?
}

async fn perform(
    topology: &Topology,
    arguments: &Arguments,
    registry: &Registry,
    admin: Option<&Admin>,
    is_traced: bool,
) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let handlers = Handlers::construct(topology, registry)?;
    let played = tokio::select! {
        played = play(topology, &handlers, arguments, admin) => played,
        signal = signals.next() => return Ok(Exit::Interrupted(signal)),
    };
    let (stage, report) = played?;

    let guide = Guide { url: stage.url(), is_kept: arguments.keep, is_traced };
    match arguments.format {
        Format::Text => output::text(&format!("{report}\n\n{guide}"))?,
        Format::Json => output::text(&serde_json::to_string(&report).map_err(io::Error::other)?)?,
    }
    if arguments.keep {
        if arguments.format == Format::Json {
            writeln!(io::stderr(), "{guide}")?;
        }
        signals.next().await;
    }
    let drained = tokio::select! {
        drained = stage.clear() => drained,
        signal = signals.next() => return Ok(Exit::Interrupted(signal)),
    };
    Ok(match drained {
        _ if !report.is_good() => Exit::Failed,
        Drained::Clean => Exit::Done,
        Drained::TimedOut => Exit::Undrained,
    })
}

async fn play<'a>(
    topology: &'a Topology,
    handlers: &Handlers,
    arguments: &Arguments,
    admin: Option<&Admin>,
) -> Result<(Stage<'a>, Report), Failure> {
    let (events, entities) = (arguments.events.get(), arguments.entities.get());
    let stage = Stage::set(topology, handlers, admin).await?;
    let report = stage.play(Orders::new(events, entities, arguments.seed), events).await?;
    Ok((stage, report))
}
