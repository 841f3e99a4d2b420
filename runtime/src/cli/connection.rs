//! The NATS connection of a command: flags, and the private server where the topology wants one.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::nats::{ConnectOptions, Connection, Embedded, Resolved, Target, connect, resolve};
use crate::topology::{Nats, Secret};

/// How to reach NATS. What is left out comes from `NATS_*`, the topology, or the context that the `nats` CLI has
/// selected, in that order.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_field_names, reason = "the names are those of the flags")]
#[command(next_help_heading = "NATS connection (also NATS_URL, NATS_CREDS, …)")]
pub(super) struct NatsArguments {
    /// URLs of one cluster, comma-separated, or `embedded` for a private server.
    #[arg(long, value_name = "URL")]
    nats_url: Option<String>,
    /// A credentials file.
    #[arg(long, value_name = "FILE")]
    nats_creds: Option<PathBuf>,
    /// User name.
    #[arg(long, value_name = "NAME")]
    nats_user: Option<String>,
    /// Password of the user; better given as `NATS_PASSWORD`, since other users of the machine can see flags.
    #[arg(long, value_name = "PASSWORD")]
    nats_password: Option<String>,
    /// A token; better given as `NATS_TOKEN`.
    #[arg(long, value_name = "TOKEN")]
    nats_token: Option<String>,
    /// A file with an nkey seed.
    #[arg(long, value_name = "FILE")]
    nats_nkey: Option<PathBuf>,
    /// Certificates of the authorities to trust besides the system's.
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// The client's certificate.
    #[arg(long, value_name = "FILE")]
    nats_cert: Option<PathBuf>,
    /// The key of the client's certificate.
    #[arg(long, value_name = "FILE")]
    nats_key: Option<PathBuf>,
    /// A context of the `nats` CLI.
    #[arg(long, value_name = "NAME")]
    nats_context: Option<String>,
}

/// A connection, and the private server behind it if there is one.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    resolved: Resolved,
    server: Option<Embedded>,
}

impl NatsArguments {
    /// Connects as flags, environment and topology say; a private server is started only by [`serve`](Self::serve).
    pub(super) async fn connect(&self, nats: &Nats, name: &str) -> Result<Connection, Failure> {
        Ok(connect(&self.resolve(nats)?, name).await?)
    }

    /// Connects, after starting a private server if that is what `url = "embedded"` asks for.
    pub(super) async fn serve(&self, nats: &Nats, name: &str) -> Result<Session, Failure> {
        let resolved = self.resolve(nats)?;
        if resolved.target != Target::Embedded {
            return Ok(Session { connection: connect(&resolved, name).await?, resolved, server: None });
        }
        let server = Embedded::start(None).await?;
        let resolved = Resolved::embedded(server.url())?;
        let connection = connect(&resolved, name).await?;
        Ok(Session { connection, resolved, server: Some(server) })
    }

    fn resolve(&self, nats: &Nats) -> Result<Resolved, Failure> {
        Ok(resolve(&self.options(), &|name| std::env::var(name).ok(), nats)?)
    }

    fn options(&self) -> ConnectOptions {
        let arguments = self.clone();
        ConnectOptions {
            url: arguments.nats_url,
            credentials: arguments.nats_creds,
            user: arguments.nats_user,
            password: arguments.nats_password.map(Secret::new),
            token: arguments.nats_token.map(Secret::new),
            nkey: arguments.nats_nkey,
            ca: arguments.nats_ca,
            certificate: arguments.nats_cert,
            key: arguments.nats_key,
            context: arguments.nats_context,
        }
    }
}

impl Session {
    /// Another connection to the same server, as `name`.
    pub(super) async fn another(&self, name: &str) -> Result<Connection, Failure> {
        Ok(connect(&self.resolved, name).await?)
    }

    /// Ends the private server, if there is one; waits until it has stopped.
    pub(super) fn end(self) {
        let Self { connection, server, .. } = self;
        drop(connection);
        drop(server);
    }
}
