//! Turns what was decided into the client's options: who we are, and how TLS is done.

use std::io;
use std::path::Path;
use std::time::Duration;

use async_nats::Event;

use super::{ConnectError, REQUEST_TIMEOUT};
use crate::nats::link::Watcher;
use crate::nats::{Auth, Resolved};

/// How often we ask whether the server is still there; the connection ends when three answers are missing. A server of
/// a cluster that hangs keeps us from the others for so long.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// How many messages a subscription holds before the client drops some: more than any shard asks for.
const SUBSCRIPTION_CAPACITY: usize = 131_072;

/// The options for a client that tells `watcher` what happens.
pub(super) async fn options(
    resolved: &Resolved,
    name: &str,
    watcher: &Watcher,
) -> Result<async_nats::ConnectOptions, ConnectError> {
    let observer = watcher.clone();
    let mut options = async_nats::ConnectOptions::new()
        .name(name)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .connection_timeout(REQUEST_TIMEOUT)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .event_callback(move |event: Event| {
            observer.observe(&event);
            std::future::ready(())
        });
    if resolved.is_tls_required {
        options = options.require_tls(true);
    }
    if resolved.is_tls_first {
        options = options.tls_first();
    }
    if let Some(ca) = &resolved.ca {
        tokio::fs::read(ca).await.map_err(unusable("authority", ca))?;
        options = options.add_root_certificates(ca.clone());
    }
    if let Some((certificate, key)) = &resolved.certificate {
        tokio::fs::read(certificate).await.map_err(unusable("certificate", certificate))?;
        tokio::fs::read(key).await.map_err(unusable("key", key))?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    if let Some(prefix) = &resolved.inbox_prefix {
        options = options.custom_inbox_prefix(prefix);
    }
    authenticate(options, &resolved.auth).await
}

async fn authenticate(
    options: async_nats::ConnectOptions,
    auth: &Auth,
) -> Result<async_nats::ConnectOptions, ConnectError> {
    Ok(match auth {
        Auth::Anonymous => options,
        Auth::Credentials(path) => {
            options.credentials_file(path).await.map_err(unusable("credentials", path))?
        }
        Auth::Nkey(path) => {
            let seed = tokio::fs::read_to_string(path).await.map_err(unusable("nkey", path))?;
            options.nkey(seed.trim().to_owned())
        }
        Auth::Token(token) => options.token(token.expose().to_owned()),
        Auth::User(user, password) => options.user_and_password(user.clone(), password.expose().to_owned()),
    })
}

fn unusable(kind: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ConnectError {
    let path = path.to_owned();
    move |source| ConnectError::File { kind, path, source }
}
