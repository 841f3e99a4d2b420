//! The network delays, holds back, resets and cuts what is sent.

use std::time::Duration;

use support::{NatsServer, PATIENCE, Proxy, Runtime, Traffic, eventually};

use crate::recovery::{ids, tasks};
use crate::workload::{Workload, assert_ordered, dead_letters, done, publish_tasks, stored};

/// A server, a network that does as it is told, and a runtime behind that.
struct World {
    server: NatsServer,
    proxy: Proxy,
    workload: Workload,
    runtime: Runtime,
}

impl World {
    async fn start() -> Self {
        let server = NatsServer::start().await;
        let proxy = Proxy::start(&server).await;
        let workload = Workload::new(&server, "script", "ack_wait = \"20s\"\nwindow = 256");
        let workload = workload.env("NATS_URL", &proxy.url());
        let runtime = workload.start().await;
        Self { server, proxy, workload, runtime }
    }

    /// Waits until all is done. None of the troubles is a reason to lose, repeat or overtake anything.
    async fn end(mut self, count: u64) {
        let jetstream = self.server.jetstream().await;
        eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= count).await;

        assert_eq!(ids(&done(&self.server).await), (0..count).collect());
        assert_ordered(&self.workload.journal());
        assert_eq!(self.workload.count("start") as u64, count, "something was done twice");
        assert!(dead_letters(&self.server).await.is_empty());
        assert!(self.runtime.drain(PATIENCE).await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn works_over_a_slow_link_without_an_interruption() {
    let world = World::start().await;

    world.proxy.set(Traffic::Late(Duration::from_millis(250)));
    publish_tasks(&world.server, tasks(0, 300)).await;
    let jetstream = world.server.jetstream().await;
    eventually(Duration::from_secs(15), async || stored(&jetstream, "DONE").await == 300).await;

    assert_eq!(world.runtime.count_log("source interrupted"), 0);
    world.end(300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_it_was_cut_off() {
    let world = World::start().await;

    publish_tasks(&world.server, tasks(0, 2000)).await;
    eventually(PATIENCE, async || world.workload.count("end") > 300).await;
    world.proxy.set(Traffic::Stands);
    world.runtime.wait_for_log("source interrupted").await;
    assert!(world.workload.count("end") < 2000, "the cut came too late");
    world.proxy.set(Traffic::Flows);

    world.end(2000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_connections_that_were_taken_and_led_nowhere() {
    let world = World::start().await;

    publish_tasks(&world.server, tasks(0, 2000)).await;
    eventually(PATIENCE, async || world.workload.count("end") > 300).await;
    let before = world.proxy.accepted();
    world.proxy.set(Traffic::Stands);
    world.proxy.reset();
    eventually(PATIENCE, async || world.proxy.accepted() >= before + 2).await;
    world.proxy.set(Traffic::Flows);

    world.end(2000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_when_the_answers_stay_away() {
    let world = World::start().await;

    publish_tasks(&world.server, tasks(0, 1)).await;
    eventually(PATIENCE, async || world.workload.count("end") == 1).await;
    world.proxy.set(Traffic::StandsToClient);
    publish_tasks(&world.server, tasks(1, 199)).await;
    world.runtime.wait_for_log("source interrupted").await;
    assert_eq!(world.workload.count("start"), 1, "an answer came through");
    world.proxy.set(Traffic::Flows);

    world.end(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_resets_and_cuts_in_the_middle_of_a_message() {
    let world = World::start().await;

    let publishing = publish_tasks(&world.server, tasks(0, 3000));
    let breaking = async {
        for round in 0..10_usize {
            let (done, made) = (world.workload.count("end"), world.proxy.accepted());
            match round % 2 {
                0 => world.proxy.reset(),
                _ => world.proxy.cut_after(4321),
            }
            eventually(PATIENCE, async || world.proxy.accepted() > made).await;
            eventually(PATIENCE, async || world.workload.count("end") > done).await;
        }
    };
    tokio::join!(publishing, breaking);

    assert!(world.proxy.accepted() > 10);
    world.end(3000).await;
}
