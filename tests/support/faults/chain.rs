//! A fold that tells which messages were applied, and in which order, by one number.

use serde::{Deserialize, Serialize};

const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// How many ids were appended, and the hash over all of them: FNV-1a 64, the previous hash first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// How many.
    pub len: u64,
    /// Zero when there are none.
    pub hash: u64,
}

impl Chain {
    /// Appends an id.
    pub fn push(&mut self, id: u64) {
        let bytes = self.hash.to_be_bytes().into_iter().chain(id.to_be_bytes());
        self.hash = bytes.fold(START, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        self.len += 1;
    }
}

impl FromIterator<u64> for Chain {
    fn from_iter<I: IntoIterator<Item = u64>>(ids: I) -> Self {
        ids.into_iter().fold(Self::default(), |mut chain, id| {
            chain.push(id);
            chain
        })
    }
}

#[test]
fn tells_order_and_repeats() {
    let of = |ids: &[u64]| ids.iter().copied().collect::<Chain>();

    assert_ne!(of(&[1, 2]), of(&[2, 1]));
    assert_ne!(of(&[1, 2]), of(&[1, 2, 2]));
    assert_eq!(of(&[1, 2]), of(&[1, 2]));
}
