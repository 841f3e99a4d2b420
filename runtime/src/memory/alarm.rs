//! Alerts and counts of dead letters in memory.

use std::sync::{Arc, Mutex, PoisonError};

use crate::message::AlertEvent;
use crate::port::{Alarm, BoxFuture, Held};

/// Keeps what it is told. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryAlarm(Arc<Mutex<Vec<AlertEvent>>>);

impl MemoryAlarm {
    /// All that it was told.
    pub fn events(&self) -> Vec<AlertEvent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Alarm for MemoryAlarm {
    fn tell<'a>(&'a self, event: &'a AlertEvent) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Box::pin(std::future::ready(()))
    }
}

/// As many dead letters as a test says. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryHeld(Arc<Mutex<Option<u64>>>);

impl MemoryHeld {
    /// So many are held.
    pub fn set(&self, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
    }
}

impl Held for MemoryHeld {
    fn count(&self) -> BoxFuture<'_, Option<u64>> {
        Box::pin(std::future::ready(*self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
