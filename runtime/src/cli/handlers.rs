//! The handlers of a topology's actors, constructed with their settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tidegate::erased::DynHandler;
use tidegate::{HandlerError, Settings};

use crate::engine::Rebuild;
use crate::registry::{Constructor, Registry};
use crate::topology::{Actor, ActorName, HandlerName, Order, Topology};

/// One handler for each actor.
pub(super) struct Handlers(BTreeMap<ActorName, Built>);

/// A handler, and how it is built anew.
#[derive(Clone)]
pub(super) struct Built {
    pub(super) handler: Arc<dyn DynHandler>,
    pub(super) rebuild: Rebuild,
}

/// Why an actor has no handler.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandlersError {
    #[error("actor `{actor}` needs the handler `{handler}`, which is not linked into this program")]
    Unlinked { actor: ActorName, handler: HandlerName },
    #[error("handler `{handler}` does not take the settings of actor `{actor}`: {error:#}")]
    Refused { actor: ActorName, handler: HandlerName, error: HandlerError },
    #[error(
        "handler `{handler}` of actor `{actor}` keeps state, but `order = \"none\"` runs several attempts of one entity at once, and all but one would fail to save it"
    )]
    StateWithoutOrder { actor: ActorName, handler: HandlerName },
}

impl Handlers {
    /// Constructs the handler of every actor.
    ///
    /// # Errors
    /// Names the first actor whose handler is missing, refuses its settings, or does not fit the actor's order.
    pub(super) fn construct(topology: &Topology, registry: &Registry) -> Result<Self, HandlersError> {
        let built = topology.actors.values().map(|actor| Ok((actor.name.clone(), build(actor, registry)?)));
        built.collect::<Result<_, _>>().map(Self)
    }

    /// The handler of that actor.
    pub(super) fn of(&self, actor: &ActorName) -> Built {
        self.0.get(actor).expect("there is one for each actor of the topology").clone()
    }

    /// The actors whose handlers keep state.
    pub(super) fn stateful(&self) -> BTreeSet<ActorName> {
        let stateful = self.0.iter().filter(|(_, built)| built.handler.keeps_state());
        stateful.map(|(actor, _)| actor.clone()).collect()
    }
}

impl HandlersError {
    /// What to do about it.
    pub(super) fn cure(&self) -> String {
        match self {
            Self::Unlinked { handler, .. } => {
                format!("register the crate of `{handler}` under [handlers], or add it in your own `main`")
            }
            Self::Refused { actor, .. } => format!("correct `settings` under [actors.{actor}]"),
            Self::StateWithoutOrder { actor, .. } => {
                format!("remove `order = \"none\"` under [actors.{actor}], or keep no state")
            }
        }
    }
}

fn build(actor: &Actor, registry: &Registry) -> Result<Built, HandlersError> {
    let (name, handler) = (actor.name.clone(), actor.handler.clone());
    let Some(constructor) = registry.find(handler.as_str()) else {
        return Err(HandlersError::Unlinked { actor: name, handler });
    };
    let rebuild = rebuild(constructor, actor);
    let built = match rebuild() {
        Ok(built) => built,
        Err(error) => return Err(HandlersError::Refused { actor: name, handler, error }),
    };
    if built.keeps_state() && actor.order == Order::None {
        return Err(HandlersError::StateWithoutOrder { actor: name, handler });
    }
    Ok(Built { handler: built, rebuild })
}

fn rebuild(constructor: &Constructor, actor: &Actor) -> Rebuild {
    let (constructor, settings) = (Arc::clone(constructor), actor.settings.clone());
    Arc::new(move || constructor(Settings::from(settings.clone())))
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
