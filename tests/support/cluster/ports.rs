//! Ports that are chosen before their server starts: those of a cluster must know each other's.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take ports that nobody chose.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// As many ports that nobody listens on; not given out again soon.
pub(super) fn free_ports(count: usize) -> Vec<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time begin at different places.
    let begin = u16::try_from(std::process::id() * 97 % u32::from(COUNT)).expect("less than a u16");
    let candidates = std::iter::repeat_with(|| {
        FIRST + (begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed))) % COUNT
    });
    candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect()
}
