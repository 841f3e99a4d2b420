//! Three servers, of which one at a time is broken: what two of them have stored is not lost.

use std::time::Duration;

use tokio::time::sleep;

use super::{Broker, Lead, Target};
use crate::Cluster;
use crate::faults::setting::INPUT;

impl Broker for Cluster {
    fn urls(&self) -> String {
        self.url()
    }

    fn replicas(&self) -> u32 {
        u32::try_from(self.numbers().len()).expect("a handful of servers")
    }

    async fn crash(&mut self, target: Target, down: Duration) {
        let number = number(self, target).await;
        self.kill9(number);
        sleep(down).await;
        self.restart(number);
        self.wait_until_ready().await;
    }

    async fn pause(&mut self, target: Target, still: Duration) {
        let number = number(self, target).await;
        self.freeze(number);
        sleep(still).await;
        self.thaw(number);
        self.wait_until_ready().await;
    }

    async fn step_down(&mut self, lead: &Lead) -> bool {
        match lead {
            Lead::Stream(stream) => self.step_down_stream(stream).await,
            Lead::Consumer(stream, consumer) => self.step_down_consumer(stream, consumer).await,
            Lead::Meta => self.step_down_meta().await,
        }
    }
}

async fn number(cluster: &Cluster, target: Target) -> usize {
    match target {
        Target::Number(number) => number % cluster.numbers().len(),
        Target::Leader => cluster.leader_of_stream(INPUT).await,
    }
}
