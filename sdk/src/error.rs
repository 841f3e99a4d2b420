//! Errors of a handler, and what they decide about the message.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Any error that can travel between threads.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What handlers return; `?` turns any error into a [`HandlerError`].
pub type Result<T, E = HandlerError> = std::result::Result<T, E>;

/// An attempt that failed, and what is to become of its message.
///
/// Any [`std::error::Error`] becomes one by `?`, and then the message is tried again after the actor's backoff.
/// [`ResultExt`] decides otherwise where the error happens. Like `anyhow::Error` this type is not itself a
/// [`std::error::Error`]; what is only `Into<Box<dyn Error>>`, as `anyhow::Error` is, goes through
/// [`map_err(HandlerError::new)`](HandlerError::new).
pub struct HandlerError(Box<Failure>);

struct Failure {
    decision: Decision,
    contexts: Vec<String>,
    source: BoxError,
}

/// What an error decides about the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Try again after the actor's backoff, as long as attempts are left.
    Retry,
    /// Try again after this wait, as long as attempts are left.
    RetryAfter(Duration),
    /// Never try again: dead-letter at once.
    Terminal,
    /// Never try again: the payload or the stored state is not what the handler expects.
    Undecodable,
}

impl HandlerError {
    /// An error after which the message is tried again by the actor's backoff.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self::with(Decision::Retry, error.into())
    }

    /// An error after which the message is dead-lettered at once.
    pub fn terminal(error: impl Into<BoxError>) -> Self {
        Self::with(Decision::Terminal, error.into())
    }

    /// An error after which the message is tried again when `wait` is over.
    pub fn retry_after(wait: Duration, error: impl Into<BoxError>) -> Self {
        Self::with(Decision::RetryAfter(wait), error.into())
    }

    /// An error that says the message cannot be read; it is dead-lettered at once, with that reason.
    pub fn undecodable(error: impl Into<BoxError>) -> Self {
        Self::with(Decision::Undecodable, error.into())
    }

    /// What is to become of the message.
    pub fn decision(&self) -> Decision {
        self.0.decision
    }

    /// What happened, from what was attempted down to the first cause.
    pub fn chain(&self) -> impl Iterator<Item = String> {
        let contexts = self.0.contexts.iter().rev().cloned();
        let first: &(dyn Error + 'static) = self.0.source.as_ref();
        let causes = std::iter::successors(Some(first), |&error| error.source());
        contexts.chain(causes.map(ToString::to_string))
    }

    fn with(decision: Decision, source: BoxError) -> Self {
        Self(Box::new(Failure { decision, contexts: Vec::new(), source }))
    }

    fn decide(mut self, decision: Decision) -> Self {
        self.0.decision = decision;
        self
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for HandlerError {
    /// The outermost message; with `{:#}` the whole chain, separated by colons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chain = self.chain();
        f.write_str(&chain.next().unwrap_or_default())?;
        if f.alternate() {
            for cause in chain {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.decision())?;
        for cause in self.chain().skip(1) {
            write!(f, "\n  caused by: {cause}")?;
        }
        Ok(())
    }
}

/// Decides about an error where it happens.
///
/// ```
/// # use std::time::Duration;
/// use tidegate::prelude::*;
///
/// fn quantity(text: &str) -> Result<u32> {
///     text.parse().context("the quantity is not a number").terminal()
/// }
///
/// let error = quantity("many").unwrap_err();
/// assert_eq!(error.decision(), Decision::Terminal);
/// assert_eq!(error.to_string(), "the quantity is not a number");
/// ```
pub trait ResultExt<T> {
    /// An error dead-letters the message at once.
    fn terminal(self) -> Result<T>;

    /// An error has the message tried again when `wait` is over.
    fn retry_after(self, wait: Duration) -> Result<T>;

    /// Says what was attempted; the decision stays what it is.
    fn context(self, attempted: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<HandlerError>> ResultExt<T> for std::result::Result<T, E> {
    fn terminal(self) -> Result<T> {
        self.map_err(|error| error.into().decide(Decision::Terminal))
    }

    fn retry_after(self, wait: Duration) -> Result<T> {
        self.map_err(|error| error.into().decide(Decision::RetryAfter(wait)))
    }

    fn context(self, attempted: impl fmt::Display) -> Result<T> {
        self.map_err(|error| {
            let mut error = error.into();
            error.0.contexts.push(attempted.to_string());
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<u32> {
        Ok(text.parse::<u32>()?)
    }

    #[test]
    fn any_error_retries_unless_told_otherwise() {
        let wait = Duration::from_secs(3);

        assert_eq!(parse("x").unwrap_err().decision(), Decision::Retry);
        assert_eq!(parse("x").terminal().unwrap_err().decision(), Decision::Terminal);
        assert_eq!("x".parse::<u32>().retry_after(wait).unwrap_err().decision(), Decision::RetryAfter(wait));
        assert_eq!(HandlerError::undecodable("not a number").decision(), Decision::Undecodable);
    }

    #[test]
    fn context_keeps_the_decision() {
        let error = parse("x").terminal().context("reading the quantity").unwrap_err();

        assert_eq!(error.decision(), Decision::Terminal);
    }

    #[test]
    fn chain_runs_from_the_attempt_to_the_first_cause() {
        let error = HandlerError::new(fmt::Error);
        let error = Err::<(), _>(error).context("inner").context("outer").unwrap_err();

        let chain: Vec<String> = error.chain().collect();

        assert_eq!(chain, ["outer", "inner", &fmt::Error.to_string()]);
        assert_eq!(error.to_string(), "outer");
        assert_eq!(format!("{error:#}"), format!("outer: inner: {}", fmt::Error));
    }
}
