//! Closures and functions as handlers.

use std::fmt;
use std::marker::PhantomData;

use crate::{Context, EntityState, FromPayload, Handler, IntoEmits, Result};

/// Makes a handler of an async closure or function that needs nothing but its input.
///
/// ```
/// use tidegate::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Arrival { name: String }
///
/// #[derive(Serialize)]
/// struct Greeting { text: String }
/// impl Emit for Greeting { const PORT: &'static str = "greeting"; }
///
/// pub fn handler(_: Settings) -> Result<impl Handler> {
///     Ok(handler_fn(async |arrival: Arrival| Ok(Greeting { text: format!("hello, {}", arrival.name) })))
/// }
/// ```
///
/// An async closure cannot lend what it captures to a future that moves between threads, so a closure with
/// captures clones them for each message. A type of its own with [`Handler`] reads better from the second one on.
///
/// ```
/// # use std::sync::Arc;
/// # use tidegate::prelude::*;
/// # #[derive(Deserialize)] struct Arrival { name: String }
/// # struct Guests; impl Guests { async fn enter(&self, _: &str) -> Result<()> { Ok(()) } }
/// # let guests = Arc::new(Guests);
/// handler_fn(move |arrival: Arrival| {
///     let guests = Arc::clone(&guests);
///     async move { guests.enter(&arrival.name).await }
/// })
/// # ;
/// ```
pub fn handler_fn<F, T, O, Fut>(function: F) -> impl Handler<Input = T, State = (), Output = O> + fmt::Debug
where
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O>> + Send,
    T: FromPayload,
    O: IntoEmits + 'static,
{
    InputHandler { function, signature: PhantomData }
}

/// Makes a handler of an async closure or function that also takes the [`Context`], for state or headers, say.
///
/// ```
/// use tidegate::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Deposit { cents: u64 }
///
/// #[derive(Serialize)]
/// struct Balance { cents: u64 }
/// impl Emit for Balance { const PORT: &'static str = "balance"; }
///
/// pub fn handler(_: Settings) -> Result<impl Handler> {
///     Ok(handler_fn_with_context(deposit))
/// }
///
/// async fn deposit(deposit: Deposit, cx: &mut Context<u64>) -> Result<Balance> {
///     cx.state += deposit.cents;
///     Ok(Balance { cents: cx.state })
/// }
/// ```
pub fn handler_fn_with_context<F, T, S, O>(
    function: F,
) -> impl Handler<Input = T, State = S, Output = O> + fmt::Debug
where
    // The first bound is there for inference, the second for what `AsyncFn` cannot say yet: that the future is `Send`.
    F: AsyncFn(T, &mut Context<S>) -> Result<O> + Send + Sync + 'static,
    F: for<'a> ContextFn<'a, T, S, O>,
    T: FromPayload,
    S: EntityState,
    O: IntoEmits + 'static,
{
    ContextHandler { function, signature: PhantomData }
}

/// An async function of an input and a [`Context`] whose future is `Send`. Nothing needs to implement it by hand.
pub trait ContextFn<'a, T, S: 'static, O>: Fn(T, &'a mut Context<S>) -> Self::Future {
    /// What it returns.
    type Future: Future<Output = Result<O>> + Send;
}

impl<'a, F, T, S, O, Fut> ContextFn<'a, T, S, O> for F
where
    F: Fn(T, &'a mut Context<S>) -> Fut,
    Fut: Future<Output = Result<O>> + Send,
    S: 'static,
{
    type Future = Fut;
}

struct InputHandler<F, T, O> {
    function: F,
    signature: PhantomData<fn(T) -> O>,
}

impl<F, T, O, Fut> Handler for InputHandler<F, T, O>
where
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O>> + Send,
    T: FromPayload,
    O: IntoEmits + 'static,
{
    type Input = T;
    type State = ();
    type Output = O;

    fn handle(&self, input: T, _cx: &mut Context<()>) -> impl Future<Output = Result<O>> + Send {
        (self.function)(input)
    }
}

impl<F, T, O> fmt::Debug for InputHandler<F, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handler_fn({})", std::any::type_name::<F>())
    }
}

struct ContextHandler<F, T, S, O> {
    function: F,
    signature: PhantomData<fn(T, S) -> O>,
}

impl<F, T, S, O> Handler for ContextHandler<F, T, S, O>
where
    F: for<'a> ContextFn<'a, T, S, O> + Send + Sync + 'static,
    T: FromPayload,
    S: EntityState,
    O: IntoEmits + 'static,
{
    type Input = T;
    type State = S;
    type Output = O;

    fn handle(&self, input: T, cx: &mut Context<S>) -> impl Future<Output = Result<O>> + Send {
        (self.function)(input, cx)
    }
}

impl<F, T, S, O> fmt::Debug for ContextHandler<F, T, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handler_fn_with_context({})", std::any::type_name::<F>())
    }
}
