//! What the runtime calls. Handler authors need not look: they write [`Handler`] and test with
//! [`Lanes`](crate::testing::Lanes).

use std::any::TypeId;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::codec;
use crate::{Context, FromPayload, Handler, HandlerError, IntoEmits, Message, Outgoing, Result, ResultExt};

/// One run of a handler for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Which one it is; the first is 1.
    pub number: u32,
    /// When the caller will give it up.
    pub deadline: Instant,
}

/// What an attempt that succeeded leaves behind: nothing of it has happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What is to be published, in order.
    pub emits: Vec<Outgoing>,
    /// The entity's state to be saved, as JSON; `None` for a handler that keeps none.
    pub state: Option<Bytes>,
}

/// A running attempt.
pub type Attempting<'a> = Pin<Box<dyn Future<Output = Result<Applied>> + Send + 'a>>;

/// A [`Handler`] whose types are erased.
pub trait DynHandler: Send + Sync + 'static {
    /// Whether there is state to be loaded and saved.
    fn keeps_state(&self) -> bool;

    /// Decodes, handles, encodes. `state` is what the last attempt to succeed left; `None` stands for the default.
    ///
    /// A panic of the handler, wherever it happens, unwinds out of the returned future and not out of this call.
    fn attempt<'a>(
        &'a self,
        message: &'a Arc<Message>,
        state: Option<&'a [u8]>,
        attempt: Attempt,
    ) -> Attempting<'a>;
}

impl std::fmt::Debug for dyn DynHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynHandler").field("keeps_state", &self.keeps_state()).finish()
    }
}

/// Erases the types of a handler.
pub fn erase<H: Handler>(handler: H) -> Arc<dyn DynHandler> {
    Arc::new(Erased(handler))
}

struct Erased<H>(H);

impl<H: Handler> DynHandler for Erased<H> {
    fn keeps_state(&self) -> bool {
        TypeId::of::<H::State>() != TypeId::of::<()>()
    }

    fn attempt<'a>(
        &'a self,
        message: &'a Arc<Message>,
        state: Option<&'a [u8]>,
        attempt: Attempt,
    ) -> Attempting<'a> {
        Box::pin(async move {
            let input = H::Input::from_payload(message).map_err(HandlerError::undecodable)?;
            let mut context = Context::new(self.load(state)?, Arc::clone(message), attempt);
            let output = self.0.handle(input, &mut context).await?;
            let emits = output.into_emits().context("an emit has no encoding").terminal()?;
            Ok(Applied { emits, state: self.save(&context.state)? })
        })
    }
}

impl<H: Handler> Erased<H> {
    fn load(&self, state: Option<&[u8]>) -> Result<H::State> {
        match state {
            Some(bytes) if self.keeps_state() => codec::from_json(bytes)
                .map_err(HandlerError::undecodable)
                .context("the entity's state is unreadable"),
            Some(_) | None => Ok(H::State::default()),
        }
    }

    fn save(&self, state: &H::State) -> Result<Option<Bytes>> {
        if !self.keeps_state() {
            return Ok(None);
        }
        codec::json(state).map(Some).context("the entity's state has no encoding").terminal()
    }
}
