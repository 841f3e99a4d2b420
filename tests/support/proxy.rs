//! A network between a client and its server that gets into trouble at a test's command.

mod pump;
mod sieve;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::pump::{Direction, pump};
use crate::NatsServer;

/// What becomes of what is sent. Connections stand, and new ones are taken, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It arrives.
    Flows,
    /// It arrives so much later, in either direction.
    Late(Duration),
    /// It is held back in both directions, and arrives when that ends.
    Stands,
    /// It is held back on its way to the client only.
    StandsToClient,
    /// Messages to the client whose subject or reply subject contains this are lost.
    LosesToClient(&'static str),
    /// Messages to the server whose subject or reply subject contains this are lost.
    LosesToServer(&'static str),
}

/// A proxy in front of a server, gone when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    orders: watch::Sender<Orders>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    lost: AtomicUsize,
}

/// What a test wants of the connections.
#[derive(Debug, Clone, Copy)]
struct Orders {
    traffic: Traffic,
    /// Connections that were made under an earlier number are reset.
    generation: u64,
    /// Connections that were made under an earlier number end after the bytes in `allowance`.
    cut: u64,
    /// How many more bytes go to the client of a connection that is cut.
    allowance: usize,
}

impl Proxy {
    /// Starts a proxy in front of `server`.
    pub async fn start(server: &NatsServer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port can be bound");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let orders = Orders { traffic: Traffic::Flows, generation: 0, cut: 0, allowance: 0 };
        let orders = watch::Sender::new(orders);
        let counts = Arc::<Counts>::default();
        let task = tokio::spawn(serve(listener, server.port(), orders.subscribe(), Arc::clone(&counts)));
        Self { port, orders, counts, task }
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Changes what becomes of what is sent from here on.
    pub fn set(&self, traffic: Traffic) {
        self.orders.send_modify(|orders| orders.traffic = traffic);
    }

    /// Resets all connections.
    pub fn reset(&self) {
        self.orders.send_modify(|orders| orders.generation += 1);
    }

    /// Ends all connections that stand after so many more bytes to the client, wherever that is in a message.
    pub fn cut_after(&self, bytes: usize) {
        self.orders.send_modify(|orders| {
            orders.cut += 1;
            orders.allowance = bytes;
        });
    }

    /// How many connections were made so far.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::Relaxed)
    }

    /// How many messages were lost so far. That the server has done something says nothing of its answer, which may
    /// still be on its way.
    pub fn lost(&self) -> usize {
        self.counts.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: u16, orders: watch::Receiver<Orders>, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        counts.accepted.fetch_add(1, Ordering::Relaxed);
        connections.spawn(carry(client, server, orders.clone(), Arc::clone(&counts)));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(mut client: TcpStream, server: u16, mut orders: watch::Receiver<Orders>, counts: Arc<Counts>) {
    let first = *orders.borrow_and_update();
    // A server that is away looks to the client as it would without a proxy.
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let is_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let to_client = pump(from_server, to_client, Direction::ToClient, orders.clone(), &counts);
        let to_server = pump(from_client, to_server, Direction::ToServer, orders.clone(), &counts);
        tokio::select! {
            () = to_client => false,
            () = to_server => false,
            order = orders.wait_for(|order| order.generation != first.generation) => order.is_ok(),
        }
    };
    if is_reset {
        for stream in [&client, &server] {
            stream.set_zero_linger().expect("an open socket takes options");
        }
    }
}
