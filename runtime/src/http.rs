//! What every HTTP server of ours is made of: bounded connections, tokens from a file, and answers that say what is wrong.
//!
//! `Server` listens, bounds connections and ends; `Guard` knows who may come in; `Problem` is an answer to a request
//! that is not granted.

mod server;

mod patient;

mod guard;
mod tokens;

mod body;
mod problem;

pub(crate) use body::{Incoming, Piece, too_large, whole};
pub(crate) use guard::Guard;
pub(crate) use problem::{CONTENT_TYPE, Code, Problem, json_response};
pub(crate) use server::{Connections, Limits, Peer, Server};
pub use tokens::TokensError;
pub(crate) use tokens::{Tokens, follow};
