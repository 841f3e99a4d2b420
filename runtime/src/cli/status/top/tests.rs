//! What a frame shows of two looks.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::Key;
use super::printed;
use super::scene::{Sample, Scene};
use crate::cli::status::picture::Picture;
use crate::cli::status::tests::{FRESH, entry, evidence, outstanding, shard, with_actors};

fn look(at: Instant, done: u64, dead: u64) -> Sample {
    let mut first = shard("payments", 0, "working");
    (first["done"], first["dead_letters"]) = (done.into(), dead.into());
    let mut second = shard("payments", 1, "working");
    second["fullest"] = serde_json::json!({ "partition": 7, "messages": 64, "full_since": first["since"] });
    let mut entry = entry("web-0", FRESH, "9f", "working", &[first, second]);
    with_actors(&mut entry, serde_json::json!([outstanding()]));
    let picture = Picture::of(&evidence(vec![entry]));
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
    assert_eq!(lines[2], "ACTOR STREAM STATE WAITING IN FLIGHT RUNNING LAG P99 DONE DEAD WAITS HELD UP BY");
    assert_eq!(lines[3], "payments ORDERS 2/2 working 240 28 6 30s 41.2ms 500/s 5/s 2 partition 7");
    assert!(lines.contains(&"nothing is wrong".to_owned()), "{lines:?}");
    assert!(lines.last().is_some_and(|last| last.ends_with("q quit")), "{lines:?}");
}

#[test]
fn the_chosen_actor_is_shown_shard_by_shard_with_its_entities() {
    let mut scene = scene();

    assert!(scene.press(Key::Down) && scene.press(Key::Enter));

    let frame = printed(&scene).expect("a frame");
    let shown: Vec<&str> = frame.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    shop › payments: 1 instances
    SHARD              OWNER          STATE       WAITING IN FLIGHT RUNNING LAG    P99     DONE    DEAD   WAITS HELD UP BY
    payments/0         web-0          working     120     14        3       -      -       500/s   5/s    -     -
    payments/1         web-0          working     120     14        3       -      -       0/s     0/s    -     partition 7
    - `ada` is hot in web-0: 512 attempts in the last minute, 4.2s together
    - `bob` waits in web-0 for 12s (retry): goes on in 3.1s: no stock
    - `eve` waits in web-0 for 1.4s (emit_blocked): the stream is full
    ↑↓ choose   ↵ its shards and entities   esc back   q quit
    ");
    assert!(scene.press(Key::Back) && scene.inside().is_none());
}

#[test]
fn keys_choose_no_row_that_is_not_there() {
    let mut scene = scene();
    let press = |scene: &mut Scene, keys: &[Key]| keys.iter().all(|key| scene.press(*key));

    assert!(press(&mut scene, &[Key::Down, Key::Down]));
    let overview = scene.rows().1;
    assert!(press(&mut scene, &[Key::Enter, Key::Down, Key::Down, Key::Enter, Key::Resize]));
    let inside = scene.rows().1;
    assert!(press(&mut scene, &[Key::Up, Key::Up]));

    assert_eq!((overview, inside, scene.rows().1), (Some(0), Some(1), Some(0)));
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
