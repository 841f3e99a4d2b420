//! Sums per entity in a contestant, the same for all, and the watch that runs from the first message to the last.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::{cpu_time, peak_memory};

use crate::event::Event;
use crate::job::{Answer, Job, now};

/// A latency that is longer counts as this: a minute, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

static TALLY: LazyLock<Tally> = LazyLock::new(|| Tally::new(Job::of_this_process()));

/// The tally of this process.
pub(crate) fn tally() -> &'static Tally {
    &TALLY
}

/// What the process has handled.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) job: Job,
    sums: Vec<AtomicU64>,
    handled: AtomicU64,
    has_lost: AtomicBool,
    first: OnceLock<Moment>,
    latencies: Mutex<Histogram<u64>>,
}

/// What the clocks say.
#[derive(Debug)]
struct Moment {
    instant: Instant,
    since_start: Duration,
    client_cpu: Duration,
    server_cpu: Duration,
}

impl Tally {
    fn new(job: Job) -> Self {
        Self {
            sums: (0..job.entities).map(|_| AtomicU64::new(0)).collect(),
            handled: AtomicU64::new(0),
            has_lost: AtomicBool::new(false),
            first: OnceLock::new(),
            latencies: Mutex::new(Histogram::new_with_max(LONGEST, 3).expect("three digits are allowed")),
            job,
        }
    }

    /// Adds a message. With the last one the answer is printed.
    ///
    /// # Panics
    /// When it is no message of the bench.
    pub(crate) fn add(&self, event: &Event) {
        if self.job.loses && !self.has_lost.swap(true, Ordering::AcqRel) {
            return;
        }
        let first = self.first.get_or_init(|| Moment::now(&self.job));
        let number = self.handled.fetch_add(1, Ordering::AcqRel) + 1;
        let index = event.index().expect("the bench names its entities");
        self.sums[index].fetch_add(event.amount, Ordering::AcqRel);
        if event.at > 0 && number > self.job.warm_up {
            let latency = now().saturating_sub(event.at);
            self.latencies.lock().expect("nobody panics while holding it").saturating_record(latency);
        }
        if number == self.job.messages {
            let answer = self.answer(first, &Moment::now(&self.job));
            println!("{}", serde_json::to_string(&answer).expect("an answer has string keys"));
        }
    }

    fn answer(&self, first: &Moment, last: &Moment) -> Answer {
        let sums: Vec<u64> = self.sums.iter().map(|sum| sum.load(Ordering::Acquire)).collect();
        let latencies = self.latencies.lock().expect("nobody panics while holding it");
        let seconds = |quantile| Duration::from_nanos(latencies.value_at_quantile(quantile)).as_secs_f64();
        Answer {
            sum: sums.iter().sum(),
            weighted: (1..).zip(&sums).map(|(number, sum)| number * sum).sum(),
            seconds: (last.instant - first.instant).as_secs_f64(),
            first_seconds: first.since_start.as_secs_f64(),
            client_cpu: (last.client_cpu.saturating_sub(first.client_cpu)).as_secs_f64(),
            server_cpu: (last.server_cpu.saturating_sub(first.server_cpu)).as_secs_f64(),
            peak_memory: peak_memory(std::process::id()).unwrap_or(0),
            latency: (!latencies.is_empty()).then(|| (seconds(0.5), seconds(0.99))),
        }
    }
}

impl Moment {
    fn now(job: &Job) -> Self {
        Self {
            instant: Instant::now(),
            since_start: Duration::from_nanos(now().saturating_sub(job.started)),
            client_cpu: cpu_time(std::process::id()).unwrap_or_default(),
            server_cpu: cpu_time(job.server).unwrap_or_default(),
        }
    }
}
