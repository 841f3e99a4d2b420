//! Bugs on demand: stands for the code that one would rather not have written.

use serde::Deserialize;
use tidegate::{HandlerError, Result};

/// What goes wrong with a line that asks for it, so that the demo can show what the runtime makes of it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    /// Every attempt fails.
    Fails,
    /// The first attempt fails.
    Flaky,
    /// Every attempt panics.
    Panics,
    /// The first attempt panics.
    Stumbles,
    /// The first attempt never ends.
    Hangs,
}

impl Trouble {
    pub(crate) async fn strike(self, attempt: u32) -> Result<()> {
        match self {
            Self::Fails => Err(HandlerError::new("the card cannot be read")),
            Self::Flaky if attempt == 1 => Err(HandlerError::new("the line dropped")),
            Self::Panics => panic!("index out of bounds: the card has no number"),
            Self::Stumbles if attempt == 1 => panic!("called `Option::unwrap()` on a `None` value"),
            Self::Hangs if attempt == 1 => std::future::pending().await,
            Self::Flaky | Self::Stumbles | Self::Hangs => Ok(()),
        }
    }
}
