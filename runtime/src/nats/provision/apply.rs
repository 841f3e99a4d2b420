//! Compares everything first, then creates what is missing.

use std::collections::BTreeSet;
use std::fmt;

use super::ProvisionError;
use super::survey::{Survey, Work};
use crate::nats::Connection;
use crate::topology::{ActorName, Topology};

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
    let Survey { absent, differences, warnings, work, .. } =
        Survey::of(connection, topology, wanted.stateful).await?;
    if let Some(stream) = absent.into_iter().next() {
        return Err(ProvisionError::Missing { stream });
    }
    if !differences.is_empty() {
        return Err(ProvisionError::Different { differences });
    }
    let mut done = Provisioned { warnings, ..Provisioned::default() };
    for task in work {
        task.perform(connection).await?;
        match task {
            Work::CreateStream(_) | Work::CreateConsumer(_) => done.created.push(task.what()),
            Work::ExtendStream(_) => done.extended.push(task.what()),
        }
    }
    Ok(done)
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
