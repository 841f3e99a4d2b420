//! What it takes to know the controls of actors.

use std::fmt;
use std::sync::Arc;

use super::helm::Helm;
use crate::port::{ControlWatch, Controlled, Controls};

/// What it takes to know the controls of actors.
pub struct ControlPlan {
    /// Where they are written.
    pub controls: Arc<dyn Controls>,
    /// Where it is seen what anybody writes.
    pub watch: Box<dyn ControlWatch>,
    /// What was written before the start: an actor that is paused does not begin to work.
    pub known: Vec<Controlled>,
}

/// Takes in whatever is written, without an end.
pub(crate) async fn keep(helms: Vec<Arc<Helm>>, mut watch: Box<dyn ControlWatch>) {
    loop {
        let Controlled { actor, control } = watch.next().await;
        if let Some(helm) = helms.iter().find(|helm| *helm.actor() == *actor) {
            helm.see(control);
        }
    }
}

impl fmt::Debug for ControlPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlan").field("known", &self.known).finish_non_exhaustive()
    }
}
