//! Connects and checks what is there.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use async_nats::ConnectErrorKind;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{AccountError, AccountErrorKind, ContextBuilder};
use tokio::time::timeout;
use tracing::{info, warn};

use super::login::options;
use super::{ConnectError, Connection, REQUEST_TIMEOUT};
use crate::nats::link::Watcher;
use crate::nats::{Auth, Resolved, Target, election};

/// How long we try to connect at the start.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The wait between two attempts at the start.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The oldest server that has what we use.
pub(super) const OLDEST_SERVER: (i64, i64) = (2, 11);

/// Connects, trying again for [`CONNECT_TIMEOUT`] while no server answers, and checks what is there.
///
/// `name` is what the server calls us in its reports: [`names::client`](crate::nats::names::client).
///
/// # Cancel safety
/// A cancelled call leaves nothing behind.
pub async fn connect(resolved: &Resolved, name: &str) -> Result<Connection, ConnectError> {
    let Target::Servers(servers) = &resolved.target else {
        return Err(ConnectError::NotStarted);
    };
    let watcher = Watcher::new();
    let options = options(resolved, name, &watcher).await?;
    let started = Instant::now();
    let client = loop {
        let failure = match options.clone().connect(servers.as_slice()).await {
            Ok(client) => break client,
            Err(failure) => failure,
        };
        let target = resolved.target.clone();
        match failure.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                return Err(ConnectError::Denied { target, auth: resolved.auth.describe(), source: failure });
            }
            ConnectErrorKind::Tls => {
                return Err(ConnectError::Tls { target, source: failure });
            }
            ConnectErrorKind::Io if is_tls_failure(&failure) => {
                return Err(ConnectError::Tls { target, source: failure });
            }
            _ if started.elapsed() >= CONNECT_TIMEOUT => {
                let (origin, waited) = (resolved.origin.clone(), started.elapsed());
                return Err(ConnectError::Unreachable { target, origin, waited, source: failure });
            }
            _ => {
                info!(server = %target, error = %failure, "no nats server yet, trying again");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    };
    let jetstream =
        ContextBuilder::new().timeout(REQUEST_TIMEOUT).ack_timeout(REQUEST_TIMEOUT).build(client.clone());
    let connection = Connection { client, jetstream, watcher };
    check(&connection, &resolved.target).await?;
    // The client tells of its events a little later; who counts connections must not see the first one come.
    let mut link = connection.link();
    if timeout(REQUEST_TIMEOUT, link.wait_for(|link| link.connects > 0)).await.is_err() {
        warn!("the client does not tell that it is connected");
    }
    Ok(connection)
}

impl Auth {
    fn describe(&self) -> &'static str {
        match self {
            Self::Anonymous => "without credentials",
            Self::Credentials(_) => "with this credentials file",
            Self::Nkey(_) => "with this nkey",
            Self::Token(_) => "with this token",
            Self::User(..) => "with this user and password",
        }
    }
}

/// Whether the server can do what we need.
async fn check(connection: &Connection, target: &Target) -> Result<(), ConnectError> {
    let server = connection.client.server_info();
    if !connection.client.is_server_compatible(OLDEST_SERVER.0, OLDEST_SERVER.1, 0) {
        return Err(ConnectError::OldServer { target: target.clone(), version: server.version });
    }
    let version = server.version;
    let Err(failure) = query_account(connection).await else {
        info!(server = %target, version, "nats server with jetstream");
        return Ok(());
    };
    let scope = match failure.kind() {
        AccountErrorKind::JetStreamUnavailable => "on the server",
        AccountErrorKind::JetStream(refused) => match refused.error_code() {
            ErrorCode::JETSTREAM_NOT_ENABLED => "on the server",
            _ => "for our account",
        },
        _ => {
            // Not being allowed to ask about the account does not keep us from working.
            warn!(server = %target, version, error = %failure, "jetstream tells nothing about our account");
            return Ok(());
        }
    };
    Err(ConnectError::NoJetStream { target: target.clone(), scope })
}

/// Asks about our account, and again while a cluster elects who answers.
async fn query_account(connection: &Connection) -> Result<(), AccountError> {
    let started = Instant::now();
    loop {
        let Err(failure) = connection.jetstream.query_account().await else { return Ok(()) };
        match failure.kind() {
            AccountErrorKind::JetStream(refused)
                if election::is_under_way(&refused) && started.elapsed() < election::LONGEST =>
            {
                info!(error = %failure, "jetstream is not ready, asking again");
                tokio::time::sleep(election::ASK_AGAIN).await;
            }
            _ => return Err(failure),
        }
    }
}

/// Whether the handshake failed, which no later attempt cures: the TLS library reports it as bad data.
fn is_tls_failure(failure: &async_nats::ConnectError) -> bool {
    let source = failure.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidData)
}
