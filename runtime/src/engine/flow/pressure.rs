//! How hard what waits presses against the marks.

use std::sync::Arc;

use super::depth::Depth;
use crate::message::Mark;
use crate::port::Reading;
use crate::topology::{FlowMarks, Marks};

/// One value between its marks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pressed {
    pub(super) mark: Mark,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// For whom it waits.
    pub(super) actor: Option<Arc<str>>,
}

impl Pressed {
    /// 0 at the low mark, 1 at the high one.
    pub(super) fn pressure(&self) -> f64 {
        (self.value - self.low) / (self.high - self.low)
    }

    fn new(mark: Mark, value: f64, marks: Marks<f64>, actor: Option<&Arc<str>>) -> Self {
        Self { mark, value, low: marks.low, high: marks.high, actor: actor.cloned() }
    }
}

/// What presses hardest; `None` when there is no mark that anything could be held against.
pub(super) fn hardest(marks: &FlowMarks, reading: &Reading, depths: &[Depth]) -> Option<Pressed> {
    let of_actors = depths.iter().flat_map(|depth| of_actor(marks, reading, depth));
    let all = of_actors.chain(of_fill(reading, depths));
    all.max_by(|one, other| one.pressure().total_cmp(&other.pressure()))
}

#[expect(clippy::cast_precision_loss, reason = "a mark is not a matter of one message in 2^53")]
fn of_actor<'a>(
    marks: &'a FlowMarks,
    reading: &Reading,
    depth: &'a Depth,
) -> impl Iterator<Item = Pressed> + use<'a> {
    let mean = reading.stored.bytes as f64 / reading.stored.messages.max(1) as f64;
    let count = |marks: Marks<u64>| Marks { low: marks.low as f64, high: marks.high as f64 };
    let actor = Some(&depth.actor);
    let messages = depth.messages() as f64;
    let lag = depth.lag.unwrap_or_default().as_secs_f64();
    let messages_marks = marks.messages.map(count);
    let bytes_marks = marks.bytes.map(count);
    let lag_marks =
        marks.lag.map(|marks| Marks { low: marks.low.as_secs_f64(), high: marks.high.as_secs_f64() });
    let all = [
        messages_marks.map(|marks| Pressed::new(Mark::Messages, messages, marks, actor)),
        bytes_marks.map(|marks| Pressed::new(Mark::Bytes, messages * mean, marks, actor)),
        lag_marks.map(|marks| Pressed::new(Mark::Lag, lag, marks, actor)),
    ];
    all.into_iter().flatten()
}

/// A stream that is full refuses everybody, whether what it stores is done or not. It is laid to the actor for whom most
/// waits, if anything does.
#[expect(clippy::cast_precision_loss, reason = "a mark is not a matter of one message in 2^53")]
fn of_fill(reading: &Reading, depths: &[Depth]) -> Option<Pressed> {
    let share = |stored: u64, limit: Option<u64>| limit.map(|limit| stored as f64 / limit.max(1) as f64);
    let shares = [
        share(reading.stored.messages, reading.limit.messages),
        share(reading.stored.bytes, reading.limit.bytes),
    ];
    let fill = shares.into_iter().flatten().max_by(f64::total_cmp)?;
    let deepest = depths.iter().max_by_key(|depth| depth.messages()).filter(|depth| depth.messages() > 0);
    Some(Pressed::new(Mark::Fill, fill, FlowMarks::FILL, deepest.map(|depth| &depth.actor)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::message::ShardId;
    use crate::port::{Limit, Load, Reader};

    const AT: Duration = Duration::from_secs(1_000_000);

    fn reader(actor: &str, shard: u32, waiting: u64, age: u64) -> Reader {
        let oldest = (waiting > 0).then(|| SystemTime::UNIX_EPOCH + AT - Duration::from_secs(age));
        let shard = ShardId { actor: actor.into(), shard };
        Reader { shard, waiting, unsettled: 10, deliveries: 0, oldest }
    }

    fn pressed(marks: &FlowMarks, stored: u64, limit: Option<u64>, readers: Vec<Reader>) -> Option<Pressed> {
        let reading = Reading {
            at: SystemTime::UNIX_EPOCH + AT,
            stored: Load { messages: stored, bytes: stored * 100 },
            limit: Limit { messages: limit, bytes: None },
            last: stored,
            readers,
        };
        hardest(marks, &reading, &Depth::of_all(&reading))
    }

    fn marks() -> FlowMarks {
        FlowMarks {
            messages: Some(Marks { low: 100, high: 200 }),
            bytes: Some(Marks { low: 100_000, high: 200_000 }),
            lag: Some(Marks { low: Duration::from_secs(10), high: Duration::from_secs(20) }),
        }
    }

    #[test]
    fn the_actor_that_is_behind_most_is_named_with_all_its_shards() {
        let readers = vec![reader("a", 0, 40, 1), reader("b", 0, 60, 1), reader("b", 1, 70, 1)];

        let pressed = pressed(&marks(), 1000, None, readers).expect("there are marks");

        assert_eq!((pressed.mark, pressed.actor.as_deref()), (Mark::Messages, Some("b")));
        assert!((pressed.pressure() - 0.5).abs() < 1e-9, "{pressed:?}");
    }

    #[test]
    fn the_mark_that_is_pressed_hardest_counts() {
        let late = pressed(&marks(), 1000, None, vec![reader("a", 0, 100, 18)]).expect("there are marks");
        let full = pressed(&marks(), 940, Some(1000), vec![reader("a", 0, 0, 0)]).expect("there are marks");

        assert_eq!((late.mark, late.value), (Mark::Lag, 18.0));
        assert_eq!((full.mark, full.actor.as_deref()), (Mark::Fill, Some("a")));
        assert!((full.pressure() - 0.9).abs() < 1e-9, "{full:?}");
    }

    #[test]
    fn bytes_are_those_of_what_waits() {
        let marks = FlowMarks { messages: None, lag: None, ..marks() };

        let pressed = pressed(&marks, 5000, None, vec![reader("a", 0, 1490, 1)]).expect("there are marks");

        assert_eq!((pressed.mark, pressed.value), (Mark::Bytes, 150_000.0));
    }

    #[test]
    fn without_marks_and_limits_nothing_presses() {
        assert_eq!(pressed(&FlowMarks::default(), 5000, None, vec![reader("a", 0, 1490, 1)]), None);
    }
}
