//! The endpoint for operators.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where operators look, and who may change something there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens, if anywhere.
    pub listen: Option<SocketAddr>,
    /// The file with the hashes of the tokens; without one nothing can be changed.
    pub tokens: Option<PathBuf>,
}

impl Admin {
    /// Makes paths relative to the topology file relative to the working directory.
    pub(in crate::topology) fn rebase(&mut self, directory: &Path) {
        if let Some(tokens) = &mut self.tokens {
            *tokens = directory.join(&tokens);
        }
    }
}
