//! `tidegate actors pause`, `resume` and `drain`.

use std::time::{Duration, SystemTime};

use clap::Args;

use super::settle::{Settled, settled};
use super::{Bridge, Common, Format};
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::{instance, output};
use crate::message::{Control, ControlState};
use crate::port::{Controls, ControlsError};

/// How often we write when others write, too.
const TRIES: u32 = 5;

/// What `tidegate actors pause` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Pause {
    #[command(flatten)]
    which: Which,
}

/// What `tidegate actors resume` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Resume {
    #[command(flatten)]
    which: Which,
}

/// What `tidegate actors drain` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Drain {
    #[command(flatten)]
    which: Which,
    /// Waits until nothing is in hand any more.
    #[arg(long)]
    wait: bool,
    /// How long at most; then it ends with exit code 5, and the actor drains on.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "5m", requires = "wait")]
    timeout: Duration,
}

/// Which actor, and why.
#[derive(Debug, Args)]
struct Which {
    /// The actor.
    #[arg(value_name = "ACTOR")]
    actor: String,
    /// Why, for whoever looks later.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn pause(global: &Global, arguments: &Pause) -> Result<Exit, Failure> {
    say(global, &arguments.which, ControlState::Paused).await.map(|_| Exit::Done)
}

pub(super) async fn resume(global: &Global, arguments: &Resume) -> Result<Exit, Failure> {
    say(global, &arguments.which, ControlState::Working).await.map(|_| Exit::Done)
}

pub(super) async fn drain(global: &Global, arguments: &Drain) -> Result<Exit, Failure> {
    let bridge = say(global, &arguments.which, ControlState::Draining).await?;
    if !arguments.wait {
        return Ok(Exit::Done);
    }
    let actor = &arguments.which.actor;
    match settled(&bridge, actor, arguments.timeout).await? {
        Settled::All => {
            tell(&arguments.which, &format!("nothing of `{actor}` is in hand any more"))?;
            Ok(Exit::Done)
        }
        Settled::AllBut(left) => {
            tell(
                &arguments.which,
                &format!("{left} messages of `{actor}` are in hand still; `tidegate status` shows where"),
            )?;
            Ok(Exit::Undrained)
        }
    }
}

/// Writes it down for all instances.
async fn say(global: &Global, which: &Which, state: ControlState) -> Result<Bridge, Failure> {
    let bridge = Bridge::open(global, &which.common).await?;
    if !bridge.topology.actors.contains_key(which.actor.as_str()) {
        return Err(unknown(&bridge, &which.actor));
    }
    for _ in 0..TRIES {
        let (current, revision) = bridge.controls.find(&which.actor).await?;
        if current.state == state {
            show(which, &current, "already")?;
            return Ok(bridge);
        }
        let control = current.followed_by(state, SystemTime::now(), &which.why, instance::operator());
        match bridge.controls.set(&which.actor, &control, revision).await {
            Err(ControlsError::Conflict) => {}
            written => {
                written?;
                show(which, &control, "now")?;
                return Ok(bridge);
            }
        }
    }
    Err(ControlsError::Conflict.into())
}

fn show(which: &Which, control: &Control, since: &str) -> Result<(), Failure> {
    match which.common.format {
        Format::Text => {
            tell(which, &format!("actor `{}` is {since} {}", which.actor, control.state.as_str()))
        }
        Format::Json => Ok(output::json(control)?),
    }
}

fn tell(which: &Which, text: &str) -> Result<(), Failure> {
    if which.common.format == Format::Text {
        output::text(text)?;
    }
    Ok(())
}

fn unknown(bridge: &Bridge, actor: &str) -> Failure {
    let known: Vec<String> = bridge.topology.actors.keys().map(|name| format!("`{name}`")).collect();
    Failure::new(Exit::Usage, format!("the topology `{}` has no actor `{actor}`", bridge.topology.name))
        .cured_by(format!("name one of {}", known.join(", ")))
}
