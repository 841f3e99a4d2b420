//! A payment gateway as one knows them, slow and sometimes away; simulated, without a network.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::Deserialize;

/// The settings of the actor.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    /// It declines more than this.
    limit_cents: u64,
    /// Of a thousand requests, so many are answered with 503.
    unavailable_per_mille: u64,
    /// The slowest answer takes this long.
    latency_ms: u64,
}

/// What is to be paid.
#[derive(Hash)]
pub(crate) struct Charge {
    /// Names the charge: the gateway debits it once, however often it is requested.
    pub(crate) key: String,
    pub(crate) attempt: u32,
    pub(crate) cents: u64,
}

/// What the gateway decided.
pub(crate) enum Answer {
    /// It pays; its own number for that.
    Authorized(String),
    /// It does not; why.
    Declined(&'static str),
}

/// The gateway decided nothing.
#[derive(Debug, thiserror::Error)]
#[error("the gateway answered 503 service unavailable")]
pub(crate) struct Unavailable;

impl Default for Gateway {
    fn default() -> Self {
        Self { limit_cents: 100_000, unavailable_per_mille: 0, latency_ms: 0 }
    }
}

impl Gateway {
    pub(crate) async fn charge(&self, charge: &Charge) -> Result<Answer, Unavailable> {
        let chance = chance(charge);
        if self.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(1 + chance % self.latency_ms)).await;
        }
        if chance % 1000 < self.unavailable_per_mille {
            return Err(Unavailable);
        }
        if charge.cents > self.limit_cents {
            return Ok(Answer::Declined("over the limit"));
        }
        Ok(Answer::Authorized(format!("{chance:016x}")))
    }
}

/// A number that is random from attempt to attempt, and yet the same in every run.
fn chance(charge: &Charge) -> u64 {
    let mut hasher = DefaultHasher::new();
    charge.hash(&mut hasher);
    hasher.finish()
}
