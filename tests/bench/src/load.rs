//! The messages of a run: how many, about whom, how large; and what they come to when all of them are handled.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::DiscardPolicy;
use async_nats::jetstream::{self, Context};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use support::{faults::Zipf, publish};

use crate::event::payload;
use crate::job::{Answer, now};

/// The same messages in every run of every contestant.
const SEED: u64 = 6;

/// Where `ruststream-nats` looks for the key of a message.
const KEY: &str = "nats-partition-key";

/// How finely time is cut when messages are published at a rate; Tokio's timers know no less.
const TICK: Duration = Duration::from_millis(1);

/// How many publications may be under way at a rate: what 5,000 a second come to in 200 ms.
const UNDER_WAY: usize = 1_000;

/// What a stream is filled with, or fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: u64,
    pub(crate) entities: u32,
    pub(crate) spread: Spread,
    /// Bytes of a payload.
    pub(crate) size: usize,
    /// Whether a header repeats the entity.
    pub(crate) has_key: bool,
    /// Messages per second, published while they are consumed; `None`: all of them are there before.
    pub(crate) rate: Option<u32>,
}

/// Who messages are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Everybody as often.
    Uniform,
    /// A few very often: the n-th with a weight of 1/n.
    Zipf,
}

/// What the sums must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) messages: u64,
    pub(crate) sum: u64,
    pub(crate) weighted: u64,
    /// How many entities have a sum.
    pub(crate) entities: u64,
}

impl Expected {
    /// Whether the sums of a contestant are these.
    ///
    /// # Errors
    /// When they are not, with both.
    pub(crate) fn compare(&self, answer: &Answer) -> Result<(), String> {
        let (sum, weighted) = (answer.sum, answer.weighted);
        match (sum, weighted) == (self.sum, self.weighted) {
            true => Ok(()),
            false => Err(format!(
                "its sums are {sum} and {weighted}, and should be {} and {}",
                self.sum, self.weighted
            )),
        }
    }
}

impl Load {
    /// 128-byte messages about 10,000 entities, stored before.
    pub(crate) fn of(messages: u64) -> Self {
        Self { messages, entities: 10_000, spread: Spread::Uniform, size: 128, has_key: false, rate: None }
    }

    /// How long it takes to publish it at its rate.
    pub(crate) fn duration(self) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| Duration::from_secs(self.messages / u64::from(rate.max(1))))
    }

    /// The entity and the amount of each message, in order.
    pub(crate) fn events(self) -> impl Iterator<Item = (usize, u64)> {
        let mut random = StdRng::seed_from_u64(SEED);
        let zipf = Zipf::new(self.entities);
        (0..self.messages).map(move |number| {
            let entity = match self.spread {
                Spread::Uniform => random.random_range(0..self.entities) as usize,
                Spread::Zipf => zipf.draw(&mut random),
            };
            (entity, 1 + number % 9)
        })
    }

    /// What comes out when every message but those that fail is handled once.
    pub(crate) fn expected(self, fails_every: u64) -> Expected {
        let mut expected = Expected::default();
        let mut is_known = vec![false; self.entities as usize];
        for (sequence, (entity, amount)) in (1_u64..).zip(self.events()) {
            if fails_every > 0 && sequence.is_multiple_of(fails_every) {
                continue;
            }
            expected.messages += 1;
            expected.entities += u64::from(!std::mem::replace(&mut is_known[entity], true));
            expected.sum += amount;
            expected.weighted += (entity as u64 + 1) * amount;
        }
        expected
    }

    /// Creates the stream, with the messages if they are to be there before.
    pub(crate) async fn store(self, jetstream: &Context, stream: &str) {
        let config = jetstream::stream::Config {
            name: stream.to_owned(),
            subjects: vec![format!("{stream}.*")],
            discard: DiscardPolicy::New,
            ..Default::default()
        };
        jetstream.create_stream(config).await.expect("a private server takes a stream");
        if self.rate.is_none() {
            let messages = self.events().map(|(entity, amount)| {
                let payload = payload(entity, amount, 0, self.size);
                let message = PublishMessage::build().payload(payload.into());
                let message = match self.has_key {
                    true => message.header(KEY, format!("e{entity}")),
                    false => message,
                };
                (format!("{stream}.e{entity}"), message)
            });
            publish(jetstream, messages).await;
        }
    }

    /// Publishes the messages at their rate, each with the time at which it was.
    pub(crate) async fn feed(self, jetstream: &Context, stream: &str) {
        let each_tick = f64::from(self.rate.unwrap_or(1_000)) * TICK.as_secs_f64();
        let mut ticks = tokio::time::interval(TICK);
        let (mut due, mut published) = (0.0, 0.0);
        let mut acks = VecDeque::new();
        for (entity, amount) in self.events() {
            while published >= due {
                ticks.tick().await;
                due += each_tick;
            }
            published += 1.0;
            let payload = payload(entity, amount, now(), self.size).into();
            let ack = jetstream.publish(format!("{stream}.e{entity}"), payload).await;
            acks.push_back(ack.expect("the client is connected"));
            // By then it has come long ago, and nothing is held up.
            if acks.len() > UNDER_WAY
                && let Some(oldest) = acks.pop_front()
            {
                oldest.await.expect("a private server stores what it is sent");
            }
        }
        for ack in acks {
            ack.await.expect("a private server stores what it is sent");
        }
    }
}

#[test]
fn a_message_of_another_entity_is_found_out() {
    let expected = Load::of(1_000).expected(0);
    let answer = |sum, weighted| Answer { sum, weighted, ..Answer::default() };

    assert!(expected.compare(&answer(expected.sum, expected.weighted)).is_ok());
    assert!(expected.compare(&answer(expected.sum, expected.weighted + 5)).is_err());
    assert!(expected.compare(&answer(expected.sum - 5, expected.weighted)).is_err());
}

#[test]
fn those_that_fail_are_not_expected() {
    let load = Load::of(1_000);

    assert_eq!(load.expected(0).messages, 1_000);
    assert_eq!(load.expected(100).messages, 990);
    assert!(load.expected(100).sum < load.expected(0).sum);
}
