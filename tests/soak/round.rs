//! One round: a fresh broker, fresh instances, faults in a row, and everything settled in the end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::faults::{Bounds, Broker, Evidence, Load, Menu, Mix, Plan, Setting, Stage};
use support::{Cluster, NatsServer};

use crate::arguments::{Arguments, Brokers};

/// How long everything may take to settle.
pub(super) const SETTLING: Duration = Duration::from_secs(120);

/// Far more messages than a round has time for.
pub(super) const ENDLESS: u64 = 100_000_000;

/// A round to be.
pub(super) struct Round<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) number: u64,
}

impl Round<'_> {
    /// Plays it and returns what it left behind, and how long it took.
    pub(super) async fn play(&self) -> (Evidence, Duration) {
        let is_of_one = match self.arguments.broker {
            Brokers::Single => true,
            Brokers::Cluster => false,
            Brokers::Both => self.number.is_multiple_of(2),
        };
        match is_of_one {
            true => self.play_on(NatsServer::start().await).await,
            false => self.play_on(Cluster::start().await).await,
        }
    }

    async fn play_on(&self, broker: impl Broker) -> (Evidence, Duration) {
        let began = Instant::now();
        let arguments = self.arguments;
        let shards = u32::try_from(arguments.instances).unwrap_or(1);
        let bounds = Bounds { shards, window: 256, ..Bounds::default() };
        let failover = bounds.failover;
        let setting =
            Setting { instances: arguments.instances, bounds, mix: Mix::WILD, ..Setting::default() };
        let menu = Menu { instances: arguments.instances, shards, replicas: broker.replicas(), failover };
        let plan = Plan::draw(self.seed(), arguments.faults, menu);
        let mut stage = Stage::start(fixture(), broker, setting).await;

        stage.publish(Load { seed: self.seed(), ..Load::of(ENDLESS).at_rate(arguments.rate) });
        for step in &plan.0 {
            stage.pass(step.after).await;
            self.tell(began, stage.count_published(), &format!("{:?}", step.trouble));
            stage.apply(step.trouble).await;
        }
        stage.pass(Duration::from_secs(1)).await;
        stage.stop_publishing();
        self.tell(began, stage.count_published(), "settling");
        (stage.finish(SETTLING).await, began.elapsed())
    }

    /// Keeps the evidence, and what the processes wrote, under the seed and the number of the round.
    pub(super) fn keep(&self, evidence: &Evidence) -> PathBuf {
        let directory = self.arguments.keep.join(format!("{}-{}", self.arguments.seed, self.number));
        std::fs::create_dir_all(&directory).expect("the directory for evidence can be made");
        let text = serde_json::to_string(evidence).expect("evidence has string keys");
        std::fs::write(directory.join("evidence.json"), text).expect("evidence can be kept");
        std::fs::write(directory.join("stderr"), &evidence.log).expect("evidence can be kept");
        directory
    }

    fn seed(&self) -> u64 {
        self.arguments.seed.wrapping_add(self.number.wrapping_mul(1_000_003))
    }

    fn tell(&self, began: Instant, published: u64, what: &str) {
        let seconds = began.elapsed().as_secs();
        eprintln!("round {:>3}  {seconds:>4} s  {published:>8} published  {what}", self.number);
    }
}

/// The fixture lies beside this program.
pub(super) fn fixture() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.with_file_name("tidegate-fixture")
}
