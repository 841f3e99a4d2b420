//! What a message asks of the handler `append`, drawn from its id alone: a run can be repeated from its seed.

use serde::{Deserialize, Serialize};

use super::Chain;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Unique in the run.
    pub id: u64,
    /// What it is about.
    pub entity: String,
    /// Its number among the messages of its entity.
    pub n: u64,
    /// What the handler does with it.
    pub act: Act,
}

/// What a handler does before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Act {
    /// Nothing.
    Ok,
    /// Fails on the first attempts.
    Fails {
        /// How many.
        tries: u32,
    },
    /// Panics on the first attempts.
    Panics {
        /// How many.
        tries: u32,
    },
    /// Takes its time.
    Slow {
        /// How much.
        millis: u64,
    },
    /// Never succeeds.
    AlwaysFails,
    /// Kills its process on the first starts, whoever counts them.
    Kills {
        /// How many.
        tries: u64,
    },
    /// Blocks its thread.
    Blocks {
        /// How long.
        millis: u64,
    },
}

impl Act {
    /// Whether a dead letter is how it ends.
    pub fn is_hopeless(self) -> bool {
        self == Self::AlwaysFails
    }
}

/// What a done message leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The message's.
    pub id: u64,
    /// The message's.
    pub entity: String,
    /// The message's.
    pub n: u64,
    /// The message's place in its stream.
    pub sequence: u64,
    /// The entity's state with the message in it.
    #[serde(flatten)]
    pub chain: Chain,
}

/// How many of ten thousand messages do what; the others are simply done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// [`Act::Fails`].
    pub fails: u64,
    /// [`Act::Panics`].
    pub panics: u64,
    /// [`Act::Slow`].
    pub slow: u64,
    /// [`Act::AlwaysFails`].
    pub always_fails: u64,
    /// [`Act::Kills`].
    pub kills: u64,
    /// [`Act::Blocks`].
    pub blocks: u64,
}

impl Mix {
    /// Every message is simply done.
    pub const PLAIN: Self = Self { fails: 0, panics: 0, slow: 0, always_fails: 0, kills: 0, blocks: 0 };

    /// Handlers misbehave, and their processes live.
    pub const TROUBLED: Self =
        Self { fails: 500, panics: 100, slow: 200, always_fails: 100, kills: 0, blocks: 10 };

    /// All of it, in the shares of a long run.
    pub const WILD: Self = Self { kills: 10, ..Self::TROUBLED };

    /// What the message with this id does. The tries it takes are below `max_deliver`, so that it can succeed.
    pub fn draw(self, id: u64, max_deliver: u32) -> Act {
        let hash = scatter(id);
        let tries = 1 + u32::try_from((hash >> 32) % u64::from(max_deliver.max(2) - 1)).unwrap_or(0);
        let shares = [
            (self.fails, Act::Fails { tries }),
            (self.panics, Act::Panics { tries }),
            (self.slow, Act::Slow { millis: 20 + (hash >> 32) % 80 }),
            (self.always_fails, Act::AlwaysFails),
            (self.kills, Act::Kills { tries: 1 }),
            (self.blocks, Act::Blocks { millis: 100 + (hash >> 32) % 200 }),
        ];
        let mut left = hash % 10_000;
        for (share, act) in shares {
            match left.checked_sub(share) {
                None => return act,
                Some(rest) => left = rest,
            }
        }
        Act::Ok
    }
}

/// The finaliser of `SplitMix64`: ids that follow each other share no pattern.
fn scatter(id: u64) -> u64 {
    let mut hash = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[test]
fn the_shares_are_kept() {
    let acts: Vec<Act> = (0..100_000).map(|id| Mix::WILD.draw(id, 4)).collect();
    let share = |is: fn(&Act) -> bool| acts.iter().filter(|act| is(act)).count();

    assert!((4_500..5_500).contains(&share(|act| matches!(act, Act::Fails { .. }))));
    assert!((800..1_200).contains(&share(|act| matches!(act, Act::AlwaysFails))));
    assert!((60..150).contains(&share(|act| matches!(act, Act::Kills { .. }))));
    assert!(acts.iter().all(|act| !matches!(act, Act::Fails { tries: 0 | 4.. })));
}
