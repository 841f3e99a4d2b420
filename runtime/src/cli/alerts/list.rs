//! `tidegate alerts list`: what the instances tell of themselves.

use clap::Args;
use serde::Serialize;

use crate::cli::args::{Format, Global};
use crate::cli::connection::NatsArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::table::Table;
use crate::message::{Alert, Member, timestamp};
use crate::nats::{NatsMembers, names};
use crate::port::MembersError;

/// What `tidegate alerts list` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// An alert, and who has raised it.
#[derive(Debug, Serialize)]
struct Line {
    instance: String,
    #[serde(flatten)]
    alert: Alert,
}

/// Lists what is raised, by actor.
pub(super) async fn list(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let connection = arguments.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
    let members = NatsMembers::new(connection, names::members_bucket(&topology.name));
    // Before the first `run` there is no bucket, and so nobody in it.
    let entries = match members.entries().await {
        Err(MembersError::Missing(_)) => Vec::new(),
        read => read?,
    };
    let lines = lines(entries.iter().filter_map(crate::nats::MemberEntry::member));
    match arguments.format {
        Format::Text if lines.is_empty() => output::text("no alerts")?,
        Format::Text => output::text(&render(&lines))?,
        Format::Json => output::json(&lines)?,
    }
    Ok(Exit::Done)
}

fn lines(members: impl Iterator<Item = Member>) -> Vec<Line> {
    let lines = members.flat_map(|member| {
        let instance = member.instance.to_string();
        member.alerts.into_iter().map(move |alert| Line { instance: instance.clone(), alert })
    });
    let mut lines: Vec<Line> = lines.collect();
    let place = |line: &Line| (line.alert.actor.clone(), line.alert.name, line.instance.clone());
    lines.sort_by_key(place);
    lines
}

fn render(lines: &[Line]) -> String {
    let mut table = Table::new(["ACTOR", "ALERT", "SINCE", "INSTANCE", "WHAT"]);
    for Line { instance, alert } in lines {
        let since = timestamp::format(alert.since);
        table.add([&alert.actor, alert.name.as_str(), &since, instance, &alert.text]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::message::AlertName;

    #[test]
    fn says_what_hurts_in_words() {
        let line = |actor: &str, name: AlertName, value| Line {
            instance: "web-0".to_owned(),
            alert: Alert {
                name,
                actor: actor.to_owned(),
                value,
                threshold: 1.0,
                unit: name.unit(),
                since: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123),
                text: name.text(value, 1.0),
            },
        };

        let shown =
            render(&[line("payments", AlertName::Lag, 30.0), line("stock", AlertName::Stalled, 130.0)]);

        insta::assert_snapshot!(shown, @r"
        ACTOR     ALERT    SINCE                     INSTANCE  WHAT
        payments  lag      2027-01-15T08:00:00.123Z  web-0     consumer lag increasing: 30s behind
        stock     stalled  2027-01-15T08:00:00.123Z  web-0     actor stalled: events wait, and none was done for 130s
        ");
    }
}
