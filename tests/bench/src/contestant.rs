//! The contestants, each in a process of its own: this program, started by itself.

pub(crate) mod by_hand;
#[cfg(feature = "peer")]
pub(crate) mod peer;
pub(crate) mod tidegate;

/// The argument that makes the program a hand-written loop.
pub(crate) const LOOP: &str = "play-loop";

/// The argument that makes the program the nearest Rust peer, if it was built with it.
pub(crate) const PEER: &str = "play-peer";
