//! Compares what the server has with what the topology needs, and tells what there is to do.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::IntoConsumerConfig;
use async_nats::jetstream::stream::Config;
use tracing::info;

use super::api::{change_stream, find_stream};
use super::edit::{self, Edit};
use super::streams::{self, StreamPlan, Tolerance};
use super::{ConsumerPlan, Difference, ProvisionError, Warning, compare, external, leftover};
use crate::nats::Connection;
use crate::topology::{ActorName, Origin, Topology};

/// What the server has, seen from the topology.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// External streams that do not exist.
    pub(super) absent: Vec<String>,
    pub(super) differences: Vec<Difference>,
    /// How some of the differences can be cured without harm.
    pub(super) edits: Vec<Edit>,
    pub(super) warnings: Vec<Warning>,
    pub(super) work: Vec<Work>,
}

/// One thing that is missing on the server.
#[derive(Debug)]
pub(super) enum Work {
    CreateStream(Config),
    /// Our advisory stream gets the subjects of new actors.
    ExtendStream(Config),
    CreateConsumer(ConsumerPlan),
}

impl Survey {
    /// Looks at all that the topology needs; state is kept for the actors in `stateful`.
    pub(super) async fn of(
        connection: &Connection,
        topology: &Topology,
        stateful: &BTreeSet<ActorName>,
    ) -> Result<Self, ProvisionError> {
        let mut survey = Self::default();
        survey.look_at_external_streams(connection, topology).await?;
        survey.look_at_streams(connection, streams::plan(topology, stateful)).await?;
        survey.look_at_consumers(connection, topology).await?;
        survey.look_at_leftovers(connection, topology).await?;
        Ok(survey)
    }

    async fn look_at_external_streams(
        &mut self,
        connection: &Connection,
        topology: &Topology,
    ) -> Result<(), ProvisionError> {
        for stream in topology.streams.values().filter(|stream| stream.origin == Origin::External) {
            let Some(actual) = find_stream(connection, stream.name.as_str()).await? else {
                self.absent.push(stream.name.to_string());
                continue;
            };
            let (differences, warning) = external::check(topology, stream, &actual);
            self.differences.extend(differences);
            self.warnings.extend(warning);
        }
        Ok(())
    }

    async fn look_at_streams(
        &mut self,
        connection: &Connection,
        plans: Vec<StreamPlan>,
    ) -> Result<(), ProvisionError> {
        for plan in plans {
            let Some(actual) = find_stream(connection, &plan.config.name).await? else {
                self.work.push(Work::CreateStream(plan.config));
                continue;
            };
            self.differences.extend(differences_of(&plan, &actual));
            if plan.tolerance == Tolerance::Nothing {
                self.edits.extend(edit::of_stream(&plan.config, &actual));
            }
            self.work.extend(extension(plan, actual).map(Work::ExtendStream));
        }
        Ok(())
    }

    async fn look_at_consumers(
        &mut self,
        connection: &Connection,
        topology: &Topology,
    ) -> Result<(), ProvisionError> {
        for plan in ConsumerPlan::all(topology) {
            let Some(actual) = plan.find(connection).await? else {
                self.work.push(Work::CreateConsumer(plan));
                continue;
            };
            let declared = plan.config.clone().into_consumer_config();
            self.differences.extend(compare::of_consumers(&plan.stream, &declared, &actual.config));
            self.edits.extend(edit::of_consumer(&plan.stream, &declared, &actual.config));
            if actual.paused {
                self.warnings.push(Warning::Paused { consumer: plan.name().to_owned() });
            }
        }
        Ok(())
    }

    async fn look_at_leftovers(
        &mut self,
        connection: &Connection,
        topology: &Topology,
    ) -> Result<(), ProvisionError> {
        let streams: BTreeSet<_> = topology.actors.values().map(|actor| &actor.stream).collect();
        for stream in streams {
            for leftover in leftover::find(connection, topology, stream.as_str()).await? {
                match leftover.difference() {
                    Some(difference) => self.differences.push(difference),
                    None => self.warnings.push(Warning::Leftover { consumer: leftover.consumer }),
                }
            }
        }
        Ok(())
    }
}

impl Work {
    /// What is missing, such as ``stream `ORDERS` ``.
    pub(super) fn what(&self) -> String {
        match self {
            Self::CreateStream(config) | Self::ExtendStream(config) => format!("stream `{}`", config.name),
            Self::CreateConsumer(plan) => plan.what(),
        }
    }

    pub(super) async fn perform(&self, connection: &Connection) -> Result<(), ProvisionError> {
        match self {
            Self::CreateStream(config) => change_stream(connection, "CREATE", config).await.map(drop)?,
            Self::ExtendStream(config) => change_stream(connection, "UPDATE", config).await.map(drop)?,
            Self::CreateConsumer(plan) => plan.create(connection).await?,
        }
        info!(what = self.what(), "provided");
        Ok(())
    }
}

fn differences_of(plan: &StreamPlan, actual: &Config) -> Vec<Difference> {
    match plan.tolerance {
        Tolerance::Nothing => compare::of_streams(&plan.config, actual),
        Tolerance::MoreSubjects => compare::of_stream_settings(&plan.config, actual),
        Tolerance::FitForDeadLetters => external::unfit_for_dead_letters(&plan.config, actual),
    }
}

/// The configuration with our missing subjects added. None is taken away: an instance with another version of the
/// topology may need it.
fn extension(plan: StreamPlan, actual: Config) -> Option<Config> {
    let mut subjects = actual.subjects.clone();
    subjects.extend(plan.config.subjects.into_iter().filter(|subject| !actual.subjects.contains(subject)));
    let is_more = subjects.len() > actual.subjects.len();
    (plan.tolerance == Tolerance::MoreSubjects && is_more).then_some(Config { subjects, ..actual })
}
