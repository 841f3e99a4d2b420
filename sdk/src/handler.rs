//! The trait that all handlers implement.

use crate::state::EntityState;
use crate::{Context, FromPayload, IntoEmits, Result};

/// Handles the messages of an actor, one at a time for each entity and many at a time across entities.
///
/// [`handler_fn`](crate::handler_fn) makes one of a closure. A handler that holds something, such as a client, is a type:
///
/// ```
/// use tidegate::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Moved { by: i64 }
///
/// #[derive(Serialize)]
/// struct SoldOut { sku: String }
/// impl Emit for SoldOut { const PORT: &'static str = "sold-out"; }
///
/// struct Stock { reserve: i64 }
///
/// impl Handler for Stock {
///     type Input = Moved;
///     type State = i64;
///     type Output = Option<SoldOut>;
///
///     async fn handle(&self, moved: Moved, cx: &mut Context<i64>) -> Result<Option<SoldOut>> {
///         cx.state += moved.by;
///         Ok((cx.state <= self.reserve).then(|| SoldOut { sku: cx.key().to_owned() }))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "wrap a closure: `handler_fn(async |input: Input| Ok(…))`",
    note = "or write a type with `impl Handler`: its `Input`, `State`, `Output` and `async fn handle`"
)]
pub trait Handler: Send + Sync + 'static {
    /// What a payload is read as.
    type Input: FromPayload;
    /// What is kept for each entity; `()` for nothing.
    type State: EntityState;
    /// What is emitted; `()` for nothing.
    type Output: IntoEmits;

    /// Handles one message. It may run again for the same message, after a failed attempt or a crash.
    ///
    /// # Errors
    /// Decide what becomes of the message; see [`HandlerError`](crate::HandlerError).
    ///
    /// # Cancel safety
    /// The future is dropped when the actor's `timeout` is over, and that attempt leaves no trace.
    fn handle(
        &self,
        input: Self::Input,
        cx: &mut Context<Self::State>,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}
