//! The instances of a run: started, frozen, ended and measured by their ids.

use std::fs;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Moment, Sample};
use crate::{PATIENCE, Runtime, RuntimeBuilder, eventually};

/// The instances, each in its place; a place is empty while nobody works there.
#[derive(Debug)]
pub(super) struct Fleet {
    builder: RuntimeBuilder,
    places: Vec<Option<Runtime>>,
}

impl Fleet {
    /// Nobody works yet.
    pub(super) fn new(builder: RuntimeBuilder, instances: usize) -> Self {
        Self { builder, places: (0..instances).map(|_| None).collect() }
    }

    /// Where all of them run.
    pub(super) fn directory(&self) -> &std::path::Path {
        self.builder.directory()
    }

    /// Fills a place, or replaces who is there.
    pub(super) fn start(&mut self, place: usize) {
        self.places[place] = Some(self.builder.clone().start());
    }

    /// Fills every empty place.
    pub(super) fn start_all(&mut self) {
        for place in 0..self.places.len() {
            if self.places[place].is_none() {
                self.start(place);
            }
        }
    }

    /// Waits until an instance works, or has ended.
    pub(super) async fn ready(&mut self, place: usize) {
        let Some(runtime) = self.places[place].as_mut() else { return };
        eventually(PATIENCE, async || runtime.count_log("ready") > 0 || !runtime.is_running()).await;
    }

    /// The processes that run, and their places.
    pub(super) fn running(&mut self) -> Vec<(usize, u32)> {
        let places = self.places.iter_mut().enumerate();
        places
            .filter_map(|(place, runtime)| {
                let runtime = runtime.as_mut()?;
                let pid = runtime.process().id();
                runtime.is_running().then_some((place, pid))
            })
            .collect()
    }

    /// Who ended by itself since the last time; their places are empty then.
    pub(super) fn bury(&mut self) -> Vec<(usize, u32)> {
        let mut ended = Vec::new();
        for place in 0..self.places.len() {
            if self.places[place].is_some() && self.pid(place).is_none() {
                ended.extend(self.places[place].take().map(|runtime| (place, runtime.process().id())));
            }
        }
        ended
    }

    /// The process in a place, if it runs.
    pub(super) fn pid(&mut self, place: usize) -> Option<u32> {
        let runtime = self.places.get_mut(place)?.as_mut()?;
        let pid = runtime.process().id();
        runtime.is_running().then_some(pid)
    }

    /// Empties a place as a crash would. `None` when there was nobody.
    pub(super) fn kill(&mut self, place: usize) -> Option<u32> {
        let pid = self.pid(place)?;
        let mut runtime = self.places[place].take()?;
        runtime.kill9();
        Some(pid)
    }

    /// Stops a process, and returns when it stands still. `None` when there was nobody, or it died of something else.
    pub(super) async fn freeze(&mut self, place: usize) -> Option<u32> {
        let pid = self.pid(place)?;
        let runtime = self.places[place].as_mut()?;
        runtime.signal(Signal::SIGSTOP);
        eventually(PATIENCE, async || stands_still(pid) || !runtime.is_running()).await;
        self.pid(place)
    }

    /// Continues a process.
    pub(super) fn thaw(&mut self, place: usize) {
        if self.pid(place).is_some()
            && let Some(runtime) = &self.places[place]
        {
            runtime.thaw();
        }
    }

    /// Asks a process to drain.
    pub(super) fn terminate(&mut self, place: usize) -> Option<u32> {
        let pid = self.pid(place)?;
        self.places[place].as_ref()?.signal(Signal::SIGTERM);
        Some(pid)
    }

    /// Waits until a process has ended, and empties its place. `None` when it did not end.
    pub(super) async fn ended(&mut self, place: usize, limit: Duration) -> Option<ExitStatus> {
        let mut runtime = self.places[place].take()?;
        tokio::time::timeout(limit, runtime.wait_exit(limit * 2)).await.ok()
    }

    /// What each process uses. Linux only; elsewhere there are no samples.
    pub(super) fn samples(&mut self) -> Vec<Sample> {
        self.running().into_iter().filter_map(|(_, pid)| sample(pid)).collect()
    }

    /// The last lines of what they wrote, for whoever looks for the cause.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory().join("stderr")).unwrap_or_default()
    }
}

fn sample(pid: u32) -> Option<Sample> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
    let (memory, threads) = (number("VmRSS:")? * 1024, number("Threads:")?);
    Some(Sample { pid, at: Moment::now(), memory, descriptors, threads })
}

/// Whether all threads of a process are stopped, by the kernel's word.
fn stands_still(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.filter_map(Result::ok).all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    })
}
