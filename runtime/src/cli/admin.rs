//! Where the admin endpoint listens, and opening it.

use std::net::{AddrParseError, SocketAddr};
use std::str::FromStr;

use clap::Args;

use super::failure::Failure;
use crate::admin::{Admin, Settings};
use crate::telemetry::{Metering, Telemetry};
use crate::topology;

/// The admin endpoint on the command line.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    /// Where the admin endpoint (health, metrics, what actors do) listens, such as 127.0.0.1:9464, port 0 being any free one; or `off`.
    #[arg(long, value_name = "ADDRESS|off", env = "TIDEGATE_ADMIN")]
    admin: Option<Choice>,
}

/// What the command line says.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Off,
    At(SocketAddr),
}

impl FromStr for Choice {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At),
        }
    }
}

impl AdminArguments {
    /// Where to listen, if at all: the command line goes before what the topology says.
    pub(super) fn settings(&self, topology: &topology::Admin) -> Option<Settings> {
        let listen = match self.admin {
            Some(Choice::Off) => None,
            Some(Choice::At(address)) => Some(address),
            None => topology.listen,
        };
        listen.map(|listen| Settings { listen, tokens: topology.tokens.clone() })
    }
}

/// What becomes of the metrics of a process that listens there, if anywhere.
pub(super) fn metering(settings: Option<&Settings>) -> Metering {
    settings.map_or(Metering::Exported, |_| Metering::Shown)
}

/// Opens the endpoint, if there is to be one.
pub(super) async fn open(
    settings: Option<Settings>,
    telemetry: &Telemetry,
) -> Result<Option<Admin>, Failure> {
    match settings.zip(telemetry.exposition()) {
        Some((settings, exposition)) => Ok(Some(Admin::open(settings, exposition).await?)),
        None => Ok(None),
    }
}
