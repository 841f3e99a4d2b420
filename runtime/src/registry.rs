//! Handler names and how to construct what they stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tidegate::erased::{DynHandler, erase};
use tidegate::{Handler, Result, Settings};

/// Constructs a handler from an actor's `settings`.
pub type Constructor = Arc<dyn Fn(Settings) -> Result<Arc<dyn DynHandler>> + Send + Sync>;

/// The handlers that are linked into this binary.
#[derive(Default, Clone)]
pub struct Registry(BTreeMap<String, Constructor>);

impl Registry {
    /// Adds a handler under the name that `handler = "…"` in the topology uses. A later one replaces an earlier.
    pub fn add<H: Handler>(
        &mut self,
        name: impl Into<String>,
        constructor: impl Fn(Settings) -> Result<H> + Send + Sync + 'static,
    ) -> &mut Self {
        let erased: Constructor = Arc::new(move |settings| constructor(settings).map(erase));
        self.0.insert(name.into(), erased);
        self
    }

    /// The constructor of that name.
    pub fn find(&self, name: &str) -> Option<&Constructor> {
        self.0.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is no handler.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
