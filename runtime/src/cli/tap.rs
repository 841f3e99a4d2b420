//! `tidegate tap`: follows an actor's messages as they end.

mod line;

use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::warn;

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::signals::Signals;
use super::{logging, output, status};
use crate::engine::system;
use crate::message::{TapFilter, TapOutcome, TapRequest, Tapped};
use crate::nats::{NatsTaps, TapStream, names};
use crate::topology::Topology;

/// How often it is said that we look.
const PERIOD: Duration = Duration::from_secs(2);

/// For how long that holds: a word may be lost, and who is gone without a word is not shown anything for long.
const HOLDS: Duration = Duration::from_secs(5);

/// What `tidegate tap` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The actor.
    #[arg(value_name = "ACTOR")]
    actor: String,
    /// Only messages of this entity.
    #[arg(long)]
    key: Option<String>,
    /// Only messages whose subject matches, such as `orders.*.placed` or `orders.>`.
    #[arg(long, value_name = "PATTERN")]
    subject: Option<String>,
    /// Only what ends like this.
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Only this part of the messages, from 0 to 1; of one message all attempts are shown or none.
    #[arg(long, value_name = "PART", default_value_t = 1.0, value_parser = part)]
    sample: f64,
    /// Ends after so many lines.
    #[arg(long, value_name = "LINES")]
    limit: Option<u64>,
    /// Ends after this long, such as `30s`.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// What the output looks like; JSON is one object a line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// How an attempt, or a message, ends.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    /// It is done.
    Ok,
    /// The attempt failed, and there will be another one.
    Retry,
    /// The message is dead-lettered.
    Dead,
}

/// Shows messages until a signal, the limit or the time ends it.
pub(super) fn tap(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(look_on(global, arguments)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn look_on(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let actor = &*arguments.actor;
    if !topology.actors.contains_key(actor) {
        return Err(unknown(&topology, actor));
    }
    let connection = arguments.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
    if status::sharing(&topology, &connection).await.is_ok_and(|sharing| !sharing.is_working) {
        warn!(topology = %topology.name, "no instance is at work: nothing is shown until one is");
    }
    let taps = NatsTaps::new(connection, topology.name.clone());
    let stream = taps.listen(actor).await.ok_or_else(unheard)?;
    let mut request = arguments.request();
    let ended = follow(&taps, stream, &request, arguments).await;
    request.holds_ms = 0;
    // Without this word it ends by itself.
    taps.ask(actor, &request).await;
    ended.map(|()| Exit::Done)
}

async fn follow(
    taps: &NatsTaps,
    mut stream: TapStream,
    request: &TapRequest,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let mut signals = Signals::take()?;
    let mut words = interval(PERIOD);
    words.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = arguments.time.map(|time| Instant::now() + time);
    let over = async {
        match end {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let mut left = arguments.limit;
    while left != Some(0) {
        tokio::select! {
            _ = words.tick() => taps.ask(&arguments.actor, request).await.ok_or_else(unheard)?,
            tapped = stream.next() => {
                let tapped = tapped.ok_or_else(unheard)?;
                if !is_wanted(&tapped, &request.filter) {
                    continue;
                }
                match arguments.format {
                    Format::Text => output::text(&line::shown(&tapped))?,
                    Format::Json => output::text(&serde_json::to_string(&tapped).expect("it is JSON"))?,
                }
                left = left.map(|left| left - 1);
            }
            () = &mut over => return Ok(()),
            _ = signals.next() => return Ok(()),
        }
    }
    Ok(())
}

/// Others may look at the same actor, and have asked for something else.
fn is_wanted(tapped: &Tapped, filter: &TapFilter) -> bool {
    filter.takes(&tapped.subject, &tapped.key, tapped.sequence, tapped.outcome)
}

impl Arguments {
    fn request(&self) -> TapRequest {
        TapRequest {
            id: format!("{:016x}", rand::random::<u64>()),
            holds_ms: u64::try_from(HOLDS.as_millis()).expect("a short time"),
            filter: TapFilter {
                key: self.key.clone(),
                subject: self.subject.clone(),
                outcome: self.outcome.map(TapOutcome::from),
                sample: self.sample,
            },
        }
    }
}

impl From<Outcome> for TapOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Retry => Self::Retry,
            Outcome::Dead => Self::Dead,
        }
    }
}

fn part(text: &str) -> Result<f64, String> {
    let part: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    if part > 0.0 && part <= 1.0 { Ok(part) } else { Err("not above 0 and at most 1".to_owned()) }
}

fn unknown(topology: &Topology, actor: &str) -> Failure {
    let actors: Vec<String> = topology.actors.keys().map(|name| format!("`{name}`")).collect();
    Failure::new(Exit::Usage, format!("`{}` has no actor `{actor}`", topology.name))
        .cured_by(format!("its actors are {}", actors.join(", ")))
}

fn unheard() -> Failure {
    Failure::new(Exit::Nats, "the server does not answer, so that nothing can be shown")
        .cured_by("see whether the server is up, and look again")
}
