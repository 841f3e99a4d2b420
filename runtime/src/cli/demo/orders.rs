//! The orders that flood the shop: the same in every run with the same seed, with known troubles among them.

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::message::Reason;

const COLOURS: [&str; 8] = ["black", "blue", "brown", "green", "grey", "red", "white", "yellow"];
const ARTICLES: [&str; 25] = [
    "bag", "belt", "boots", "bowl", "cap", "chair", "clock", "coat", "cup", "desk", "dress", "gloves", "hat",
    "jacket", "jumper", "lamp", "mug", "plate", "rug", "scarf", "shirt", "shoes", "socks", "table", "vase",
];

/// Of so many lines one costs more than the payment gateway allows.
const YACHTS: u32 = 30;
const CHEAPEST: u64 = 500;
const DEAREST: u64 = 50_000;
const YACHT: u64 = 250_000;

/// Lines of orders, in the order in which they are placed.
#[derive(Debug)]
pub(super) struct Orders {
    random: StdRng,
    /// How many lines each order has.
    lines: Vec<u32>,
    left: u64,
    number: u64,
    /// Up to this number lines may take long, so that the last ones do not decide how long the demo takes.
    patient: u64,
}

/// One line of an order, as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where to.
    pub(super) subject: String,
    /// What.
    pub(super) payload: Bytes,
    /// What is wrong with it.
    pub(super) trouble: Option<Trouble>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trouble {
    /// The first attempt fails.
    Flaky,
    /// Every attempt fails.
    Fails,
    /// The first attempt panics.
    Stumbles,
    /// Every attempt panics.
    Panics,
    /// The first attempt never ends.
    Hangs,
    /// It orders nothing, which no attempt can change.
    Empty,
    /// It is not JSON.
    Poison,
}

impl Trouble {
    /// All troubles, and of ten thousand lines how many have each.
    const SHARES: [(Self, u32); 7] = [
        (Self::Flaky, 50),
        (Self::Fails, 10),
        (Self::Stumbles, 10),
        (Self::Panics, 5),
        (Self::Hangs, 5),
        (Self::Empty, 5),
        (Self::Poison, 10),
    ];

    /// Why the line becomes a dead letter, if it does.
    pub(super) fn verdict(self) -> Option<Reason> {
        match self {
            Self::Flaky | Self::Stumbles | Self::Hangs => None,
            Self::Fails | Self::Panics => Some(Reason::Failed),
            Self::Empty => Some(Reason::Terminal),
            Self::Poison => Some(Reason::Undecodable),
        }
    }

    fn takes_long(self) -> bool {
        matches!(self, Self::Fails | Self::Panics | Self::Hangs)
    }

    fn draw(random: &mut StdRng) -> Option<Self> {
        let mut lot = random.random_range(0..10_000_u32);
        for (trouble, share) in Self::SHARES {
            match lot.checked_sub(share) {
                Some(rest) => lot = rest,
                None => return Some(trouble),
            }
        }
        None
    }
}

#[derive(Serialize)]
struct Placed {
    line: u32,
    sku: String,
    quantity: u32,
    cents: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
}

impl Orders {
    /// What all lines are published to.
    pub(super) const SUBJECTS: &str = "orders.{order}.placed";

    /// What the lines of an order are published to.
    pub(super) fn subject(order: usize) -> String {
        format!("orders.{order}.placed")
    }

    /// `events` lines of `entities` orders.
    pub(super) fn new(events: u64, entities: usize, seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            lines: vec![0; entities.max(1)],
            left: events,
            number: 0,
            patient: events / 2,
        }
    }

    fn place(&mut self, line: u32, trouble: Option<Trouble>) -> Bytes {
        let colour = COLOURS[self.random.random_range(0..COLOURS.len())];
        let article = ARTICLES[self.random.random_range(0..ARTICLES.len())];
        let quantity = self.random.random_range(1..=3);
        let price = self.random.random_range(CHEAPEST..=DEAREST);
        let is_yacht = self.random.random_ratio(1, YACHTS);

        let placed = Placed {
            line,
            sku: format!("{colour}-{article}"),
            quantity: if trouble == Some(Trouble::Empty) { 0 } else { quantity },
            cents: if is_yacht { YACHT } else { price },
            trouble: trouble.filter(|trouble| !matches!(trouble, Trouble::Empty | Trouble::Poison)),
        };
        let mut json = serde_json::to_vec(&placed).expect("texts and numbers serialize");
        if trouble == Some(Trouble::Poison) {
            json.truncate(json.len() / 2);
        }
        json.into()
    }
}

impl Iterator for Orders {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        self.left = self.left.checked_sub(1)?;
        self.number += 1;
        let order = self.random.random_range(0..self.lines.len());
        self.lines[order] += 1;
        let trouble = Trouble::draw(&mut self.random)
            .filter(|trouble| self.number <= self.patient || !trouble.takes_long());
        let payload = self.place(self.lines[order], trouble);
        Some(Line { subject: Self::subject(order), payload, trouble })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_orders() {
        let orders = |seed| Orders::new(1000, 50, seed).collect::<Vec<_>>();

        assert_eq!(orders(7), orders(7));
        assert_ne!(orders(7), orders(8));
    }

    #[test]
    fn every_trouble_is_among_them() {
        let troubles: Vec<Trouble> = Orders::new(20_000, 2_000, 1).filter_map(|line| line.trouble).collect();

        for (trouble, _) in Trouble::SHARES {
            assert!(troubles.contains(&trouble), "no line {trouble:?}");
        }
    }

    #[test]
    fn poison_is_not_json_and_the_rest_is() {
        for line in Orders::new(5_000, 100, 1) {
            let json = serde_json::from_slice::<serde_json::Value>(&line.payload);

            assert_eq!(json.is_err(), line.trouble == Some(Trouble::Poison), "{line:?}");
        }
    }

    #[test]
    fn the_last_lines_take_no_longer_than_others() {
        let late = Orders::new(20_000, 100, 1).skip(10_000).filter_map(|line| line.trouble);

        assert!(late.into_iter().all(|trouble| !trouble.takes_long()));
    }
}
