//! One run of one contestant: started, watched, verified, and cleaned up after.

mod aftermath;
mod numbers;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::DiscardPolicy;
use async_nats::jetstream::{self, Context};
use support::{NatsServer, Otlp, Runtime, cpu_time, peak_memory, resident_memory};
use tokio::time::sleep;

use crate::arguments::Arguments;
use crate::case::{Entry, Player, Watched};
use crate::contestant::{LOOP, PEER};
use crate::job::{Answer, Job, Manner, VARIABLE, now};
use crate::load::Expected;
use crate::measure::{Measure, Run};
use crate::topology;

use numbers::{MIB, Samples, numbers, percent};

/// How often it is looked whether the contestant is done, and how much memory it has.
const LOOK: Duration = Duration::from_millis(50);

/// How often the server is asked whether anything is left to handle; seldom, since it costs the server.
const ASK: Duration = Duration::from_secs(1);

/// How long a contestant may stand still.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long one that has nothing to do is left alone, after the time in which it still starts.
const REST: Duration = Duration::from_mins(1);
const SETTLING: Duration = Duration::from_secs(5);

/// What the loop asks for at a time when nothing else is said: see `docs/performance.md`.
const BATCH: u64 = 2_000;

/// How many lanes the peer has when nothing else is said: see `docs/performance.md`.
const WORKERS: usize = 256;

/// One run of one contestant.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    pub(crate) server: &'a NatsServer,
    pub(crate) jetstream: &'a Context,
    pub(crate) arguments: &'a Arguments,
    pub(crate) entry: &'a Entry,
    /// The stream with the messages.
    pub(crate) stream: &'a str,
    /// What their sums come to.
    pub(crate) expected: Expected,
    /// No two runs have the same.
    pub(crate) number: usize,
}

