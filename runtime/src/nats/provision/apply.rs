//! Compares everything first, then creates what is missing.

use std::collections::BTreeSet;
use std::fmt;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::IntoConsumerConfig;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, Info};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::streams::{self, StreamPlan, Tolerance};
use super::{ConsumerPlan, Difference, ProvisionError, compare, external, leftover};
use crate::nats::{Connection, election};
use crate::topology::{ActorName, Origin, Topology};

/// What to provide besides what the topology itself says.
#[derive(Debug, Clone, Copy)]
pub struct Provision<'a> {
    /// The actors whose handlers keep state.
    pub stateful: &'a BTreeSet<ActorName>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// What was created, such as ``stream `ORDERS` ``.
    pub created: Vec<String>,
    /// What got more subjects.
    pub extended: Vec<String>,
    /// What is not wrong but dangerous.
    pub warnings: Vec<Warning>,
}

/// Something on the server that is not wrong but dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// An external stream forgets its oldest messages when it is full, handled or not.
    DiscardsOld {
        /// The stream.
        stream: String,
    },
    /// A consumer is left over from another number of shards, and has nothing left to do.
    Leftover {
        /// The consumer.
        consumer: String,
    },
    /// Somebody has paused a consumer, so its actor gets nothing.
    Paused {
        /// The consumer.
        consumer: String,
    },
}

/// Creates what the topology needs and the server has not.
///
/// Run by several instances at once it does the same: who comes second finds what the first has created.
///
/// # Errors
/// [`ProvisionError::Different`] with all differences, when something exists and is not what we would create; then
/// nothing was created.
pub async fn provision(
    connection: &Connection,
    topology: &Topology,
    wanted: &Provision<'_>,
) -> Result<Provisioned, ProvisionError> {
    let mut survey = Survey::default();
    survey.look_at_external_streams(connection, topology).await?;
    survey.look_at_streams(connection, streams::plan(topology, wanted.stateful)).await?;
    survey.look_at_consumers(connection, topology).await?;
    survey.look_at_leftovers(connection, topology).await?;

    let Survey { differences, warnings, work } = survey;
    if !differences.is_empty() {
        return Err(ProvisionError::Different { differences });
    }
    let mut done = Provisioned { warnings, ..Provisioned::default() };
    for task in work {
        task.perform(connection, &mut done).await?;
    }
    Ok(done)
}

/// What the server has, seen from the topology.
#[derive(Debug, Default)]
struct Survey {
    differences: Vec<Difference>,
    warnings: Vec<Warning>,
    work: Vec<Work>,
}

impl Survey {
    async fn look_at_external_streams(
        &mut self,
        connection: &Connection,
        topology: &Topology,
    ) -> Result<(), ProvisionError> {
        for stream in topology.streams.values().filter(|stream| stream.origin == Origin::External) {
            let actual = find_stream(connection, stream.name.as_str()).await?;
            let missing = || ProvisionError::Missing { stream: stream.name.to_string() };
            let (differences, warning) = external::check(topology, stream, &actual.ok_or_else(missing)?);
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

/// One change on the server.
#[derive(Debug)]
enum Work {
    CreateStream(Config),
    ExtendStream(Config),
    CreateConsumer(ConsumerPlan),
}

impl Work {
    async fn perform(self, connection: &Connection, done: &mut Provisioned) -> Result<(), ProvisionError> {
        let changes = match &self {
            Self::CreateStream(_) | Self::CreateConsumer(_) => &mut done.created,
            Self::ExtendStream(_) => &mut done.extended,
        };
        let what = match self {
            Self::CreateStream(config) => change_stream(connection, "CREATE", &config).await?,
            Self::ExtendStream(config) => change_stream(connection, "UPDATE", &config).await?,
            Self::CreateConsumer(plan) => plan.create(connection).await.map(|()| plan.what())?,
        };
        info!(what, "provided");
        changes.push(what);
        Ok(())
    }
}

/// Asks the JetStream API; what `subject` asks for is called `what` in errors.
///
/// Asks again while a cluster elects its leaders: what is asked for is the same however often it is done.
pub(super) async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    request: Option<Value>,
    what: &str,
) -> Result<Response<T>, ProvisionError> {
    debug!(subject, "asking jetstream");
    let payload = Bytes::from(request.map(|request| request.to_string()).unwrap_or_default());
    let started = Instant::now();
    loop {
        let answer = ask_once(connection, subject, payload.clone(), what).await;
        let may_pass = match &answer {
            Ok(Response::Err { error }) => election::is_under_way(error),
            Err(error) => matches!(error, ProvisionError::Unanswered { .. }),
            Ok(Response::Ok(_)) => false,
        };
        if !may_pass || started.elapsed() >= election::LONGEST {
            return answer;
        }
        info!(what, "jetstream is not ready, asking again");
        sleep(election::ASK_AGAIN).await;
    }
}

async fn ask_once<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    payload: Bytes,
    what: &str,
) -> Result<Response<T>, ProvisionError> {
    let answer = connection.client().request(format!("$JS.API.{subject}"), payload).await;
    let answer = answer.map_err(|failure| ProvisionError::unanswered(connection, subject, what, failure))?;
    serde_json::from_slice(&answer.payload)
        .map_err(|source| ProvisionError::Unreadable { what: what.to_owned(), source })
}

async fn find_stream(connection: &Connection, name: &str) -> Result<Option<Config>, ProvisionError> {
    let what = format!("stream `{name}`");
    match ask::<Info>(connection, &format!("STREAM.INFO.{name}"), None, &what).await? {
        Response::Ok(info) => Ok(Some(info.config)),
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
        Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
    }
}

pub(in crate::nats) async fn change_stream(
    connection: &Connection,
    verb: &str,
    config: &Config,
) -> Result<String, ProvisionError> {
    let what = format!("stream `{}`", config.name);
    match ask::<Info>(connection, &format!("STREAM.{verb}.{}", config.name), Some(json!(config)), &what)
        .await?
    {
        Response::Ok(_) => Ok(what),
        Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
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

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiscardsOld { stream } => {
                write!(f, "stream `{stream}` forgets its oldest messages when it is full, handled or not")
            }
            Self::Leftover { consumer } => {
                write!(f, "consumer `{consumer}` is left over from another number of shards: remove it")
            }
            Self::Paused { consumer } => write!(f, "consumer `{consumer}` is paused, its actor gets nothing"),
        }
    }
}
