//! The topology file, parsed and checked: nothing below this floor sees a value that was not validated.
//!
//! [`load`] reads the file. What is wrong with it comes back all at once as [`Rejected`], every [`Finding`] with the
//! place in the file, the [`Rule`] it breaks, the consequence and the cure.

mod fingerprint;
mod load;
pub mod model;
pub mod name;

mod conform;
mod interpolate;
mod schema;
mod validate;

mod error;
mod finding;
mod render;
mod report;
mod rule;

#[cfg(test)]
mod tests;

pub use error::Rejected;
pub use finding::{Consequence, Finding, Position, Related};
pub use fingerprint::Fingerprint;
pub use load::{Checked, load, parse};
pub use model::{
    Actor, Admin, Alerts, Content, DeadLetterLimits, DeadLetters, FlowMarks, IdSource, Ingress, KeySource,
    Keyless, Marks, Nats, Order, Origin, Retention, Route, RoutePath, RoutePathError, Secret, Segment,
    Server, ShardToken, ShardTokenError, Storage, Stream, Tls, Topology,
};
pub use name::{ActorName, HandlerName, Name, NameError, PortName, RouteName, StreamName, TopologyName};
pub use render::{Style, render};
pub use rule::{Rule, Severity};
pub use schema::json_schema;
