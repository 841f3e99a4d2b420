//! The heaviest keys of a stream of keys, in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005).

/// How many keys are kept. Few enough that looking through all of them costs less than a hash table.
pub(super) const PLACES: usize = 16;

/// Counts the heaviest keys.
///
/// A key that has more than one part in [`PLACES`] of the whole weight is always there. What is counted for a key is never
/// too little, and at most `excess` too much.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    /// Beside the keys, so that looking for one reads little memory.
    hashes: [u32; PLACES],
    weights: [u64; PLACES],
    keys: Vec<Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    key: String,
    excess: u64,
}

/// A key and what it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted<'s> {
    pub(super) key: &'s str,
    pub(super) weight: u64,
    /// By how much that may be too much.
    pub(super) excess: u64,
}

impl Sketch {
    /// Adds weight to a key, whose hash is given so that other keys are told apart at once.
    pub(super) fn add(&mut self, hash: u32, key: &str, weight: u64) {
        let kept = self.keys.len();
        for place in 0..kept {
            if self.hashes[place] == hash && self.keys[place].key == key {
                self.weights[place] += weight;
                return;
            }
        }
        if kept < PLACES {
            (self.hashes[kept], self.weights[kept]) = (hash, weight);
            self.keys.push(Kept { key: key.to_owned(), excess: 0 });
            return;
        }
        let lightest =
            (1..PLACES).fold(
                0,
                |lightest, place| {
                    if self.weights[place] < self.weights[lightest] { place } else { lightest }
                },
            );
        let Kept { key: lighter, excess } = &mut self.keys[lightest];
        *excess = self.weights[lightest];
        lighter.clear();
        lighter.push_str(key);
        self.hashes[lightest] = hash;
        self.weights[lightest] += weight;
    }

    /// All keys that are kept, in no order.
    pub(super) fn counted(&self) -> impl Iterator<Item = Counted<'_>> {
        self.keys.iter().zip(self.weights).map(|(Kept { key, excess }, weight)| Counted {
            key,
            weight,
            excess: *excess,
        })
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Keys of which some are frequent, with their weights.
    fn weighed() -> impl Strategy<Value = Vec<(u8, u64)>> {
        let key = prop_oneof![0_u8..4, 0_u8..=255];
        prop::collection::vec((key, 1_u64..20), 0..800)
    }

    proptest! {
        #[test]
        fn no_heavy_key_is_missed_and_no_weight_is_off_by_more_than_it_says(weighed in weighed()) {
            let (mut sketch, mut exact) = (Sketch::default(), HashMap::<String, u64>::new());
            for (key, weight) in &weighed {
                // Half of the hashes collide.
                sketch.add(u32::from(key / 2), &key.to_string(), *weight);
                *exact.entry(key.to_string()).or_default() += weight;
            }

            let total: u64 = exact.values().sum();
            prop_assert!(sketch.counted().count() <= PLACES);
            for counted in sketch.counted() {
                let weight = exact[counted.key];
                prop_assert!(counted.weight >= weight && counted.weight - counted.excess <= weight);
            }
            for (key, weight) in exact {
                let is_heavy = weight * PLACES as u64 > total;
                let is_there = sketch.counted().any(|counted| counted.key == key);
                prop_assert!(!is_heavy || is_there, "{key} with {weight} of {total}");
            }
        }
    }

    #[test]
    fn few_keys_are_counted_exactly() {
        let mut sketch = Sketch::default();

        for (key, weight) in [("a", 1), ("b", 5), ("a", 2)] {
            sketch.add(7, key, weight);
        }

        let weights: Vec<(&str, u64, u64)> =
            sketch.counted().map(|counted| (counted.key, counted.weight, counted.excess)).collect();
        assert_eq!(weights, [("a", 3, 0), ("b", 5, 0)]);
    }
}
