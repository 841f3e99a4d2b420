//! Three instances share three shards; some of them die, freeze, leave and come; every promise holds.

use std::time::Duration;

use support::PATIENCE;
use support::faults::{
    Bounds, Evidence, Load, Mix, Setting, Stage, Trouble, count_repeats, longest_standstill,
};

use super::{assert_clean, interrupted, stage};

const FAILOVER: Duration = Duration::from_secs(1);

/// Longer than any rolling hand-over may take.
const STANDSTILL: Duration = Duration::from_secs(2);

async fn three(mix: Mix) -> Stage<support::NatsServer> {
    let setting = Setting::of_three().with_mix(mix);
    let bounds = Bounds { failover: FAILOVER, ..setting.bounds.clone() };
    stage(Setting { bounds, ..setting }).await
}

fn workers(evidence: &Evidence) -> usize {
    let pids: std::collections::BTreeSet<u32> = evidence.history.iter().map(|line| line.pid).collect();
    pids.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_instances_share_the_work() {
    let mut stage = three(Mix::TROUBLED).await;

    stage.publish(Load::of(3000).at_rate(2000));
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(workers(&evidence), 3);
    assert_eq!(count_repeats(&evidence), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_take_over_from_one_that_is_killed() {
    let mut stage = three(Mix { slow: 3000, ..Mix::TROUBLED }).await;

    stage.publish(Load::of(5000).at_rate(700));
    stage.ended(700, PATIENCE).await;
    for _ in 0..2 {
        let instance = stage.last_worker().unwrap_or(0);
        stage.apply(Trouble::Kill { instance, absent: FAILOVER * 2 }).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(interrupted(&evidence) > 0, "nobody was killed in a handler");
    assert!(longest_standstill(&evidence) < FAILOVER + STANDSTILL, "{:?}", longest_standstill(&evidence));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_take_over_it_is_replaced_in_turn() {
    let mut stage = three(Mix { slow: 3000, ..Mix::TROUBLED }).await;

    stage.publish(Load::of(5000).at_rate(700));
    stage.ended(500, PATIENCE).await;
    stage.kill(0).await;
    stage.pass(FAILOVER).await;
    stage.kill(1).await;
    stage.pass(FAILOVER).await;
    stage.kill(2).await;
    for instance in 0..3 {
        stage.fill(instance).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_frozen_and_replaced_does_no_harm_when_it_is_back() {
    let mut stage = three(Mix { slow: 3000, ..Mix::TROUBLED }).await;

    stage.publish(Load::of(5000).at_rate(700));
    stage.ended(500, PATIENCE).await;
    let instance = stage.last_worker().unwrap_or(0);
    stage.apply(Trouble::Freeze { instance, still: FAILOVER * 5 / 2 }).await;
    stage.pass(FAILOVER).await;
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(longest_standstill(&evidence) < FAILOVER + STANDSTILL, "{:?}", longest_standstill(&evidence));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_freeze_of_one_moves_nothing_and_repeats_nothing() {
    let mut stage = three(Mix::PLAIN).await;

    stage.publish(Load::of(2400).at_rate(800));
    for instance in 0..3 {
        stage.pass(Duration::from_millis(300)).await;
        stage.apply(Trouble::Freeze { instance, still: FAILOVER / 4 }).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(count_repeats(&evidence), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_given_to_one_that_is_frozen_while_idle_are_not_given_up() {
    let mut stage = three(Mix::PLAIN).await;

    stage.publish(Load::of(150).at_rate(30));
    for instance in 0..2 {
        stage.apply(Trouble::Freeze { instance, still: FAILOVER * 2 }).await;
    }
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert!(evidence.letters.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_repeats_nothing_and_stops_no_shard() {
    let mut stage = three(Mix::TROUBLED).await;

    stage.publish(Load::of(20_000).at_rate(700));
    stage.ended(500, PATIENCE).await;
    for instance in 0..3 {
        stage.apply(Trouble::Terminate { instance }).await;
        stage.pass(FAILOVER / 2).await;
    }
    stage.stop_publishing();
    let evidence = stage.finish(PATIENCE).await;

    assert_clean(&evidence);
    assert_eq!(count_repeats(&evidence), (0, 0));
    assert!(longest_standstill(&evidence) < STANDSTILL, "{:?}", longest_standstill(&evidence));
}
