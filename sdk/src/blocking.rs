//! Work that would block the thread.

/// Runs a function that blocks, such as one of a synchronous client, on a pool of its own.
///
/// Entities share threads: while a handler blocks one, none of its neighbours moves, and the watchdog reports it.
/// A panic of `function` continues in the handler.
///
/// # Cancel safety
/// When the attempt times out, a function that has not begun is never run; one that has runs to its end, unheard.
///
/// ```
/// use tidegate::prelude::*;
///
/// # async fn doc() -> Result<()> {
/// let rows = blocking(|| std::fs::read_to_string("prices.csv")).await?;
/// # let _rows = rows; Ok(())
/// # }
/// ```
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    ::blocking::unblock(function).await
}

#[cfg(test)]
mod tests {
    use std::thread;

    #[tokio::test]
    async fn runs_on_another_thread() {
        let there = super::blocking(|| thread::current().id()).await;

        assert_ne!(there, thread::current().id());
    }

    #[tokio::test]
    async fn a_panic_continues_in_the_handler() {
        let handler = tokio::spawn(super::blocking(|| panic!("boom")));

        let ended: Result<(), _> = handler.await;

        assert!(ended.is_err_and(|error| error.is_panic()));
    }
}
