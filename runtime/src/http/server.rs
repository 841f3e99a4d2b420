//! Listens, bounds connections, and ends without losing what was taken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::patient::Patient;

/// The largest head of a request, and what is read of a body at once.
const BUFFER: usize = 64 << 10;

/// How long nothing is accepted after the system could not give us a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What bounds the connections of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many may be open at a time; others wait until one closes.
    pub(crate) connections: usize,
    /// How long a client may take to send a request's head, and to read what it is sent.
    pub(crate) timeout: Duration,
}

/// How many connections are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<AtomicUsize>);

/// Serves requests over HTTP/1.1.
pub(crate) struct Server {
    /// What the log calls it.
    pub(crate) name: &'static str,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) connections: Connections,
    pub(crate) stop: CancellationToken,
}

impl Connections {
    /// At this moment.
    pub(crate) fn open(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Server {
    /// Serves until it is stopped and all that runs is answered, then ends `background`; aborting it cuts off what runs.
    pub(crate) async fn serve(self, listener: TcpListener, mut background: JoinSet<()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut open = JoinSet::new();
        loop {
            // Beyond the limit nothing is accepted: the system keeps who comes, and the client waits.
            let permit = tokio::select! {
                () = self.stop.cancelled() => break,
                permit = Arc::clone(&places).acquire_owned() => permit.expect("it is never closed"),
            };
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    open.spawn(self.connection(socket, peer, permit, graceful.watcher()));
                }
                Err(error) => {
                    warn!(%error, "{} cannot accept a connection", self.name);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while let Some(ended) = open.try_join_next() {
                self.report(ended);
            }
        }
        drop(listener);
        graceful.shutdown().await;
        while let Some(ended) = open.join_next().await {
            self.report(ended);
        }
        background.shutdown().await;
    }

    fn connection(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + use<> {
        let routes = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            routes.call(request)
        });
        let (name, patience) = (self.name, self.limits.timeout);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(BUFFER);
        let open = Open::new(self.connections.clone(), permit);
        async move {
            // Answers are small: waiting to fill a packet would only delay them.
            drop(socket.set_nodelay(true));
            let socket = Patient::new(socket, patience);
            let connection = http.serve_connection(TokioIo::new(socket), service);
            if let Err(error) = watcher.watch(connection).await {
                debug!(%error, %peer, "a connection of {name} ended early");
            }
            drop(open);
        }
    }

    fn report(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended {
            error!(%error, "a connection of {} broke down", self.name);
        }
    }
}

/// A connection that counts while it is open.
struct Open {
    connections: Connections,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(connections: Connections, permit: OwnedSemaphorePermit) -> Self {
        connections.0.fetch_add(1, Ordering::Relaxed);
        Self { connections, _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.0.fetch_sub(1, Ordering::Relaxed);
    }
}
