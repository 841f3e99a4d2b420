//! One server, which is all that there is.

use std::time::Duration;

use tokio::time::sleep;

use super::{Broker, Lead, Target};
use crate::NatsServer;

impl Broker for NatsServer {
    fn urls(&self) -> String {
        self.url()
    }

    fn replicas(&self) -> u32 {
        1
    }

    async fn crash(&mut self, _: Target, down: Duration) {
        self.kill9();
        sleep(down).await;
        self.restart().await;
    }

    async fn pause(&mut self, _: Target, still: Duration) {
        self.freeze();
        sleep(still).await;
        self.thaw();
    }

    async fn step_down(&mut self, _: &Lead) -> bool {
        false
    }
}
