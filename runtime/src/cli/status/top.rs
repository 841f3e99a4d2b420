//! `tidegate top`: what `status` shows, live, with lag and rates; actor by actor, and into their shards.

mod draw;
mod keys;
mod scene;
mod screen;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use self::draw::draw;
use self::keys::Keys;
use self::scene::{Sample, Scene};
use self::screen::Screen;
use super::evidence::Evidence;
use super::picture::Picture;
use crate::cli::args::Global;
use crate::cli::connection::NatsArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::signals::Signals;
use crate::cli::{logging, output};
use crate::engine::system;
use crate::nats::{Connection, NatsGauge, names};
use crate::planted::{Bug, strikes};
use crate::port::Gauge;
use crate::topology::Topology;

/// The size of a frame that is printed.
const PRINTED: (u16, u16) = (124, 30);

/// What `tidegate top` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// How often to look, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    /// Prints one frame, after two looks, and ends; so it does where standard output is no terminal.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    nats: NatsArguments,
}

/// Shows actors at work until a key or a signal ends it.
pub(in crate::cli) fn top(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let is_live = !arguments.once && io::stdout().is_terminal();
    system::block_on(async {
        // A line of the log would go right through a frame.
        let telemetry =
            if is_live { logging::start_silently(global) } else { logging::start_quietly(global) }?;
        let done = Box::pin(look_on(global, arguments, is_live)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn look_on(global: &Global, arguments: &Arguments, is_live: bool) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let connection = arguments.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
    let mut eye = Eye::new(topology, connection);
    let period = Duration::from_secs(arguments.every);
    let mut scene = Scene::new(eye.look().await?);
    if is_live {
        live(scene, eye, period).await?;
    } else {
        tokio::time::sleep(period).await;
        scene.see(eye.look().await?);
        output::text(&printed(&scene)?)?;
    }
    Ok(Exit::Done)
}

/// Whatever ends it, the terminal is as it was: a panic restores it, too.
async fn live(scene: Scene, eye: Eye, period: Duration) -> Result<(), Failure> {
    let signals = Signals::take()?;
    let (sender, looks) = mpsc::channel(1);
    let screen = Screen::take()?;
    let _watching = AbortOnDropHandle::new(tokio::spawn(eye.watch(period, sender)));
    show(screen, scene, looks, signals).await
}

async fn show(
    mut screen: Screen,
    mut scene: Scene,
    mut looks: mpsc::Receiver<Result<Sample, Failure>>,
    mut signals: Signals,
) -> Result<(), Failure> {
    let (panic_told, mut keys) = (screen.panic_told(), Keys::listen());
    loop {
        screen.draw(|frame| draw(&scene, frame))?;
        // A panic first: what it has ended ends here, too.
        tokio::select! {
            biased;
            () = panic_told.cancelled() => {
                return Err(Failure::new(Exit::Failed, "a thread has panicked, as told above"));
            }
            _ = signals.next() => return Ok(()),
            key = keys.next() => match key {
                Some(key) if scene.press(key) => {}
                Some(_) | None => return Ok(()),
            },
            look = looks.recv() => match look {
                Some(Ok(sample)) => scene.see(sample),
                Some(Err(failure)) => scene.miss(failure.to_string()),
                None => return Err(Failure::new(Exit::Failed, "who looks at the server has died")),
            },
        }
    }
}

/// A frame as text, without what only fills it up.
fn printed(scene: &Scene) -> Result<String, Failure> {
    let (width, height) = PRINTED;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).map_err(io::Error::other)?;
    terminal.draw(|frame| draw(scene, frame)).map_err(io::Error::other)?;
    let buffer = terminal.backend().buffer();
    let line = |row: u16| -> String { (0..width).map(|column| buffer[(column, row)].symbol()).collect() };
    let lines: Vec<String> = (0..height).map(|row| line(row).trim_end().to_owned()).collect();
    Ok(lines.join("\n").trim_end().to_owned())
}

/// Looks at the server.
struct Eye {
    topology: Topology,
    connection: Connection,
    gauges: Vec<NatsGauge>,
}

impl Eye {
    fn new(topology: Topology, connection: Connection) -> Self {
        let is_read = |stream: &str| topology.actors.values().any(|actor| actor.stream.as_str() == stream);
        let read = topology.streams.values().filter(|stream| is_read(stream.name.as_str()));
        let gauges = read.map(|stream| NatsGauge::new(connection.clone(), &topology, stream)).collect();
        Self { topology, connection, gauges }
    }

    /// Looks again and again, until nobody wants to know.
    async fn watch(mut self, period: Duration, looks: mpsc::Sender<Result<Sample, Failure>>) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            assert!(!strikes(Bug::LookPanics), "as planted");
            if looks.send(self.look().await).await.is_err() {
                return;
            }
        }
    }

    async fn look(&mut self) -> Result<Sample, Failure> {
        let evidence = Evidence::gather(&self.topology, &self.connection).await?;
        let mut lags = BTreeMap::new();
        for gauge in &mut self.gauges {
            // A stream that cannot be read has no lag; what else is known is shown.
            let Ok(reading) = gauge.read().await else { continue };
            for reader in &reading.readers {
                let lag = reader.oldest.map(|oldest| reading.at.duration_since(oldest).unwrap_or_default());
                let known = lags.entry(reader.shard.actor.to_string()).or_insert(lag);
                *known = (*known).max(lag);
            }
        }
        Ok(Sample { at: Instant::now(), picture: Picture::of(&evidence), lags })
    }
}
