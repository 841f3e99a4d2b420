//! Who is let in: by token, or without tokens by where the request comes from, and no faster than the rate.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::rate::{Client, Rate};
use crate::http::{Code, Guard, Problem};

/// Lets requests in.
#[derive(Debug)]
pub(super) struct Admission {
    guard: Guard,
    rate: Option<Rate>,
}

impl Admission {
    pub(super) fn new(guard: Guard, rate: Option<u32>) -> Self {
        Self { guard, rate: rate.map(Rate::new) }
    }

    /// Lets a request from `address` in, or says why not.
    pub(super) fn admit(&self, headers: &HeaderMap, address: IpAddr) -> Result<(), Problem> {
        let client = self.guard.check(headers)?.map_or_else(|| Client::address(address), Client::Token);
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.take(client).map_err(|retry| {
            Problem::new(Code::TooManyRequests, "more requests a second than one client may send")
                .retry_after(retry)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_let_in_no_faster_than_its_rate() {
        let admission = Admission::new(Guard::new(None), Some(1));
        let admit = |address: &str| {
            let address = address.parse().expect("an address");
            admission.admit(&HeaderMap::new(), address).map_err(|problem| problem.code)
        };

        assert_eq!(admit("127.0.0.1"), Ok(()));
        assert_eq!(admit("127.0.0.1"), Err(Code::TooManyRequests));
        assert_eq!(admit("127.0.0.2"), Ok(()));
    }
}
