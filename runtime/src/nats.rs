//! JetStream behind the ports: the only floor that uses async-nats.

pub mod names;

pub mod connection;
pub mod context;
pub mod link;
pub mod options;
pub mod permissions;
pub mod resolve;

pub mod embedded;
pub mod provision;

pub mod shard;
pub mod source;

pub mod alarm;
pub mod controls;
pub mod flows;
pub mod gauge;
pub mod held;
pub mod members;
pub mod publisher;
pub mod settle;
pub mod sink;
pub mod store;
pub mod taps;

pub mod exhausted;

mod ack_subject;
mod advisory;
mod archive;
mod arrival;
mod backlog;
mod bounded;
mod demand;
mod election;
mod headers;
mod inbox;
mod notice;
mod pin;
mod state_key;
mod stored;
mod vitals;

pub use alarm::NatsAlarm;
pub use archive::{Archive, ArchiveError, Reader};
pub use backlog::Backlog;
pub use connection::{ConnectError, Connection, connect};
pub use controls::{NatsControlWatch, NatsControls, StoredControl};
pub use embedded::{Embedded, EmbeddedError};
pub use exhausted::{ExhaustedSettle, ExhaustedSource, Watched};
pub use flows::{NatsFlowWatch, NatsFlows, StoredFlow};
pub use gauge::NatsGauge;
pub use held::NatsHeld;
pub use link::{Link, Refusal};
pub use members::{MemberEntry, NatsMembers};
pub use options::ConnectOptions;
pub use permissions::{Grant, Permissions, Role};
pub use pin::GROUP;
pub use provision::{
    Amended, ConsumerPlan, Difference, Drift, Edit, Orphan, OrphanKind, Provision, ProvisionError,
    Provisioned, Stranded, Warning, provision,
};
pub use publisher::Publisher;
pub use resolve::{Auth, Origin, ResolveError, Resolved, Target, resolve};
pub use settle::NatsSettle;
pub use shard::Shard;
pub use sink::NatsSink;
pub use source::NatsSource;
pub use store::NatsStore;
pub use taps::{NatsTaps, TapStream};
pub use vitals::{ServerVitals, Share, StreamVitals};
