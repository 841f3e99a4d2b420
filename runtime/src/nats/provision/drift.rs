//! How far the server and the topology have drifted apart, and bringing them together again.

use std::collections::BTreeSet;

use super::difference::{SHARDS, UNHANDLED};
use super::edit::Edit;
use super::orphan::{self, Orphan};
use super::stranded::{self, Stranded};
use super::survey::{Survey, Work};
use super::{Difference, ProvisionError, Warning, inventory, streams};
use crate::nats::{Connection, names};
use crate::topology::{ActorName, Topology};

/// The field of something that must be there and that we do not create.
const EXISTS: &str = "exists";

/// How the server differs from the topology.
#[derive(Debug)]
pub struct Drift {
    /// What differs and can be edited without harm.
    pub edits: Vec<Edit>,
    /// What differs and is left alone.
    pub kept: Vec<Difference>,
    /// What the topology has created and needs no more.
    pub orphans: Vec<Orphan>,
    /// Messages that nobody will handle.
    pub stranded: Vec<Stranded>,
    /// What is not wrong but dangerous.
    pub warnings: Vec<Warning>,
    work: Vec<Work>,
}

/// What became of an attempt to bring the server and the topology together.
#[derive(Debug, Default)]
pub struct Amended {
    /// What was created.
    pub created: Vec<String>,
    /// What was edited.
    pub edited: Vec<String>,
    /// What was deleted.
    pub deleted: Vec<String>,
    /// What failed, and why.
    pub failed: Vec<(String, ProvisionError)>,
}

impl Drift {
    /// Compares, and changes nothing. `stateful` are the actors whose handlers keep state; where that is not known, the
    /// state buckets that exist are taken for wanted.
    ///
    /// # Errors
    /// When the server does not answer, or refuses to.
    pub async fn of(
        connection: &Connection,
        topology: &Topology,
        stateful: Option<&BTreeSet<ActorName>>,
    ) -> Result<Self, ProvisionError> {
        let held = inventory::take(connection).await?;
        let stream_of = |actor: &ActorName| names::bucket_stream(&names::state_bucket(&topology.name, actor));
        let exists = |actor: &&ActorName| held.iter().any(|held| held.stream.config.name == stream_of(actor));
        let assumed: BTreeSet<ActorName> = topology.actors.keys().filter(exists).cloned().collect();
        let wanted = stateful.unwrap_or(&assumed);
        let planned: BTreeSet<String> =
            streams::plan(topology, wanted).into_iter().map(|plan| plan.config.name).collect();
        let orphans = orphan::find(topology, &held, &planned);
        let stranded = stranded::find(connection, topology, &held).await?;

        let Survey { absent, differences, edits, warnings, work } =
            Survey::of(connection, topology, wanted).await?;
        let is_cured = |difference: &Difference| edits.iter().any(|edit| edit.cures.contains(difference));
        let kept = absent.iter().map(|stream| missing(stream));
        let kept = kept.chain(differences.into_iter().filter(|difference| !is_cured(difference))).collect();
        // An orphan tells the same with its name.
        let is_told = |warning: &Warning| matches!(warning, Warning::Leftover { .. });
        let warnings = warnings.into_iter().filter(|warning| !is_told(warning)).collect();
        Ok(Self { edits, kept, orphans, stranded, warnings, work })
    }

    /// What is missing and can be created, such as ``stream `ORDERS` ``.
    pub fn missing(&self) -> Vec<String> {
        self.work.iter().map(Work::what).collect()
    }

    /// Whether the server has what the topology needs and nothing that it has left there.
    pub fn is_none(&self) -> bool {
        self.work.is_empty() && self.edits.is_empty() && self.kept.is_empty() && self.orphans.is_empty()
    }

    /// The difference for which nothing may be changed: another number of shards would mix up the order, and what
    /// belongs to an external stream cannot be created without it.
    pub fn obstacle(&self) -> Option<&Difference> {
        self.kept.iter().find(|difference| [SHARDS, UNHANDLED, EXISTS].contains(&difference.field))
    }

    /// Creates what is missing and edits what can be edited, one after the other, whatever becomes of the others.
    pub async fn amend(&self, connection: &Connection) -> Amended {
        let mut amended = Amended::default();
        for edit in &self.edits {
            match edit.perform(connection).await {
                Ok(()) => amended.edited.push(edit.what.clone()),
                Err(error) => amended.failed.push((edit.what.clone(), error)),
            }
        }
        for work in &self.work {
            let done = match work {
                Work::ExtendStream(_) => &mut amended.edited,
                Work::CreateStream(_) | Work::CreateConsumer(_) => &mut amended.created,
            };
            match work.perform(connection).await {
                Ok(()) => done.push(work.what()),
                Err(error) => amended.failed.push((work.what(), error)),
            }
        }
        amended
    }
}

fn missing(stream: &str) -> Difference {
    Difference {
        what: format!("external stream `{stream}`"),
        field: EXISTS,
        declared: "yes".to_owned(),
        actual: "no".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::stream::Config;

    use super::*;
    use crate::nats::OrphanKind;
    use crate::nats::provision::edit;

    fn none() -> Drift {
        Drift {
            edits: Vec::new(),
            kept: Vec::new(),
            orphans: Vec::new(),
            stranded: Vec::new(),
            warnings: Vec::new(),
            work: Vec::new(),
        }
    }

    #[test]
    fn there_is_drift_while_there_is_something_to_do_about_it() {
        let orphan = Orphan { name: "FORMER".to_owned(), kind: OrphanKind::Stream, messages: 0 };
        let lower = Config { max_bytes: 7, ..Config::default() };
        let edit = edit::of_stream(&Config::default(), &lower).expect("a limit can be raised");
        let advisories = Stranded::Exhausted { stream: "S".into(), consumer: "c".into(), advisories: 1 };
        let paused = Warning::Paused { consumer: "c".to_owned() };

        assert!(none().is_none());
        assert!(Drift { stranded: vec![advisories], warnings: vec![paused], ..none() }.is_none());
        assert!(!Drift { work: vec![Work::CreateStream(Config::default())], ..none() }.is_none());
        assert!(!Drift { edits: vec![edit], ..none() }.is_none());
        assert!(!Drift { kept: vec![missing("ORDERS")], ..none() }.is_none());
        assert!(!Drift { orphans: vec![orphan], ..none() }.is_none());
    }

    #[test]
    fn what_would_mix_up_the_order_or_is_not_ours_to_create_is_in_the_way() {
        let is_obstacle = |field| {
            let difference = Difference { field, ..missing("ORDERS") };
            Drift { kept: vec![difference], ..none() }.obstacle().is_some()
        };

        assert!([SHARDS, UNHANDLED, EXISTS].into_iter().all(is_obstacle));
        assert!(!is_obstacle("max_bytes"));
    }
}
