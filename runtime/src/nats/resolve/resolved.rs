//! The connection as it shall be made, with nothing left to decide.

use std::fmt;
use std::path::PathBuf;

use async_nats::ServerAddr;

use crate::nats::ConnectOptions;
use crate::topology::Secret;

/// The connection as it shall be made.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Where to.
    pub target: Target,
    /// Who said so.
    pub origin: Origin,
    /// As whom.
    pub auth: Auth,
    /// Certificates of the authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Whether a connection without TLS is refused.
    pub is_tls_required: bool,
    /// Whether TLS starts before the server says anything.
    pub is_tls_first: bool,
    /// Where replies go, if not to `_INBOX`.
    pub inbox_prefix: Option<String>,
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Servers of one cluster; none of the addresses has a user or a password in it.
    Servers(Vec<ServerAddr>),
    /// A private server that we start: see [`Embedded`](crate::nats::Embedded).
    Embedded,
}

/// As whom to connect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// As nobody.
    #[default]
    Anonymous,
    /// With a file that has a JWT and an nkey seed.
    Credentials(PathBuf),
    /// With a file that has an nkey seed.
    Nkey(PathBuf),
    /// With a token.
    Token(Secret),
    /// With user name and password.
    User(String, Secret),
}

/// Who says something about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The `NATS_…` variables.
    Environment,
    /// The topology file.
    Topology,
    /// A context of the `nats` CLI.
    Context(String),
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Environment => f.write_str("the environment"),
            Self::Topology => f.write_str("the topology"),
            Self::Context(name) => write!(f, "the nats context `{name}`"),
            Self::Default => f.write_str("the default"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str(ConnectOptions::EMBEDDED),
            Self::Servers(servers) => {
                let urls: Vec<&str> = servers.iter().map(ServerAddr::as_url_str).collect();
                f.write_str(&urls.join(","))
            }
        }
    }
}
