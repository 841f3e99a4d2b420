//! What a frame shows of two looks.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::Key;
use super::printed;
use super::scene::{Sample, Scene};
use crate::cli::status::evidence::Evidence;
use crate::cli::status::picture::Picture;
use crate::cli::status::tests::{FRESH, entry, evidence, shard};

fn look(at: Instant, done: u64, dead: u64) -> Sample {
    let mut first = shard("payments", 0, "working");
    (first["done"], first["dead_letters"]) = (done.into(), dead.into());
    let mut second = shard("payments", 1, "working");
    second["fullest"] = serde_json::json!({ "partition": 7, "messages": 64, "full_since": first["since"] });
    let entries = vec![entry("web-0", FRESH, "9f", "working", &[first, second])];
    let picture = Picture::of(&Evidence { entries, ..evidence(Vec::new()) });
    let lags = BTreeMap::from([("payments".to_owned(), Some(Duration::from_millis(30_412)))]);
    Sample { at, picture, lags }
}

fn scene() -> Scene {
    let start = Instant::now();
    let mut scene = Scene::new(look(start, 4000, 2));
    scene.see(look(start + Duration::from_secs(2), 5000, 12));
    scene
}

/// The lines of a frame, with one space between words.
fn lines(scene: &Scene) -> Vec<String> {
    let text = printed(scene).expect("a frame");
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn actors_are_shown_with_lag_and_rates() {
    let lines = lines(&scene());

    assert_eq!(lines[0], "shop: 1 instances");
    assert_eq!(lines[2], "ACTOR STREAM STATE WAITING IN FLIGHT RUNNING LAG DONE DEAD HELD UP BY");
    assert_eq!(lines[3], "payments ORDERS 2/2 working 240 28 6 30s 500/s 5/s partition 7");
    assert!(lines.contains(&"nothing is wrong".to_owned()), "{lines:?}");
    assert!(lines.last().is_some_and(|last| last.ends_with("q quit")), "{lines:?}");
}

#[test]
fn the_chosen_actor_is_shown_shard_by_shard() {
    let mut scene = scene();

    assert!(scene.press(Key::Down) && scene.press(Key::Enter));

    let lines = lines(&scene);
    assert_eq!(lines[0], "shop › payments: 1 instances");
    assert_eq!(lines[3], "payments/0 web-0 working 120 14 3 - 500/s 5/s -");
    assert_eq!(lines[4], "payments/1 web-0 working 120 14 3 - 0/s 0/s partition 7");
    assert!(scene.press(Key::Back) && scene.inside().is_none());
    assert!(!scene.press(Key::Quit));
}

#[test]
fn what_cannot_be_seen_is_said() {
    let mut scene = scene();

    scene.miss("no answer".to_owned());

    assert!(lines(&scene).contains(&"nothing can be seen: no answer".to_owned()));
}

#[test]
fn another_owner_counts_anew() {
    let start = Instant::now();
    let mut scene = Scene::new(look(start, 4000, 2));

    scene.see(look(start + Duration::from_secs(2), 17, 0));

    assert!(scene.rows().0[0].done.is_some_and(|done| done < 1.0), "only the other shard has a rate");
}
