//! The broker and what it keeps for us break; every promise holds.

use std::time::Duration;

use support::PATIENCE;
use support::faults::{Load, Mix, Setting, Target, Trouble, count_repeats};

use super::{assert_clean, stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_troubled_workload_without_faults_keeps_every_promise() {
    let mut stage = stage(Setting::default().with_mix(Mix::TROUBLED)).await;

    stage.publish(Load::of(3000));
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(evidence.publications.len(), 3000);
    assert!(!evidence.letters.is_empty(), "the handlers had no trouble");
    assert_eq!(count_repeats(&evidence), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_and_goes_breaks_no_promise() {
    let mut stage = stage(Setting::default().with_mix(Mix::TROUBLED)).await;

    stage.publish(Load::of(3000).at_rate(1500));
    for trouble in [
        Trouble::BrokerKill { target: Target::Leader, down: Duration::from_millis(200) },
        Trouble::DeleteConsumer { shard: 0 },
        Trouble::BrokerFreeze { target: Target::Leader, still: Duration::from_millis(500) },
        Trouble::BlockDeadLetters { blocked: Duration::from_millis(300) },
    ] {
        stage.pass(Duration::from_millis(200)).await;
        stage.apply(trouble).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
}
