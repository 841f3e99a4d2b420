//! Opens the door, and closes it without losing what was taken.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_producer::Producer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::admission::Admission;
use super::counters::Counters;
use super::description::describe;
use super::entry::{Door, router};
use super::observe::observe;
use crate::http::{Connections, Guard, Limits, Server, Tokens, TokensError, follow};
use crate::telemetry::metric::Observations;
use crate::topology;

/// What the log calls it.
const NAME: &str = "the ingress";

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
    connections: Connections,
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
        let connections = self.connections.clone();
        move |observations| {
            observe(&counters.snapshot(), connections.open(), &producer.throttled(), observations);
        }
    }

    /// Takes no more connections, and waits until the requests that run are answered. What takes longer than `limit`
    /// is cut off: its events may be stored, and nobody was told that they are.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(limit, &mut self.server).await.is_err() {
            warn!(open = self.connections.open(), "requests of the ingress were cut off");
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
            background.spawn(follow(NAME, path, sender, stop.clone()));
            receiver
        });
        let door = Door {
            admission: Admission::new(Guard::new(tokens), ingress.rate),
            producer: producer.clone(),
            counters: Arc::clone(&counters),
            description,
            max_body: ingress.max_body,
            timeout: ingress.timeout,
            stop: stop.clone(),
        };
        let connections = Connections::default();
        let server = Server {
            name: NAME,
            router: router(&Arc::new(door), ingress.routes.into_values()),
            limits: Limits { connections: ingress.max_connections, timeout: ingress.timeout },
            connections: connections.clone(),
            stop: stop.clone(),
        };
        info!(%address, "the ingress takes events");
        let server = tokio::spawn(server.serve(listener, background));
        Ingress { producer, counters, connections, stop, server }
    }
}
