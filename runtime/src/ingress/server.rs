//! Listens, bounds connections, and ends without losing what was taken.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tidegate_producer::Producer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::admission::Admission;
use super::counters::Counters;
use super::description::describe;
use super::entry::{Door, Peer, router};
use super::observe::observe;
use super::patient::Patient;
use super::tokens::{Tokens, TokensError, follow};
use crate::telemetry::metric::Observations;
use crate::topology;

/// The largest head of a request, and what is read of a body at once.
const BUFFER: usize = 64 << 10;

/// How long nothing is accepted after the system could not give us a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What the door of a topology is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the topology says.
    pub ingress: topology::Ingress,
    /// The name of the topology, as the title of the description.
    pub title: String,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// The address is in use, or is not ours.
    #[error("the ingress cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address is not only for this machine, and there are no tokens.
    #[error("the ingress must not listen on `{address}` without tokens: whoever reaches it could publish")]
    OpenToAll {
        /// The address.
        address: SocketAddr,
    },
    /// The tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

/// A door that is there and still closed: clients can connect, and wait.
#[derive(Debug)]
pub struct Bound {
    settings: Settings,
    listener: TcpListener,
    address: SocketAddr,
    tokens: Option<(PathBuf, Tokens)>,
}

/// An HTTP door that takes events until it is stopped.
#[derive(Debug)]
pub struct Ingress {
    producer: Producer,
    counters: Arc<Counters>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl IngressError {
    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => format!(
                "end what listens on port {}, or choose another one: `--ingress {}:0` takes any that is free",
                address.port(),
                address.ip()
            ),
            Self::Listen { .. } => {
                "correct `listen` under [ingress], or choose another address with `--ingress`".to_owned()
            }
            Self::OpenToAll { .. } => {
                "add `tokens` under [ingress], or listen on 127.0.0.1 and put a proxy before it".to_owned()
            }
            Self::Tokens(error) => error.cure(),
        }
    }
}

impl Ingress {
    /// Takes the address, so that what keeps it from us is known before anything else is started.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the tokens cannot be used.
    pub async fn bind(settings: Settings) -> Result<Bound, IngressError> {
        let address = settings.ingress.listen;
        let tokens = match &settings.ingress.tokens {
            None if !address.ip().is_loopback() => return Err(IngressError::OpenToAll { address }),
            None => None,
            Some(path) => Some((path.clone(), Tokens::load(path)?)),
        };
        let unheard = |source| IngressError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        Ok(Bound { settings, listener, address, tokens })
    }

    /// What it counts, for metrics, at any later time.
    pub fn observe(&self) -> impl Fn(&mut Observations) + Send + Sync + 'static {
        let (counters, producer) = (Arc::clone(&self.counters), self.producer.clone());
        move |observations| observe(&counters.snapshot(), &producer.throttled(), observations)
    }

    /// Takes no more connections, and waits until the requests that run are answered. What takes longer than `limit`
    /// is cut off: its events may be stored, and nobody was told that they are.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(limit, &mut self.server).await.is_err() {
            warn!(open = self.counters.snapshot().connections, "requests of the ingress were cut off");
            self.server.abort();
        }
    }
}

impl Bound {
    /// What bounds it.
    pub fn limits(&self) -> &topology::Ingress {
        &self.settings.ingress
    }

    /// Opens it: takes events, and publishes them with `producer`.
    pub fn open(self, producer: Producer) -> Ingress {
        let Self { settings: Settings { ingress, title }, listener, address, tokens } = self;
        let description = Bytes::from(describe(&title, &ingress));
        let (stop, counters) = (CancellationToken::new(), Arc::<Counters>::default());
        let mut background = JoinSet::new();
        let tokens = tokens.map(|(path, tokens)| {
            let (sender, receiver) = watch::channel(Arc::new(tokens));
            background.spawn(follow(path, sender, stop.clone()));
            receiver
        });
        let door = Door {
            admission: Admission::new(tokens, ingress.rate),
            producer: producer.clone(),
            counters: Arc::clone(&counters),
            description,
            max_body: ingress.max_body,
            timeout: ingress.timeout,
            stop: stop.clone(),
        };
        let server = Server {
            router: router(&Arc::new(door), ingress.routes.into_values()),
            connections: Arc::new(Semaphore::new(ingress.max_connections)),
            timeout: ingress.timeout,
            counters: Arc::clone(&counters),
            stop: stop.clone(),
        };
        info!(%address, "the ingress takes events");
        Ingress { producer, counters, stop, server: tokio::spawn(server.serve(listener, background)) }
    }
}

struct Server {
    router: Router,
    connections: Arc<Semaphore>,
    timeout: Duration,
    counters: Arc<Counters>,
    stop: CancellationToken,
}

impl Server {
    /// Serves until it is stopped and all that runs is answered; aborting it cuts off what runs.
    async fn serve(self, listener: TcpListener, mut background: JoinSet<()>) {
        let graceful = GracefulShutdown::new();
        let mut open = JoinSet::new();
        loop {
            // Beyond the limit nothing is accepted: the system keeps who comes, and the client waits.
            let permit = tokio::select! {
                () = self.stop.cancelled() => break,
                permit = Arc::clone(&self.connections).acquire_owned() => permit.expect("it is never closed"),
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
                    warn!(%error, "the ingress cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while let Some(ended) = open.try_join_next() {
                report(ended);
            }
        }
        drop(listener);
        graceful.shutdown().await;
        while let Some(ended) = open.join_next().await {
            report(ended);
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
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.timeout).max_buf_size(BUFFER);
        let patience = self.timeout;
        let open = Open { counters: Arc::clone(&self.counters), _permit: permit };
        async move {
            open.counters.opened();
            // Answers are small: waiting to fill a packet would only delay them.
            drop(socket.set_nodelay(true));
            let socket = Patient::new(socket, patience);
            let connection = http.serve_connection(TokioIo::new(socket), service);
            if let Err(error) = watcher.watch(connection).await {
                debug!(%error, %peer, "a connection of the ingress ended early");
            }
            drop(open);
        }
    }
}

/// A connection that counts while it is open.
struct Open {
    counters: Arc<Counters>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counters.closed();
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a connection of the ingress broke down");
    }
}
