//! Taps in memory.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, broadcast};

use crate::message::{TapRequest, Tapped};
use crate::port::{BoxFuture, TapWatch, Taps};

/// How many requests may wait to be heard.
const WAITING: usize = 16;

/// Keeps what it is shown. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryTaps {
    shown: Arc<Mutex<Vec<Tapped>>>,
    requests: broadcast::Sender<(String, TapRequest)>,
    /// Has room while there is somebody to show it to.
    way: Arc<Semaphore>,
}

/// Hears the requests of a [`MemoryTaps`].
#[derive(Debug)]
pub struct MemoryTapWatch(broadcast::Receiver<(String, TapRequest)>);

impl MemoryTaps {
    /// Asks for messages of an actor.
    pub fn ask(&self, actor: &str, request: TapRequest) {
        // Nobody hears it when no engine runs.
        drop(self.requests.send((actor.to_owned(), request)));
    }

    /// All that was shown.
    pub fn shown(&self) -> Vec<Tapped> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing gets through from here on.
    pub fn clog(&self) {
        self.way.forget_permits(1);
    }

    /// What waits gets through.
    pub fn unclog(&self) {
        self.way.add_permits(1);
    }
}

impl Default for MemoryTaps {
    fn default() -> Self {
        Self {
            shown: Arc::default(),
            requests: broadcast::channel(WAITING).0,
            way: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Taps for MemoryTaps {
    fn watch(&self) -> Box<dyn TapWatch> {
        Box::new(MemoryTapWatch(self.requests.subscribe()))
    }

    fn show<'a>(&'a self, tapped: &'a Tapped) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let _way = self.way.acquire().await;
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(tapped.clone());
        })
    }
}

impl TapWatch for MemoryTapWatch {
    fn next(&mut self) -> BoxFuture<'_, (String, TapRequest)> {
        Box::pin(async move {
            loop {
                match self.0.recv().await {
                    Ok(request) => return request,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        })
    }
}