impl Trial<'_> {
    /// Plays the run.
    ///
    /// # Errors
    /// When the contestant ends, stands still, or comes to other sums than it should.
    pub(crate) async fn play(&self) -> Result<Run, String> {
        let (name, output) = (self.name(), self.output());
        if self.entry.emits() {
            let config = jetstream::stream::Config {
                name: output.clone(),
                subjects: vec![format!("{output}.*")],
                discard: DiscardPolicy::New,
                ..Default::default()
            };
            self.jetstream.create_stream(config).await.map_err(|error| error.to_string())?;
        }
        if self.entry.load.rate.is_some() {
            let stream = self.jetstream.get_stream_no_info(self.stream).await;
            stream.map_err(|error| error.to_string())?.purge().await.map_err(|error| error.to_string())?;
        }
        let collector = match self.entry.traced() {
            None => None,
            Some(_) => {
                let collector = Otlp::start().await;
                collector.keep_no_spans();
                Some(collector)
            }
        };
        let mut contestant = self.start(collector.as_ref());
        let _tap = (self.entry.watched() == Watched::Tap).then(|| self.tap());
        let played = match self.expected.messages {
            0 => self.rest(&contestant).await,
            _ => self.work(&mut contestant, collector.as_ref()).await,
        };
        let played = played.map_err(|complaint| format!("{complaint}\n{}", tail(&contestant)));
        self.end(&mut contestant).await;
        self.clean_up(&name, &output).await;
        played
    }

    /// Whoever looks into it wants to write down what was seen.
    async fn end(&self, contestant: &mut Runtime) {
        if self.arguments.under.is_some() && contestant.is_running() {
            contestant.drain(PATIENCE).await;
        } else {
            contestant.kill9();
        }
    }

    async fn work(&self, contestant: &mut Runtime, collector: Option<&Otlp>) -> Result<Run, String> {
        let watched = tokio::select! {
            watched = self.watch(contestant) => watched,
            complaint = self.feed() => Err(complaint),
        };
        let (answer, samples) = watched?;
        self.verify(&answer).await?;
        let mut run = numbers(&answer, &samples, self.expected.messages);
        if let Some(collector) = collector {
            run.insert(Measure::SpanPercent, percent(collector.count_spans(), self.expected.messages));
        }
        Ok(run)
    }

    /// Publishes at the rate of the load, if it has one. Returns with a complaint only.
    async fn feed(&self) -> String {
        if self.entry.load.rate.is_some() {
            if let Err(complaint) = self.wait_until_asked().await {
                return complaint;
            }
            self.entry.load.feed(self.jetstream, self.stream).await;
        }
        std::future::pending().await
    }

    /// Lets the contestant do nothing for a while.
    async fn rest(&self, contestant: &Runtime) -> Result<Run, String> {
        self.wait_until_asked().await?;
        sleep(SETTLING).await;
        let process = contestant.process().id();
        let read = || cpu_time(process).ok_or_else(|| "it ended".to_owned());
        let (began, before) = (Instant::now(), read()?);
        sleep(REST).await;
        let share = read()?.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
        let peak = peak_memory(process).unwrap_or(0) as f64;
        Ok(Run::from([(Measure::CorePercent, 100.0 * share), (Measure::PeakMib, peak / MIB)]))
    }

    /// Waits until the contestant has asked for messages.
    async fn wait_until_asked(&self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let stream = self.jetstream.get_stream_no_info(self.stream).await;
            let stream = stream.map_err(|error| error.to_string())?;
            if stream.consumer_info(self.consumer()).await.is_ok_and(|info| info.num_waiting > 0) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err("it asked for nothing".to_owned())
    }

    fn name(&self) -> String {
        format!("bench{}", self.number)
    }

    fn output(&self) -> String {
        format!("out{}", self.number)
    }

    fn consumer(&self) -> String {
        format!("{}-{}", self.name(), topology::ACTOR)
    }

    fn start(&self, collector: Option<&Otlp>) -> Runtime {
        let itself = std::env::current_exe().expect("a program knows where it lies");
        let (text, role, manner) = match &self.entry.player {
            Player::Tidegate(shape) => {
                let text = topology::write(&self.name(), shape, self.stream, &self.output());
                (text, "run", Manner::Consume)
            }
            Player::Loop(manner) => (String::new(), LOOP, *manner),
            Player::Peer => (String::new(), PEER, Manner::Consume),
        };
        let under = self.arguments.under.as_deref().unwrap_or_default();
        let mut words: Vec<OsString> = under.split_whitespace().map(OsString::from).collect();
        words.extend([itself.into_os_string(), role.into()]);
        let (program, arguments) = (words.remove(0), words);
        let job = serde_json::to_string(&self.job(manner)).expect("a job has string keys");
        let mut builder =
            Runtime::builder(program, &text).args(arguments).nats(self.server).env(VARIABLE, job);
        if let Some((collector, share)) = collector.zip(self.entry.traced()) {
            builder = builder
                .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/v1/traces", collector.endpoint()))
                .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
                .env("OTEL_TRACES_SAMPLER_ARG", share.to_string());
        }
        if self.entry.watched() >= Watched::Metrics {
            builder = builder.env("TIDEGATE_ADMIN", "127.0.0.1:0");
        }
        builder.start()
    }

    /// Follows what the contestant does, until it is dropped.
    fn tap(&self) -> Runtime {
        let itself = std::env::current_exe().expect("a program knows where it lies");
        let text = match &self.entry.player {
            Player::Tidegate(shape) => topology::write(&self.name(), shape, self.stream, &self.output()),
            Player::Loop(_) | Player::Peer => String::new(),
        };
        let arguments = ["tap", topology::ACTOR, "--sample", "0.01"];
        Runtime::builder(itself, &text).args(arguments).nats(self.server).start()
    }

    fn job(&self, manner: Manner) -> Job {
        let load = self.entry.load;
        Job {
            stream: self.stream.to_owned(),
            consumer: self.consumer(),
            output: self.output(),
            messages: self.expected.messages,
            warm_up: load.rate.map_or(0, u64::from),
            entities: load.entities as usize,
            fails_every: self.entry.fails_every,
            takes: self.entry.takes,
            manner,
            batch: self.arguments.batch.unwrap_or(BATCH),
            workers: self.arguments.workers.map_or(WORKERS, NonZeroUsize::get),
            server: self.server.process().id(),
            started: now(),
            loses: self.arguments.plant_loss,
        }
    }

    /// Waits for the answer, and gives up a contestant that does not get on.
    async fn watch(&self, contestant: &mut Runtime) -> Result<(Answer, Samples), String> {
        let began = Instant::now();
        // What is published meanwhile may be settled at once, so that nothing seems to move.
        let patience = PATIENCE + self.entry.load.duration();
        let (mut asked, mut moved, mut left) = (began, began, u64::MAX);
        let mut samples = Vec::new();
        loop {
            if asked.elapsed() > ASK {
                asked = Instant::now();
                let left_then = std::mem::replace(&mut left, self.left().await);
                if left != left_then {
                    moved = asked;
                }
            }
            if let Some(line) = contestant.stdout().lines().find(|line| line.starts_with('{')) {
                let answer = serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}"))?;
                return Ok((answer, samples));
            }
            if !contestant.is_running() {
                return Err("it ended".to_owned());
            }
            // Whoever has handled the last message has said so before acking it.
            if left == 0 && self.entry.load.rate.is_none() {
                return Err("it lost something: everything is acked, and not everything handled".to_owned());
            }
            if moved.elapsed() > patience {
                return Err(format!("it stands still, with {left} messages to do"));
            }
            sleep(LOOK).await;
            #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
            let memory = resident_memory(contestant.process().id()).unwrap_or(0) as f64;
            samples.push((began.elapsed().as_secs_f64(), memory));
        }
    }
}

fn tail(contestant: &Runtime) -> String {
    let log = contestant.log();
    log[log.len().saturating_sub(20)..].join("\n")
}
