//! Breaks a run, and writes down when.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{INTERVAL, Stage};
use crate::Signal;
use crate::faults::setting::{INPUT, OUTPUT, consumer, dead_letters, states};
use crate::faults::{Broker, FaultKind, Lead, Leader, Moment, Plan, Trouble};

/// How often something is tried on a broker that is not itself.
const PERSISTENCE: usize = 100;

impl<B: Broker> Stage<B> {
    /// Does all that the plan says. What does not happen is found by the checker.
    pub async fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.0 {
            self.pass(step.after).await;
            self.apply(step.trouble).await;
        }
    }

    /// Does one thing, and returns when it is over.
    pub async fn apply(&mut self, trouble: Trouble) {
        *self.evidence.planned.entry(trouble.fault().to_owned()).or_default() += 1;
        match trouble {
            Trouble::Kill { instance, absent } => {
                self.kill(instance).await;
                self.pass(absent).await;
                self.fill(instance).await;
            }
            Trouble::Freeze { instance, still } => self.freeze(instance, still).await,
            Trouble::Terminate { instance } => self.replace(instance).await,
            Trouble::BrokerKill { target, down } => {
                let start = Moment::now();
                self.broker.crash(target, down).await;
                self.log(FaultKind::BrokerKill, start);
            }
            Trouble::BrokerFreeze { target, still } => {
                let start = Moment::now();
                self.broker.pause(target, still).await;
                self.log(FaultKind::BrokerFreeze, start);
            }
            Trouble::DeleteConsumer { shard } => self.delete_consumer(shard).await,
            Trouble::StepDown { leader } => self.step_down(leader).await,
            Trouble::BlockDeadLetters { blocked } => {
                self.block(&dead_letters(), blocked, None).await;
            }
            Trouble::KillWhileBlocked { instance, blocked } => {
                self.block(OUTPUT, blocked, Some(instance)).await;
                self.fill(instance).await;
            }
        }
    }

    /// Kills an instance and leaves its place empty.
    pub async fn kill(&mut self, instance: usize) -> Option<u32> {
        self.occupied(instance).await;
        let start = Moment::now();
        let pid = self.fleet.kill(instance)?;
        self.log(FaultKind::Kill { pid }, start);
        Some(pid)
    }

    /// Starts an instance in an empty place, and waits until it works.
    pub async fn fill(&mut self, instance: usize) {
        if self.fleet.pid(instance).is_none() {
            self.fleet.start(instance);
        }
        self.fleet.ready(instance).await;
    }

    /// Asks an instance to drain and returns when it has ended.
    pub async fn drain(&mut self, instance: usize) {
        self.occupied(instance).await;
        let start = Moment::now();
        if let Some(pid) = self.fleet.terminate(instance) {
            let status = self.fleet.ended(instance, self.setting.bounds.drain * 2).await;
            self.log(FaultKind::Terminate { pid, code: status.and_then(|status| status.code()) }, start);
            // A message that was being tried may kill the process before the drain is through.
            if status.is_some_and(|status| status.signal() == Some(Signal::SIGKILL as i32)) {
                self.log(FaultKind::Crash { pid }, Moment::now());
            }
        }
    }

    async fn replace(&mut self, instance: usize) {
        self.drain(instance).await;
        self.fill(instance).await;
    }

    async fn freeze(&mut self, instance: usize, still: Duration) {
        // One that ends by itself just before the signal is not frozen, but its successor can be.
        for _ in 0..PERSISTENCE {
            self.occupied(instance).await;
            let Some(pid) = self.fleet.freeze(instance).await else { continue };
            // On a busy machine it goes on for a while after the signal, and what it starts then is no zombie's.
            let start = Moment::now();
            // Nothing else is looked after meanwhile: the freeze is to be as long as it was told.
            sleep(still).await;
            self.fleet.thaw(instance);
            return self.log(FaultKind::Freeze { pid }, start);
        }
    }

    /// Waits for whoever replaces an instance that has just ended by itself.
    async fn occupied(&mut self, instance: usize) {
        self.tend().await;
        self.fleet.ready(instance).await;
    }

    async fn delete_consumer(&mut self, shard: u32) {
        let name = consumer(shard, self.setting.bounds.shards);
        let start = Moment::now();
        for _ in 0..PERSISTENCE {
            if self.request(&format!("CONSUMER.DELETE.{INPUT}.{name}"), &json!({})).await {
                return self.log(FaultKind::ConsumerDeleted { shard }, start);
            }
            sleep(INTERVAL).await;
        }
    }

    async fn step_down(&mut self, leader: Leader) {
        let shards = self.setting.bounds.shards;
        let lead = match leader {
            Leader::Input => Lead::Stream(INPUT.to_owned()),
            Leader::Output => Lead::Stream(OUTPUT.to_owned()),
            Leader::State => Lead::Stream(states()),
            Leader::Consumer { shard } => Lead::Consumer(INPUT.to_owned(), consumer(shard, shards)),
            Leader::Meta => Lead::Meta,
        };
        let start = Moment::now();
        for _ in 0..PERSISTENCE {
            if self.broker.step_down(&lead).await {
                return self.log(FaultKind::StepDown, start);
            }
            sleep(INTERVAL).await;
        }
    }

    /// Limits a stream to what it holds, and lifts the limit again, if need be after a victim was killed.
    async fn block(&mut self, stream: &str, blocked: Duration, victim: Option<usize>) {
        let Some(start) = self.fill_up(stream).await else { return };
        // Nobody is replaced meanwhile: an instance does not start while a stream has other limits than it should.
        sleep(blocked).await;
        if let Some(victim) = victim {
            self.kill(victim).await;
        }
        while !self.limit(stream, u64::MAX).await {
            sleep(INTERVAL).await;
        }
        let kind = match stream {
            OUTPUT => FaultKind::OutputsBlocked,
            _ => FaultKind::DeadLettersBlocked,
        };
        self.log(kind, start);
    }

    /// Limits a stream to what it holds; tells since when. Its servers may just be busy with another fault.
    async fn fill_up(&self, stream: &str) -> Option<Moment> {
        for _ in 0..PERSISTENCE {
            let start = Moment::now();
            if let Some(stored) = self.stored(stream).await
                && self.limit(stream, stored.max(1)).await
            {
                return Some(start);
            }
            sleep(INTERVAL).await;
        }
        None
    }

    /// The most messages that a stream may hold; more than fit into the server's number is no limit.
    async fn limit(&self, stream: &str, messages: u64) -> bool {
        let Ok(found) = self.jetstream.get_stream(stream).await else { return false };
        let mut config = found.cached_info().config.clone();
        config.max_messages = i64::try_from(messages).unwrap_or(-1);
        self.jetstream.update_stream(config).await.is_ok()
    }

    async fn request(&self, what: &str, body: &Value) -> bool {
        for _ in 0..PERSISTENCE {
            let answer: Result<Value, _> = self.jetstream.request(what.to_owned(), body).await;
            match answer {
                Ok(answer) if answer["success"] == json!(true) => return true,
                _ => sleep(INTERVAL).await,
            }
        }
        false
    }
}
