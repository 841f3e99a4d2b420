//! What the server tells: itself, the streams, the differences from the topology, and the instances.

use crate::cli::args::Global;
use crate::cli::connection::NatsArguments;
use crate::cli::failure::Failure;
use crate::cli::plan::Compared;
use crate::cli::status::{self, Sharing};
use crate::nats::{Difference, Drift, Orphan, ServerVitals, Stranded, StreamVitals, names};
use crate::registry::Registry;

/// All that is known, at one moment.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) topology: String,
    pub(super) server: ServerVitals,
    pub(super) streams: Vec<StreamVitals>,
    /// The stream that keeps the dead letters.
    pub(super) letters: String,
    pub(super) drift: Differences,
    pub(super) sharing: Sharing,
}

/// How the server differs from the topology, in words.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) missing: Vec<String>,
    pub(super) differing: Vec<Difference>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) stranded: Vec<Stranded>,
    pub(super) warnings: Vec<String>,
}

impl Evidence {
    /// Asks the server.
    pub(super) async fn gather(
        global: &Global,
        nats: &NatsArguments,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let Compared { topology, connection, drift, .. } = Compared::of(global, nats, registry).await?;
        let mut names: Vec<String> = topology.streams.keys().map(ToString::to_string).collect();
        let letters = names::dead_letter_stream(&topology);
        names.extend(Some(letters.clone()).filter(|letters| !names.contains(letters)));
        let mut streams = Vec::new();
        for name in &names {
            streams.extend(StreamVitals::take(&connection, name).await?);
        }
        Ok(Self {
            topology: topology.name.to_string(),
            server: ServerVitals::take(&connection).await?,
            streams,
            letters,
            drift: Differences::of(drift),
            sharing: status::sharing(&topology, &connection).await?,
        })
    }
}

impl Differences {
    fn of(drift: Drift) -> Self {
        let missing = drift.missing();
        let cured = drift.edits.into_iter().flat_map(|edit| edit.cures);
        Self {
            missing,
            differing: drift.kept.into_iter().chain(cured).collect(),
            orphans: drift.orphans,
            stranded: drift.stranded,
            warnings: drift.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}
