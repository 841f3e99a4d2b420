//! One instance dies, freezes, drains; every promise holds.

use std::time::Duration;

use support::PATIENCE;
use support::faults::{Load, Mix, Setting, Trouble, count_repeats};

use super::{assert_clean, interrupted, stage, starts};

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_keeps_every_promise() {
    let mut stage = stage(Setting::default().with_mix(Mix::TROUBLED)).await;

    stage.publish(Load::of(3000));
    for round in 1..=3 {
        stage.ended(round * 400, PATIENCE).await;
        stage.kill(0).await;
        stage.fill(0).await;
    }
    // Right after it is ready it takes over what the one before it held.
    stage.kill(0).await;
    stage.fill(0).await;
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(interrupted(&evidence) > 0, "nobody was killed in a handler");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_kill_their_process_are_done_in_the_end() {
    let mix = Mix { kills: 25, ..Mix::PLAIN };
    let mut stage = stage(Setting::default().with_mix(mix)).await;

    stage.publish(Load::of(1500));
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(interrupted(&evidence) > 0, "nobody was killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_in_a_backlog_repeats_nothing() {
    let mut stage = stage(Setting::default().with_mix(Mix::TROUBLED)).await;

    stage.publish(Load::of(3000));
    for round in 1..=3 {
        stage.ended(round * 400, PATIENCE).await;
        stage.apply(Trouble::Terminate { instance: 0 }).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(count_repeats(&evidence), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_freeze_repeats_nothing() {
    let mut stage = stage(Setting::default()).await;

    stage.publish(Load::of(2000).at_rate(1000));
    for _ in 0..3 {
        stage.pass(Duration::from_millis(200)).await;
        stage.apply(Trouble::Freeze { instance: 0, still: Duration::from_millis(300) }).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(starts(&evidence), 2000 - 2000 % 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_it_is_frozen_is_not_given_up() {
    let setting = Setting { ack_wait: Duration::from_secs(1), ..Setting::default() };
    let mut stage = stage(setting).await;

    stage.publish(Load::of(90).at_rate(30));
    stage.apply(Trouble::Freeze { instance: 0, still: Duration::from_millis(3500) }).await;
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(evidence.letters.is_empty());
}
