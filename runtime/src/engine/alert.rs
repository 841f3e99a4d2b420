//! Alerts: numbers of actors that are held against thresholds, and what is said when one is past its own.
//!
//! Every second the numbers of all actors are read ([`numbers`]) and judged ([`judge`], pure). What is raised is on a
//! board, for listings and metrics; what changes is logged once and told to whoever listens ([`guard`]).

mod guard;
mod judge;
mod numbers;
mod recent;

pub(crate) use self::guard::{Guard, Guarded, Raised};
