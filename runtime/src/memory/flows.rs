//! Flows and gauges in memory, with trouble on request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::message::{Flow, ShardReport};
use crate::port::{BoxFuture, FlowWatch, Flows, FlowsError, Gauge, GaugeError, Reading};

/// A bucket of flows. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryFlows {
    bucket: Arc<Mutex<Bucket>>,
    written: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Bucket {
    entries: BTreeMap<String, Flow>,
    history: Vec<Flow>,
    is_cut: bool,
}

impl MemoryFlows {
    /// Writes an entry as any instance would.
    pub fn write(&self, flow: Flow) {
        let mut bucket = locked(&self.bucket);
        bucket.history.push(flow.clone());
        bucket.entries.insert(flow.stream.clone(), flow);
        drop(bucket);
        self.written.send_modify(|count| *count += 1);
    }

    /// Answers nothing.
    pub fn cut(&self) {
        locked(&self.bucket).is_cut = true;
    }

    /// Answers again.
    pub fn mend(&self) {
        locked(&self.bucket).is_cut = false;
    }

    /// All that was ever written, in order.
    pub fn history(&self) -> Vec<Flow> {
        locked(&self.bucket).history.clone()
    }

    /// The entry of a stream.
    pub fn entry(&self, stream: &str) -> Option<Flow> {
        locked(&self.bucket).entries.get(stream).cloned()
    }

    /// Sees what is written.
    pub fn watch(&self) -> MemoryFlowWatch {
        let mut written = self.written.subscribe();
        written.mark_changed();
        MemoryFlowWatch { flows: self.clone(), written, unseen: VecDeque::new() }
    }

    fn way(&self) -> Result<(), FlowsError> {
        if locked(&self.bucket).is_cut {
            return Err(FlowsError::Unavailable("cut off".to_owned()));
        }
        Ok(())
    }
}

impl Flows for MemoryFlows {
    fn announce<'a>(&'a self, flow: &'a Flow) -> BoxFuture<'a, Result<(), FlowsError>> {
        Box::pin(async move {
            self.way()?;
            self.write(flow.clone());
            Ok(())
        })
    }

    fn find<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Result<Option<Flow>, FlowsError>> {
        Box::pin(async move {
            self.way()?;
            Ok(self.entry(stream))
        })
    }
}

/// Watches a [`MemoryFlows`].
#[derive(Debug)]
pub struct MemoryFlowWatch {
    flows: MemoryFlows,
    written: watch::Receiver<u64>,
    unseen: VecDeque<Flow>,
}

impl FlowWatch for MemoryFlowWatch {
    fn next(&mut self) -> BoxFuture<'_, Flow> {
        Box::pin(async move {
            loop {
                if let Some(flow) = self.unseen.pop_front() {
                    return flow;
                }
                if self.written.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.unseen.extend(locked(&self.flows.bucket).entries.values().cloned());
            }
        })
    }
}

/// A gauge that reads what a test says. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryGauge(Arc<Mutex<Dial>>);

#[derive(Debug)]
struct Dial {
    reading: Reading,
    reports: Vec<ShardReport>,
    is_broken: bool,
    reads: u64,
}

impl MemoryGauge {
    /// Reads this until something else is set.
    pub fn new(reading: Reading) -> Self {
        Self(Arc::new(Mutex::new(Dial { reading, reports: Vec::new(), is_broken: false, reads: 0 })))
    }

    /// Changes what is read.
    pub fn turn(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut locked(&self.0).reading);
    }

    /// Changes what the instances tell.
    pub fn tell(&self, reports: Vec<ShardReport>) {
        locked(&self.0).reports = reports;
    }

    /// Answers nothing.
    pub fn break_down(&self) {
        locked(&self.0).is_broken = true;
    }

    /// Answers again.
    pub fn repair(&self) {
        locked(&self.0).is_broken = false;
    }

    /// How often it was read.
    pub fn reads(&self) -> u64 {
        locked(&self.0).reads
    }
}

impl Gauge for MemoryGauge {
    fn read(&mut self) -> BoxFuture<'_, Result<Reading, GaugeError>> {
        Box::pin(async move {
            let mut dial = locked(&self.0);
            dial.reads += 1;
            if dial.is_broken {
                return Err(GaugeError::Unavailable("broken".to_owned()));
            }
            Ok(dial.reading.clone())
        })
    }

    fn reports(&mut self) -> BoxFuture<'_, Vec<ShardReport>> {
        Box::pin(async move { locked(&self.0).reports.clone() })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
