//! The stage: a private nats-server, and the topology that runs on it.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::audit::{audit, consumes};
use super::effort::Effort;
use super::flood::flood;
use super::memory;
use super::orders::Orders;
use super::quiet::quiet;
use super::report::{Findings, Report};
use crate::admin::{Admin, Subject};
use crate::cli::assemble;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::handlers::Handlers;
use crate::cli::instance;
use crate::cli::running::Running;
use crate::engine::Drained;
use crate::nats::{Connection, Embedded, NatsControls, NatsSink, Resolved, connect, names};
use crate::topology::{ActorName, Topology};

const PUBLISHING: &str = "{prefix:>11} {wide_bar} {human_pos}/{human_len}";
const HANDLING: &str = "{prefix:>11} {wide_bar} {human_pos}/{human_len}, {msg}";
const REDRAW: Duration = Duration::from_millis(100);

/// A running topology on a nats-server of its own.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    topology: &'a Topology,
    /// The actor that takes the orders.
    front: &'a ActorName,
    running: Running,
    connection: Connection,
    server: Embedded,
}

impl<'a> Stage<'a> {
    /// Starts an empty server, whatever server the topology names, and the topology on it.
    pub(super) async fn set(
        topology: &'a Topology,
        handlers: &Handlers,
        admin: Option<&Admin>,
    ) -> Result<Self, Failure> {
        let front = front(topology)?;
        let server = Embedded::start(None).await?;
        let connection = connect_to(&server, topology).await?;
        let id = instance::made_up();
        let running = assemble::start(topology, handlers, &connection, id.clone()).await?;
        if let Some(admin) = admin {
            let connections = vec![connection.clone()];
            let controls = Arc::new(NatsControls::new(connection.clone(), topology));
            admin.attend(Subject::new(topology, id.as_str(), running.watch(), connections, controls));
        }
        Ok(Self { topology, front, running, connection, server })
    }

    /// Where the server listens.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Publishes all orders, waits until nothing is left to do, and reads back what became of them.
    pub(super) async fn play(&self, orders: Orders, events: u64) -> Result<Report, Failure> {
        // A connection of its own, as publishers have.
        let publisher = NatsSink::new(connect_to(&self.server, self.topology).await?);
        let progress = bar("publishing", PUBLISHING, events);
        let flooded = flood(orders, &publisher, &progress).await.map_err(broken)?;
        progress.finish_and_clear();

        let watch = self.running.watch();
        // About as much as there will be: most orders pass all actors.
        let progress = bar("handling", HANDLING, events * self.topology.actors.len() as u64);
        let is_done = quiet(&self.connection, self.topology, &watch, &progress).await.map_err(broken)?;
        progress.finish_and_clear();
        if !is_done {
            tracing::error!(actors = ?watch.snapshot(), "nothing moves any more, though messages are left");
        }

        let peak = memory::peak().unwrap_or_default();
        let audit = audit(&self.connection, self.topology).await.map_err(broken)?;
        let effort = Effort::of(&watch.snapshot());
        Ok(Report::new(Findings { flooded, effort, peak, audit }, self.front))
    }

    /// Drains the topology, then ends the server.
    pub(super) async fn clear(self) -> Drained {
        self.running.drain(self.topology.drain_timeout).await
    }
}

/// The actor that the generator's orders are for.
fn front(topology: &Topology) -> Result<&ActorName, Failure> {
    let mut actors = topology.actors.values();
    let front = actors.find(|actor| consumes(actor, &Orders::subject(0))).map(|actor| &actor.name);
    front.ok_or_else(|| {
        let problem = format!("no actor of `{}` takes the orders of the demo", topology.name);
        let cure = format!(
            "give an actor the subjects `{}`, or run your own topology with `tidegate run`",
            Orders::SUBJECTS
        );
        Failure::new(Exit::Rejected, problem).cured_by(cure)
    })
}

async fn connect_to(server: &Embedded, topology: &Topology) -> Result<Connection, Failure> {
    Ok(connect(&Resolved::embedded(server.url())?, &names::client(&topology.name)).await?)
}

fn bar(prefix: &'static str, template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let progress = ProgressBar::new(length).with_style(style).with_prefix(prefix);
    progress.enable_steady_tick(REDRAW);
    progress
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(Exit::Nats, error)
        .cured_by("see the log for what happened to the private nats-server; `--log info` tells more")
}
