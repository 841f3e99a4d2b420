//! Few that come often and many that come seldom.

use rand::{Rng, RngExt};

/// Ranks from 0, the n-th with a weight of 1/(n+1).
#[derive(Debug)]
pub struct Zipf {
    /// The sum of the weights up to each rank.
    sums: Vec<f64>,
}

impl Zipf {
    /// So many ranks, at least one.
    pub fn new(ranks: u32) -> Self {
        let mut sum = 0.0;
        let sums = (1..=ranks.max(1)).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self { sums: sums.collect() }
    }

    /// One of them.
    pub fn draw(&self, random: &mut impl Rng) -> usize {
        let all = self.sums.last().copied().unwrap_or(1.0);
        let point = random.random_range(0.0..all);
        self.sums.partition_point(|sum| *sum <= point).min(self.sums.len() - 1)
    }
}

#[test]
fn the_first_is_hot_and_the_last_is_cold() {
    use rand::SeedableRng;
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let zipf = Zipf::new(1000);
    let mut drawn = vec![0_u32; 1000];

    (0..10_000).for_each(|_| drawn[zipf.draw(&mut random)] += 1);

    assert!(drawn[0] > 1000, "{}", drawn[0]);
    assert!(drawn[500..].iter().sum::<u32>() > 300);
}
