//! The contestants, each in a process of its own: this program, started by itself.

pub(crate) mod by_hand;
pub(crate) mod tidegate;

/// The argument that makes the program a hand-written loop.
pub(crate) const LOOP: &str = "loop";
