//! The bucket of controls in memory, with trouble on request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::message::Control;
use crate::port::{BoxFuture, ControlWatch, Controlled, Controls, ControlsError, Revision};

/// A bucket of controls. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryControls {
    bucket: Arc<Mutex<Bucket>>,
    written: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Bucket {
    entries: BTreeMap<String, (Control, Revision)>,
    history: Vec<Controlled>,
    revision: u64,
    is_cut: bool,
}

impl MemoryControls {
    /// Answers nothing.
    pub fn cut(&self) {
        locked(&self.bucket).is_cut = true;
    }

    /// Answers again.
    pub fn mend(&self) {
        locked(&self.bucket).is_cut = false;
    }

    /// What is written of an actor.
    pub fn entry(&self, actor: &str) -> Control {
        locked(&self.bucket).entries.get(actor).map_or_else(Control::none, |(control, _)| control.clone())
    }

    /// All that is written.
    pub fn entries(&self) -> Vec<Controlled> {
        let bucket = locked(&self.bucket);
        let entry = |(actor, (control, _)): (&String, &(Control, Revision))| Controlled {
            actor: actor.clone(),
            control: control.clone(),
        };
        bucket.entries.iter().map(entry).collect()
    }

    /// All that was ever written, in order.
    pub fn history(&self) -> Vec<Controlled> {
        locked(&self.bucket).history.clone()
    }

    /// Sees what is written.
    pub fn watch(&self) -> MemoryControlWatch {
        let mut written = self.written.subscribe();
        written.mark_changed();
        MemoryControlWatch { controls: self.clone(), written, unseen: VecDeque::new() }
    }

    /// Waits until something is written of `actor` that `is_awaited`.
    pub async fn until(&self, actor: &str, is_awaited: impl Fn(&Control) -> bool) -> Control {
        let mut written = self.written.subscribe();
        loop {
            let control = self.entry(actor);
            if is_awaited(&control) {
                return control;
            }
            written.changed().await.expect("we keep the sender");
        }
    }

    fn write(
        &self,
        actor: &str,
        control: &Control,
        expected: Option<Revision>,
    ) -> Result<Revision, ControlsError> {
        let mut bucket = self.open()?;
        if bucket.entries.get(actor).map(|(_, revision)| *revision) != expected {
            return Err(ControlsError::Conflict);
        }
        bucket.revision += 1;
        let revision = Revision(bucket.revision);
        bucket.entries.insert(actor.to_owned(), (control.clone(), revision));
        bucket.history.push(Controlled { actor: actor.to_owned(), control: control.clone() });
        drop(bucket);
        self.written.send_modify(|count| *count += 1);
        Ok(revision)
    }

    fn open(&self) -> Result<MutexGuard<'_, Bucket>, ControlsError> {
        let bucket = locked(&self.bucket);
        if bucket.is_cut {
            return Err(ControlsError::Unavailable("cut off".to_owned()));
        }
        Ok(bucket)
    }
}

impl Controls for MemoryControls {
    fn find<'a>(
        &'a self,
        actor: &'a str,
    ) -> BoxFuture<'a, Result<(Control, Option<Revision>), ControlsError>> {
        Box::pin(async move {
            let bucket = self.open()?;
            let entry = bucket.entries.get(actor).cloned();
            Ok(entry.map_or((Control::none(), None), |(control, revision)| (control, Some(revision))))
        })
    }

    fn set<'a>(
        &'a self,
        actor: &'a str,
        control: &'a Control,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, ControlsError>> {
        Box::pin(async move {
            // Lets others go first, so that instances interleave.
            tokio::task::yield_now().await;
            self.write(actor, control, expected)
        })
    }
}

/// Watches a [`MemoryControls`].
#[derive(Debug)]
pub struct MemoryControlWatch {
    controls: MemoryControls,
    written: watch::Receiver<u64>,
    unseen: VecDeque<Controlled>,
}

impl ControlWatch for MemoryControlWatch {
    fn next(&mut self) -> BoxFuture<'_, Controlled> {
        Box::pin(async move {
            loop {
                if let Some(controlled) = self.unseen.pop_front() {
                    return controlled;
                }
                if self.written.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.unseen.extend(self.controls.entries());
            }
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
