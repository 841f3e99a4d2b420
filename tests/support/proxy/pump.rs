//! One direction of a connection.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::sieve::Sieve;
use super::{Counts, Orders, Traffic};

/// How many chunks may be on their way: enough for half a second of what a test sends.
const CHUNKS: usize = 1024;
const CHUNK: usize = 64 << 10;

/// Which way a pump works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToClient,
    ToServer,
}

/// What was read, and when it may arrive.
type Chunk = (Instant, Bytes);

/// Carries what is sent until an end is closed, or cut.
pub(super) async fn pump(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    direction: Direction,
    orders: watch::Receiver<Orders>,
    counts: &Counts,
) {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    tokio::select! {
        () = read(from, sender, orders.clone()) => {}
        _ = write(receiver, to, direction, orders, counts) => {}
    }
}

/// Ends when the other end is closed; what was read before may then be lost, as on a real network.
async fn read(mut from: ReadHalf<'_>, chunks: mpsc::Sender<Chunk>, orders: watch::Receiver<Orders>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let due = Instant::now() + orders.borrow().traffic.delay();
        if chunks.send((due, Bytes::copy_from_slice(&buffer[..length]))).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut chunks: mpsc::Receiver<Chunk>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut orders: watch::Receiver<Orders>,
    counts: &Counts,
) -> io::Result<()> {
    let first_cut = orders.borrow().cut;
    let mut allowance = None;
    let mut sieve = Sieve::default();
    while let Some((due, bytes)) = chunks.recv().await {
        sleep_until(due).await;
        let order = *orders
            .wait_for(|order| order.traffic.passes(direction))
            .await
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        let bytes = sieve.sift(&bytes, order.traffic.loses(direction));
        counts.lost.fetch_add(sieve.take_lost(), Ordering::Relaxed);
        if direction == Direction::ToServer || order.cut == first_cut {
            to.write_all(&bytes).await?;
            continue;
        }
        let left = allowance.get_or_insert(order.allowance);
        let now = bytes.len().min(*left);
        to.write_all(&bytes[..now]).await?;
        *left -= now;
        if *left == 0 {
            break;
        }
    }
    Ok(())
}

impl Traffic {
    fn delay(self) -> Duration {
        match self {
            Self::Late(delay) => delay,
            _ => Duration::ZERO,
        }
    }

    fn passes(self, direction: Direction) -> bool {
        match self {
            Self::Stands => false,
            Self::StandsToClient => direction == Direction::ToServer,
            _ => true,
        }
    }

    /// Which messages do not arrive.
    fn loses(self, direction: Direction) -> Option<&'static str> {
        match (self, direction) {
            (Self::LosesToClient(what), Direction::ToClient)
            | (Self::LosesToServer(what), Direction::ToServer) => Some(what),
            _ => None,
        }
    }
}
