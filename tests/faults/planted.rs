//! The checker sees every bug that is planted into the runtime, and nothing when none is.

use std::time::Duration;

use support::PATIENCE;
use support::faults::{Evidence, Invariant, Load, Mix, Setting, Trouble, check};

use super::{assert_clean, stage};

/// Which promises a run broke.
fn broken(evidence: &Evidence) -> Vec<Invariant> {
    let mut broken: Vec<Invariant> =
        check(evidence).into_iter().map(|violation| violation.invariant).collect();
    broken.sort_unstable();
    broken.dedup();
    broken
}

#[track_caller]
fn assert_broken(evidence: &Evidence, one_of: &[Invariant]) {
    let broken = broken(evidence);
    let is_seen = broken.iter().any(|invariant| one_of.contains(invariant));
    assert!(is_seen, "the bug was not seen as one of {one_of:?}, but as {broken:?}");
}

async fn killed_while_outputs_wait(plant: Option<&'static str>) -> Evidence {
    let mut stage = stage(Setting::default().with_plant(plant)).await;
    stage.publish(Load::of(900).at_rate(900));
    stage.ended(100, PATIENCE).await;
    let blocked = Duration::from_millis(300);
    stage.apply(Trouble::KillWhileBlocked { instance: 0, blocked }).await;
    stage.finish(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_before_the_emits_is_seen_as_a_loss() {
    assert_clean(&killed_while_outputs_wait(None).await);
    assert_broken(&killed_while_outputs_wait(Some("ack_before_emits")).await, &[Invariant::Loss]);
}

async fn handlers_fail(plant: Option<&'static str>) -> Evidence {
    let mix = Mix { fails: 3000, ..Mix::PLAIN };
    let mut stage = stage(Setting::default().with_mix(mix).with_plant(plant)).await;
    stage.publish(Load::of(900));
    stage.finish(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_out_of_order_is_seen_as_a_start_out_of_order() {
    assert_clean(&handlers_fail(None).await);
    assert_broken(&handlers_fail(Some("retry_out_of_order")).await, &[Invariant::StartOrder]);
}

async fn killed_in_a_backlog(plant: Option<&'static str>) -> Evidence {
    let mix = Mix { slow: 3000, ..Mix::PLAIN };
    let mut stage = stage(Setting::default().with_mix(mix).with_plant(plant)).await;
    stage.publish(Load::of(900));
    stage.ended(200, PATIENCE).await;
    stage.kill(0).await;
    stage.fill(0).await;
    stage.finish(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_take_over_is_seen_as_a_start_out_of_order_or_a_loss() {
    assert_clean(&killed_in_a_backlog(None).await);
    // What newer messages overtook is not applied to a state that is ahead of it, but only acked.
    let one_of = [Invariant::StartOrder, Invariant::Loss];
    assert_broken(&killed_in_a_backlog(Some("skip_take_over")).await, &one_of);
}

async fn dead_letters_are_refused(plant: Option<&'static str>) -> Evidence {
    let mix = Mix { always_fails: 1500, ..Mix::PLAIN };
    let mut stage = stage(Setting::default().with_mix(mix).with_plant(plant)).await;
    stage.publish(Load::of(900).at_rate(600));
    stage.ended(200, PATIENCE).await;
    stage.apply(Trouble::BlockDeadLetters { blocked: Duration::from_millis(500) }).await;
    stage.finish(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_dead_letter_is_seen_as_a_loss() {
    assert_clean(&dead_letters_are_refused(None).await);
    assert_broken(&dead_letters_are_refused(Some("drop_dead_letter_error")).await, &[Invariant::Loss]);
}

async fn handlers_are_slow(plant: Option<&'static str>) -> Evidence {
    let mix = Mix { slow: 10_000, ..Mix::PLAIN };
    let mut stage = stage(Setting::default().with_mix(mix).with_plant(plant)).await;
    stage.publish(Load::of(900));
    stage.finish(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_without_a_bound_is_seen_as_too_much_in_flight() {
    assert_clean(&handlers_are_slow(None).await);
    assert_broken(&handlers_are_slow(Some("unbounded_mailbox")).await, &[Invariant::Bounds]);
}
