//! `tidegate actors list`.

use clap::Args;
use serde::Serialize;

use super::{Bridge, Common, Format};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::table::Table;
use crate::message::{Control, timestamp};
use crate::nats::StoredControl;
use crate::topology::Topology;

/// What `tidegate actors list` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
}

/// An actor and what it may do.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    actor: String,
    #[serde(flatten)]
    control: Control,
}

/// Lists the actors in the order of the topology.
pub(super) async fn list(bridge: &Bridge, arguments: &Arguments) -> Result<Exit, Failure> {
    let lines = lines(&bridge.topology, &bridge.controls.all().await?);
    match arguments.common.format {
        Format::Text => output::text(&render(&lines))?,
        Format::Json => output::json(&lines)?,
    }
    Ok(Exit::Done)
}

fn lines(topology: &Topology, stored: &[StoredControl]) -> Vec<Line> {
    let line = |name: &str| {
        let stored = stored.iter().find(|stored| stored.actor == name);
        let control = stored.map_or_else(Control::none, |stored| stored.control.clone());
        Line { actor: name.to_owned(), control }
    };
    topology.actors.keys().map(|name| line(name.as_str())).collect()
}

fn render(lines: &[Line]) -> String {
    let mut table = Table::new(["ACTOR", "STATE", "SINCE", "BY", "WHY"]);
    for Line { actor, control } in lines {
        let is_said = *control != Control::none();
        let said = |text: &str| if is_said && !text.is_empty() { text.to_owned() } else { "-".to_owned() };
        table.add([
            actor,
            control.state.as_str(),
            &said(&timestamp::format(control.since)),
            &said(&control.by),
            &said(&control.why),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::message::ControlState;

    #[test]
    fn shows_what_was_said_and_nothing_where_nothing_was() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
        let paused = Control {
            state: ControlState::Paused,
            since,
            why: "the gateway is down".to_owned(),
            by: "ann@desk".to_owned(),
        };
        let lines = [
            Line { actor: "payments".to_owned(), control: paused },
            Line { actor: "stock".to_owned(), control: Control::none() },
        ];

        insta::assert_snapshot!(render(&lines), @r"
        ACTOR     STATE    SINCE                     BY        WHY
        payments  paused   2027-01-15T08:00:00.123Z  ann@desk  the gateway is down
        stock     working  -                         -         -
        ");
    }
}
