//! Which partition a key belongs to.

use std::fmt;
use std::hash::Hasher;

/// A fixed slice of an actor's entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(pub u32);

impl PartitionId {
    /// The partition of `key` among the `partitions` of its shard, one of `shards`.
    ///
    /// The server has already spread the keys over the shards, by [`shard_of`]; so that those of one shard are spread
    /// over all partitions, what it used of the hash is left out.
    ///
    /// # Panics
    /// When `shards` or `partitions` is zero, which a checked topology rules out.
    pub fn of(key: &str, shards: u32, partitions: u32) -> Self {
        Self(hash_key(key) / shards % partitions)
    }
}

/// The shard of `key` among `shards`, as the server computes it for `{{partition(n, token)}}` in a subject transform
/// (ADR-30).
///
/// # Panics
/// When `shards` is zero, which a checked topology rules out.
pub fn shard_of(key: &str, shards: u32) -> u32 {
    hash_key(key) % shards
}

/// FNV-1a, 32 bit, of a key: what traces and logs show instead of the key itself.
pub fn hash_key(key: &str) -> u32 {
    let mut hasher = hash32::FnvHasher::default();
    hasher.write(key.as_bytes());
    hash32::Hasher::finish32(&hasher)
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_as_the_server_does() {
        assert_eq!(hash_key(""), 0x811c_9dc5);
        assert_eq!(hash_key("a"), 0xe40c_292c);
        assert_eq!(hash_key("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn spreads_keys_over_all_partitions() {
        let mut seen = [0_u32; 16];

        for n in 0..16_000 {
            let PartitionId(partition) = PartitionId::of(&format!("order-{n}"), 1, 16);
            seen[partition as usize] += 1;
        }

        assert!(seen.iter().all(|&count| count > 500), "{seen:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_keys_of_one_shard_are_spread_over_all_partitions(
            shards in 1_u32..=64,
            partitions in 1_u32..=64,
            chosen in any::<prop::sample::Index>(),
            prefix in "[a-z]{0,8}",
        ) {
            let shard = u32::try_from(chosen.index(shards as usize)).expect("a shard is a small number");
            let mut seen = vec![0_u32; partitions as usize];
            let keys = (0..).map(|n: u32| format!("{prefix}{n}")).filter(|key| shard_of(key, shards) == shard);
            for key in keys.take(200 * seen.len()) {
                let PartitionId(partition) = PartitionId::of(&key, shards, partitions);
                seen[partition as usize] += 1;
            }

            prop_assert!(seen.iter().all(|count| (60..=400).contains(count)), "{:?}", seen);
        }
    }
}
