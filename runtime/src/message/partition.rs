//! Which partition a key belongs to.

use std::fmt;
use std::hash::Hasher;

/// A fixed slice of an actor's entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(pub u32);

impl PartitionId {
    /// The partition of `key` among `partitions`: FNV-1a 32 modulo, the same that the server computes for
    /// `{{partition(n, token)}}` in a subject transform (ADR-30).
    ///
    /// # Panics
    /// When `partitions` is zero, which a checked topology rules out.
    pub fn of(key: &str, partitions: u32) -> Self {
        Self(hash_key(key) % partitions)
    }
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
            let PartitionId(partition) = PartitionId::of(&format!("order-{n}"), 16);
            seen[partition as usize] += 1;
        }

        assert!(seen.iter().all(|&count| count > 500), "{seen:?}");
    }
}
