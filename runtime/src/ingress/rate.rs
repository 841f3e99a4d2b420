//! How many requests a second one client may send: a bucket for each.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many clients are told apart; beyond, those that are left share one bucket.
const MOST_CLIENTS: usize = 10_000;

/// Who sent a request, as far as rates go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// Whoever has this token.
    Token(Arc<str>),
    /// Whoever has this address; of IPv6 the network, since one host has a whole one to choose from.
    Address(IpAddr),
    /// All that came when there were too many to tell apart.
    Rest,
}

/// Lets so many requests a second through for each client, and as many at once.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    buckets: Mutex<HashMap<Client, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Client {
    pub(super) fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Address(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            address @ IpAddr::V4(_) => Self::Address(address),
        }
    }
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.into(), buckets: Mutex::default() }
    }

    /// Takes one request of `client`.
    ///
    /// # Errors
    /// With the time until there is room for another one.
    pub(super) fn take(&self, client: Client) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let client = self.room_for(client, &mut buckets, now);
        let bucket = buckets.entry(client).or_insert(Bucket { left: self.per_second, filled: now });
        bucket.fill(self.per_second, now);
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.left) / self.per_second))
    }

    fn room_for(&self, client: Client, buckets: &mut HashMap<Client, Bucket>, now: Instant) -> Client {
        if buckets.len() < MOST_CLIENTS || buckets.contains_key(&client) {
            return client;
        }
        buckets.retain(|_, bucket| {
            bucket.fill(self.per_second, now);
            bucket.left < self.per_second
        });
        if buckets.len() < MOST_CLIENTS { client } else { Client::Rest }
    }
}

impl Bucket {
    fn fill(&mut self, per_second: f64, now: Instant) {
        let since = now.duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since * per_second).min(per_second);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> Client {
        Client::address(IpAddr::V4(number.into()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_gets_its_rate_and_another_one_its_own() {
        let rate = Rate::new(2);

        let taken = [1, 1, 1, 2].map(|number| rate.take(client(number)));
        tokio::time::advance(Duration::from_millis(500)).await;
        let later = [rate.take(client(1)), rate.take(client(1))];

        assert_eq!(taken, [Ok(()), Ok(()), Err(Duration::from_millis(500)), Ok(())]);
        assert_eq!(later, [Ok(()), Err(Duration::from_millis(500))]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_clients_that_are_told_apart_is_bounded() {
        let rate = Rate::new(1);
        let most = u32::try_from(MOST_CLIENTS).expect("a small number");

        let taken = (0..most + 50).filter(|number| rate.take(client(*number)).is_ok()).count();
        let kept = rate.buckets.lock().expect("nobody panics").len();
        tokio::time::advance(Duration::from_secs(1)).await;
        let afterwards = rate.take(client(most + 51));

        assert_eq!((taken, kept, afterwards), (MOST_CLIENTS + 1, MOST_CLIENTS + 1, Ok(())));
        assert_eq!(rate.buckets.lock().expect("nobody panics").len(), 1);
    }

    #[test]
    fn the_hosts_of_an_ipv6_network_are_one_client() {
        let of = |text: &str| Client::address(text.parse().expect("an address"));

        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::4"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
