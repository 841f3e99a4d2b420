//! A run: instances, a broker, producers, whatever happens to them, and the evidence at the end.

mod inject;
mod observe;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::jetstream::Context;
use tokio::time::{Instant, sleep};

use super::broker::{Broker, connect};
use super::fleet::Fleet;
use super::producer::{Load, Producers};
use super::setting::Setting;
use super::{Evidence, Exit, Fault, FaultKind, Line, Moment, Publication, history, reader};
use crate::Runtime;

const INTERVAL: Duration = Duration::from_millis(20);
const SAMPLING: Duration = Duration::from_millis(250);

/// How long nothing may be left to do, and yet not all be done, until it is taken for lost.
const QUIET: Duration = Duration::from_secs(2);

/// A run under way.
#[derive(Debug)]
pub struct Stage<B> {
    setting: Setting,
    broker: B,
    fleet: Fleet,
    jetstream: Context,
    producers: Option<Producers>,
    publications: Vec<Publication>,
    evidence: Evidence,
    sampled: Instant,
}

impl<B: Broker> Stage<B> {
    /// Starts the instances of the program `fixture` and waits until all are ready.
    pub async fn start(fixture: impl Into<PathBuf>, broker: B, setting: Setting) -> Self {
        let mut builder = Runtime::builder(fixture, &setting.topology(broker.replicas()))
            .env("NATS_URL", broker.urls())
            .env("RUST_LOG", "info")
            // A backtrace of a panic that was asked for costs more memory than the work.
            .env("RUST_BACKTRACE", "0");
        if let Some(plant) = setting.plant {
            builder = builder.env("TIDEGATE_PLANT", plant);
        }
        let jetstream = connect(&broker.urls()).await;
        let evidence = Evidence { bounds: setting.bounds.clone(), ..Evidence::default() };
        let mut stage = Self {
            fleet: Fleet::new(builder, setting.instances),
            setting,
            broker,
            jetstream,
            producers: None,
            publications: Vec::new(),
            evidence,
            sampled: Instant::now(),
        };
        stage.fleet.start(0);
        stage.fleet.ready(0).await;
        reader::keep_states(&stage.jetstream, stage.broker.replicas()).await;
        stage.fleet.start_all();
        for place in 1..stage.setting.instances {
            stage.fleet.ready(place).await;
        }
        stage
    }

    /// Lets producers begin.
    pub fn publish(&mut self, load: Load) {
        let max_deliver = self.setting.bounds.max_deliver;
        self.producers = Some(Producers::start(&self.jetstream, load, self.setting.mix, max_deliver));
    }

    /// Lets producers end after the message in hand.
    pub fn stop_publishing(&self) {
        self.producers.iter().for_each(Producers::stop);
    }

    /// Waits until all is published.
    ///
    /// # Panics
    /// When that takes longer than the limit.
    pub async fn published(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while self.producers.as_ref().is_some_and(|producers| !producers.are_done()) {
            assert!(Instant::now() < end, "not published within {limit:?}");
            self.pass(INTERVAL).await;
        }
        if let Some(producers) = self.producers.take() {
            self.publications.extend(producers.join().await);
        }
    }

    /// Waits until so many attempts have ended.
    ///
    /// # Panics
    /// When that takes longer than the limit.
    pub async fn ended(&mut self, attempts: usize, limit: Duration) {
        let end = Instant::now() + limit;
        while self.history().iter().filter(|line| line.event != super::Event::Start).count() < attempts {
            assert!(Instant::now() < end, "not {attempts} attempts within {limit:?}:\n{}", self.fleet.log());
            self.pass(INTERVAL).await;
        }
    }

    /// Lets time pass. Who ends unasked in it is noted and replaced, and samples are taken.
    pub async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.tend().await;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(INTERVAL)).await;
        }
    }

    /// Waits until nothing is left to do, drains all instances, and reads what there is.
    pub async fn finish(mut self, limit: Duration) -> Evidence {
        let end = Instant::now() + limit;
        self.published(limit).await;
        let all_published = Moment::now();
        self.evidence.settled = self.settled(end).await;
        let standstill = match self.evidence.settled {
            Some(_) => String::new(),
            None => self.standstill().await,
        };
        for (place, pid) in self.fleet.running() {
            self.fleet.terminate(place);
            let status = self.fleet.ended(place, self.setting.bounds.drain * 2).await;
            let code = status.and_then(|status| status.code());
            self.evidence.exits.push(Exit { pid, code });
        }
        self.evidence.left = self.left().await.unwrap_or(u64::MAX);
        let jetstream = &self.jetstream;
        let evidence = &mut self.evidence;
        evidence.healed = evidence.faults.iter().map(|fault| fault.end).fold(all_published, Moment::max);
        evidence.publications = self.publications;
        evidence.input = reader::input(jetstream, &evidence.bounds).await;
        evidence.outputs = reader::outputs(jetstream).await;
        evidence.letters = reader::letters(jetstream).await;
        evidence.revisions = reader::revisions(jetstream).await;
        evidence.history = history::read(self.fleet.directory());
        evidence.log = self.fleet.log() + &standstill;
        self.evidence
    }

    /// What the handlers have done so far.
    pub fn history(&self) -> Vec<Line> {
        history::read(self.fleet.directory())
    }

    /// Where the processes run and leave their histories and logs.
    pub fn directory(&self) -> &Path {
        self.fleet.directory()
    }

    /// What was done to the run so far.
    pub fn faults(&self) -> &[Fault] {
        &self.evidence.faults
    }

    /// How many messages have their PubAck.
    pub fn count_published(&self) -> u64 {
        let before = self.publications.len() as u64;
        before + self.producers.as_ref().map_or(0, Producers::published)
    }

    /// The place of the instance that worked last.
    pub fn last_worker(&mut self) -> Option<usize> {
        let pid = self.history().last()?.pid;
        self.fleet.running().into_iter().find(|(_, running)| *running == pid).map(|(place, _)| place)
    }

    /// The places of the instances that have handled something within this time.
    pub fn recent_workers(&mut self, time: Duration) -> BTreeSet<usize> {
        let (history, now) = (self.history(), Moment::now());
        let recent: BTreeSet<u32> =
            history.iter().rev().take_while(|line| now.since(line.at) <= time).map(|line| line.pid).collect();
        let running = self.fleet.running().into_iter();
        running.filter(|(_, pid)| recent.contains(pid)).map(|(place, _)| place).collect()
    }

    fn log(&mut self, kind: FaultKind, start: Moment) {
        self.evidence.faults.push(Fault { kind, start, end: Moment::now() });
    }

    /// When nothing was left to do; `None` when there still is at the end.
    async fn settled(&mut self, end: Instant) -> Option<Moment> {
        let mut quiet: Option<(Instant, Moment)> = None;
        while Instant::now() < end {
            self.tend().await;
            match (self.left().await, self.is_accounted_for().await) {
                (Some(0), true) => return Some(quiet.map_or_else(Moment::now, |(_, since)| since)),
                (Some(0), false) => {
                    let (since, moment) = *quiet.get_or_insert_with(|| (Instant::now(), Moment::now()));
                    if since.elapsed() > QUIET {
                        return Some(moment);
                    }
                }
                _ => quiet = None,
            }
            sleep(INTERVAL).await;
        }
        None
    }
}
