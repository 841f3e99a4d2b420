//! Listens, and answers for as long as it is kept.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::metrics;
use crate::telemetry::metric::Exposition;

/// An open endpoint; closed when dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

/// Why the endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the admin endpoint cannot listen on `{address}`")]
pub struct AdminError {
    address: SocketAddr,
    source: io::Error,
}

impl Admin {
    /// Listens on `address`; port 0 is any free one. The log tells where.
    pub async fn open(address: SocketAddr, exposition: Exposition) -> Result<Self, AdminError> {
        let failed = |source| AdminError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = router(exposition);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                warn!(%error, "the admin endpoint has closed");
            }
        });
        info!(%address, "admin endpoint is open: GET /metrics");
        Ok(Self { address, _server: AbortOnDropHandle::new(server) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl AdminError {
    /// What to do about it.
    pub fn cure(&self) -> String {
        if self.source.kind() != io::ErrorKind::AddrInUse {
            return "give it another address with `[admin] listen` or `--admin`, or none with `--admin off`"
                .to_owned();
        }
        let any = SocketAddr::new(self.address.ip(), 0);
        format!(
            "another process has the port, perhaps another instance: give this one another port, any free one with \
             `--admin {any}`, or none with `--admin off`"
        )
    }
}

fn router(exposition: Exposition) -> Router {
    Router::new().route("/metrics", get(metrics::text)).with_state(exposition)
}
