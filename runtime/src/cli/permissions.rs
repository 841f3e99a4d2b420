//! `tidegate permissions`: the least that the users of the topology need of NATS.

mod block;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::handlers::Handlers;
use super::output;
use crate::nats::{Grant, Permissions, Role};
use crate::registry::Registry;

/// What `tidegate permissions` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// For whom; can be repeated. All of them when left out.
    #[arg(long = "for", value_enum, value_name = "ROLE")]
    roles: Vec<Choice>,
    /// Where the clients of these users expect their answers, as `inbox_prefix` of a `nats` context says.
    #[arg(long, value_name = "PREFIX", default_value = "_INBOX")]
    inbox_prefix: String,
    /// What it looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// For whom permissions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Who runs the topology.
    Runtime,
    /// Who publishes into the streams that no actor emits into.
    Publisher,
    /// Who looks at the topology and at its dead letters.
    Operator,
}

/// What permissions look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For the configuration of a nats-server.
    #[default]
    Nats,
    /// For programs, such as those that write JWTs.
    Json,
}

impl From<Choice> for Role {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Runtime => Self::Runtime,
            Choice::Publisher => Self::Publisher,
            Choice::Operator => Self::Operator,
        }
    }
}

/// Prints the permissions. Asks no server.
pub(super) fn permissions(
    global: &Global,
    arguments: &Arguments,
    registry: &Registry,
) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let stateful = Handlers::construct(&topology, registry).ok().map(|handlers| handlers.stateful());
    let roles: Vec<Role> = match arguments.roles.as_slice() {
        [] => Role::ALL.to_vec(),
        chosen => chosen.iter().copied().map(Role::from).collect(),
    };
    let all: Vec<Permissions> = roles
        .into_iter()
        .map(|role| Permissions::of(role, &topology, stateful.as_ref(), &arguments.inbox_prefix))
        .collect();
    match arguments.format {
        Format::Nats => output::text(&block::render(topology.name.as_str(), &all))?,
        Format::Json => {
            let subjects = |grants: &[Grant]| -> Vec<String> {
                grants.iter().map(|grant| grant.subject.clone()).collect()
            };
            let of_role = |one: &Permissions| {
                let (publish, subscribe) = (subjects(&one.publish), subjects(&one.subscribe));
                (
                    one.role.as_str(),
                    json!({ "publish": { "allow": publish }, "subscribe": { "allow": subscribe } }),
                )
            };
            output::json(&all.iter().map(of_role).collect::<BTreeMap<_, _>>())?;
        }
    }
    Ok(Exit::Done)
}
