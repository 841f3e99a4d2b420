//! `tidegate run`: runs the topology until it is told to drain.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use nix::sys::signal::Signal;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::admin::{self, AdminArguments, metering};
use super::args::Global;
use super::connection::{NatsArguments, Session};
use super::exit::Exit;
use super::failure::Failure;
use super::handlers::Handlers;
use super::ingress::IngressArguments;
use super::instance::InstanceArguments;
use super::running::Running;
use super::signals::Signals;
use super::{assemble, ingress, linked, logging};
use crate::admin::{Admin, Subject};
use crate::engine::{Drained, system};
use crate::ingress::Ingress;
use crate::nats::{NatsControls, names};
use crate::registry::Registry;
use crate::topology::{Checked, Topology};

/// What `tidegate run` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    nats: NatsArguments,
    #[command(flatten)]
    instance: InstanceArguments,
    #[command(flatten)]
    admin: AdminArguments,
    #[command(flatten)]
    ingress: IngressArguments,
}

/// Runs the topology; becomes the program that has its handlers when this one has not.
pub(super) fn run(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    let checked = global.load()?;
    linked::ensure(global, &checked.topology, registry)?;
    system::block_on(async {
        let settings = arguments.admin.settings(&checked.topology.admin);
        let telemetry = logging::start(global, checked.topology.name.as_str(), metering(settings.as_ref()))?;
        let ended = match admin::open(settings, &telemetry).await {
            Ok(admin) => serve(&checked, arguments, registry, admin.as_ref()).await,
            Err(failure) => Err(failure),
        };
        logging::stop(telemetry).await;
        ended
    })?
}

async fn serve(
    checked: &Checked,
    arguments: &Arguments,
    registry: &Registry,
    admin: Option<&Admin>,
) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let Checked { topology, warnings } = checked;
    logging::warn_of(warnings);
    let handlers = Handlers::construct(topology, registry)?;
    let (session, mut running, ingress) = tokio::select! {
        started = start(topology, &handlers, arguments, admin) => started?,
        signal = signals.next() => {
            info!(%signal, "stopped before the topology was started");
            return Ok(Exit::Done);
        }
    };
    info!(topology = %topology.name, actors = topology.actors.len(), "ready");
    let failed = tokio::select! {
        ended = running.ended() => match ended {
            Ok(()) => {
                error!("all actors have failed");
                Some(Exit::Failed)
            }
            Err(taken) => {
                error!(error = %taken, "stopping, since two processes must not have one name");
                session.end();
                return Err(Failure::from(taken));
            }
        },
        signal = signals.next() => {
            info!(%signal, limit = ?topology.drain_timeout, "draining");
            None
        }
    };
    if let Some(admin) = admin {
        admin.drain();
    }
    let drained = tokio::select! {
        drained = drain(ingress, running, topology.drain_timeout) => drained,
        signal = signals.next() => end_at_once(signal, session),
    };
    session.end();
    Ok(failed.unwrap_or(match drained {
        Drained::Clean => Exit::Done,
        Drained::TimedOut => Exit::Undrained,
    }))
}

async fn start(
    topology: &Topology,
    handlers: &Handlers,
    arguments: &Arguments,
    admin: Option<&Admin>,
) -> Result<(Session, Running, Option<Ingress>), Failure> {
    let bound = arguments.ingress.bind(topology).await?;
    let session = arguments.nats.serve(&topology.nats, &names::client(&topology.name)).await?;
    let id = arguments.instance.id();
    let running = assemble::start(topology, handlers, &session.connection, id.clone()).await?;
    let mut connections = vec![session.connection.clone()];
    let ingress = match bound {
        Some(bound) => {
            let (ingress, connection) = ingress::open(bound, topology, &session).await?;
            connections.push(connection);
            Some(ingress)
        }
        None => None,
    };
    if let Some(admin) = admin {
        let controls = Arc::new(NatsControls::new(session.connection.clone(), topology));
        admin.attend(Subject::new(topology, id.as_str(), running.watch(), connections, controls));
    }
    Ok((session, running, ingress))
}

/// Answers what was posted before anything else ends, in at most half of the time.
async fn drain(ingress: Option<Ingress>, running: Running, limit: Duration) -> Drained {
    let begun = Instant::now();
    if let Some(ingress) = ingress {
        ingress.stop(limit / 2).await;
    }
    running.drain(limit.saturating_sub(begun.elapsed())).await
}

/// Leaves without waiting for anything but our own nats-server: a handler that blocks its thread would keep an orderly
/// end from coming.
fn end_at_once(signal: Signal, session: Session) -> ! {
    warn!(%signal, "ended before the drain was complete, what still runs will be delivered again");
    session.end();
    std::process::exit(Exit::Interrupted(signal).code().into());
}
