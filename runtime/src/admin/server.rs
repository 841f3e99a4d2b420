//! Opens the endpoint, and knows what it is to tell of.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use super::access::{self, Access};
use super::health::{self, Verdict};
use super::view::TopologyView;
use super::{control, description, inspect, metrics};
use crate::engine::Watch;
use crate::http::{Code, Connections, Guard, Limits, Problem, Server, Tokens, TokensError, follow};
use crate::nats::Connection;
use crate::port::Controls;
use crate::telemetry::metric::Exposition;
use crate::topology::Topology;

/// What the log calls it.
const NAME: &str = "the admin endpoint";

/// What bounds it: operators and their machines are few.
const LIMITS: Limits = Limits { connections: 64, timeout: Duration::from_secs(10) };

/// Where the endpoint is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port 0 is any free one; the log tells which.
    pub listen: SocketAddr,
    /// The file with the hashes of the tokens.
    pub tokens: Option<PathBuf>,
}

/// A topology at work.
pub struct Subject {
    pub(super) topology: TopologyView,
    pub(super) watch: Watch,
    pub(super) connections: Vec<Connection>,
    pub(super) controls: Arc<dyn Controls>,
}

/// An open endpoint; closed when dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    core: Arc<Core>,
    stop: CancellationToken,
    _server: AbortOnDropHandle<()>,
}

/// What all requests share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) access: Access,
    pub(super) exposition: Exposition,
    subject: OnceLock<Subject>,
    phase: watch::Sender<Phase>,
    verdict: watch::Sender<Verdict>,
}

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Working,
    Draining,
}

/// Why the endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is in use, or is not ours.
    #[error("the admin endpoint cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address is not only for this machine, and there are no tokens.
    #[error(
        "the admin endpoint must not listen on `{address}` without tokens: it tells which entities there are"
    )]
    OpenToAll {
        /// The address.
        address: SocketAddr,
    },
    /// The tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

impl Admin {
    /// Listens, and is not ready before it [attends](Self::attend) something.
    ///
    /// # Errors
    /// When the address cannot be listened on, is open to others without tokens, or the tokens cannot be used.
    pub async fn open(settings: Settings, exposition: Exposition) -> Result<Self, AdminError> {
        let Settings { listen: address, tokens } = settings;
        if tokens.is_none() && !address.ip().is_loopback() {
            return Err(AdminError::OpenToAll { address });
        }
        let failed = |source| AdminError::Listen { address, source };
        let (stop, mut background) = (CancellationToken::new(), JoinSet::new());
        let tokens = match tokens {
            None => None,
            Some(path) => {
                let (sender, receiver) = watch::channel(Arc::new(Tokens::load(&path)?));
                background.spawn(follow(NAME, path, sender, stop.clone()));
                Some(receiver)
            }
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let core = Arc::new(Core {
            access: Access::new(Guard::new(tokens), address.ip().is_loopback()),
            exposition,
            subject: OnceLock::new(),
            phase: watch::Sender::new(Phase::Starting),
            verdict: watch::Sender::new(Verdict { reasons: Phase::Starting.reasons(), at: Instant::now() }),
        });
        background.spawn(health::keep(Arc::clone(&core)));
        let server = Server {
            name: NAME,
            router: router(&core),
            limits: LIMITS,
            connections: Connections::default(),
            stop: stop.clone(),
        };
        let server = AbortOnDropHandle::new(tokio::spawn(server.serve(listener, background)));
        info!(%address, "admin endpoint is open, GET /openapi.json tells what it answers");
        Ok(Self { address, core, stop, _server: server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on it tells of this; it is ready when that is. Only the first call counts.
    pub fn attend(&self, subject: Subject) {
        let is_first = self.core.subject.set(subject).is_ok();
        if is_first {
            let verdict = Verdict { reasons: Vec::new(), at: Instant::now() };
            self.core.verdict.send_replace(verdict);
            self.core.phase.send_replace(Phase::Working);
        }
    }

    /// From here on it is not ready, since what it attends drains.
    pub fn drain(&self) {
        self.core.phase.send_replace(Phase::Draining);
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Subject {
    /// This topology, watched there, over these connections; `controls` say what its actors may do.
    pub fn new(
        topology: &Topology,
        instance: &str,
        watch: Watch,
        connections: Vec<Connection>,
        controls: Arc<dyn Controls>,
    ) -> Self {
        Self { topology: TopologyView::of(topology, instance), watch, connections, controls }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("topology", &self.topology).finish_non_exhaustive()
    }
}

impl AdminError {
    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                let any = SocketAddr::new(address.ip(), 0);
                format!(
                    "another process has the port, perhaps another instance: give this one another port, any free one \
                     with `--admin {any}`, or none with `--admin off`"
                )
            }
            Self::Listen { .. } => {
                "give it another address with `[admin] listen` or `--admin`, or none with `--admin off`"
                    .to_owned()
            }
            Self::OpenToAll { .. } => {
                "add `tokens` under [admin], or listen on 127.0.0.1 and put a proxy before it".to_owned()
            }
            Self::Tokens(error) => error.cure(),
        }
    }
}

impl Core {
    pub(super) fn subject(&self) -> Option<&Subject> {
        self.subject.get()
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict.borrow().clone()
    }

    pub(super) fn set_verdict(&self, verdict: Verdict) {
        self.verdict.send_replace(verdict);
    }
}

impl Phase {
    /// Why this alone keeps us from being ready.
    pub(super) fn reasons(self) -> Vec<String> {
        match self {
            Self::Starting => vec!["the topology is being started".to_owned()],
            Self::Draining => vec!["this instance drains".to_owned()],
            Self::Working => Vec::new(),
        }
    }
}

fn router(core: &Arc<Core>) -> Router {
    let open = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::is_ready))
        .route("/metrics", get(metrics::text))
        .route("/openapi.json", get(description::serve));
    let guarded = Router::new()
        .route("/api/v1/topology", get(inspect::topology))
        .route("/api/v1/actors", get(inspect::actors))
        .route("/api/v1/alerts", get(inspect::alerts))
        .route("/api/v1/actors/{actor}", get(inspect::actor))
        .route("/api/v1/actors/{actor}/partitions/{partition}", get(inspect::partition))
        .route_layer(from_fn_with_state(Arc::clone(core), access::look));
    let changing = Router::new()
        .route("/api/v1/actors/{actor}/pause", post(control::pause))
        .route("/api/v1/actors/{actor}/resume", post(control::resume))
        .route("/api/v1/actors/{actor}/drain", post(control::drain));
    let paths = open.merge(guarded).merge(changing).fallback(nowhere).method_not_allowed_fallback(not_so);
    paths.with_state(Arc::clone(core))
}

fn nowhere() -> Ready<Response<Body>> {
    ready(Problem::new(Code::NotFound, "there is no such path; see /openapi.json").respond())
}

fn not_so() -> Ready<Response<Body>> {
    let detail = "this path does not take the method; see /openapi.json";
    ready(Problem::new(Code::MethodNotAllowed, detail).respond())
}
