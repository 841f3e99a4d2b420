//! The `nats` CLI's contexts: `context.txt` and `context/{name}.json` under `$XDG_CONFIG_HOME/nats` or `~/.config/nats`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::options::ConnectOptions;
use crate::topology::Secret;

/// A connection that the `nats` CLI knows by name.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Server and credentials.
    pub options: ConnectOptions,
    /// Where replies go, if not to `_INBOX`.
    pub inbox_prefix: Option<String>,
    /// Whether TLS starts before the server says anything.
    pub is_tls_first: bool,
}

/// Why a context cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// There is no file for it.
    #[error("the nats context `{name}` cannot be read from `{}`", path.display())]
    Read {
        /// The context.
        name: String,
        /// Where it should be.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// Its file is not what the `nats` CLI writes.
    #[error("the nats context in `{}` is not valid", path.display())]
    Parse {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It uses something that we cannot do.
    #[error("the nats context `{name}` sets `{key}`, which tidegate does not support")]
    Unsupported {
        /// The context.
        name: String,
        /// The key in its file.
        key: &'static str,
    },
    /// Its name would lead out of the directory of contexts.
    #[error("`{name}` cannot be the name of a nats context")]
    Name {
        /// The name.
        name: String,
    },
}

/// The context that `nats context select` chose last, if there is one.
pub fn selected(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Context>, ContextError> {
    let Some(directory) = directory(env) else {
        return Ok(None);
    };
    let Ok(selected) = std::fs::read_to_string(directory.join("context.txt")) else {
        return Ok(None);
    };
    match selected.trim() {
        "" => Ok(None),
        name => read(&directory, name, env).map(Some),
    }
}

/// The context of this name.
pub fn named(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Context, ContextError> {
    let directory = directory(env).unwrap_or_default();
    read(&directory, name, env)
}

/// The keys of a context file that we know; an empty text means that a key is not set.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    url: String,
    token: String,
    user: String,
    password: String,
    creds: PathBuf,
    nkey: PathBuf,
    cert: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    inbox_prefix: String,
    tls_first: bool,
    nsc: String,
    jetstream_domain: String,
    jetstream_api_prefix: String,
    socks_proxy: String,
    user_jwt: String,
}

fn directory(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let config = env("XDG_CONFIG_HOME")
        .filter(|directory| !directory.is_empty())
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(config.join("nats"))
}

fn read(directory: &Path, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Context, ContextError> {
    if name.contains(['/', '\\']) || name.contains("..") {
        return Err(ContextError::Name { name: name.to_owned() });
    }
    let path = directory.join("context").join(format!("{name}.json"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => {
            return Err(ContextError::Read { name: name.to_owned(), path, source });
        }
    };
    let file: File = serde_json::from_str(&text).map_err(|source| ContextError::Parse { path, source })?;
    file.into_context(name, env)
}

impl File {
    fn into_context(self, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Context, ContextError> {
        let unsupported = [
            ("nsc", &self.nsc),
            ("jetstream_domain", &self.jetstream_domain),
            ("jetstream_api_prefix", &self.jetstream_api_prefix),
            ("socks_proxy", &self.socks_proxy),
            ("user_jwt", &self.user_jwt),
        ];
        if let Some((key, _)) = unsupported.into_iter().find(|(_, value)| !value.is_empty()) {
            return Err(ContextError::Unsupported { name: name.to_owned(), key });
        }

        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let path = |path: PathBuf| {
            Some(path).filter(|path| !path.as_os_str().is_empty()).map(|path| expand(path, env))
        };
        Ok(Context {
            name: name.to_owned(),
            options: ConnectOptions {
                url: text(self.url),
                credentials: path(self.creds),
                user: text(self.user),
                password: text(self.password).map(Secret::new),
                token: text(self.token).map(Secret::new),
                nkey: path(self.nkey),
                ca: path(self.ca),
                certificate: path(self.cert),
                key: path(self.key),
                context: None,
            },
            inbox_prefix: text(self.inbox_prefix),
            is_tls_first: self.tls_first,
        })
    }
}

/// Replaces a leading `~`, as the `nats` CLI does.
fn expand(path: PathBuf, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    match (path.strip_prefix("~"), env("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_context(json: &str) -> Result<Option<Context>, ContextError> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = home.path().join(".config/nats/context");
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        std::fs::write(directory.join("../context.txt"), "prod\n").expect("a file can be written");
        std::fs::write(directory.join("prod.json"), json).expect("a file can be written");
        let home = home.path().display().to_string();

        selected(&move |name| (name == "HOME").then(|| home.clone()))
    }

    #[test]
    fn reads_the_selected_context() {
        let context = with_context(
            r#"{"description": "", "url": "tls://nats:4222", "creds": "~/prod.creds", "user": "", "tls_first": true}"#,
        )
        .expect("the context is valid")
        .expect("one is selected");

        assert_eq!(context.options.url.as_deref(), Some("tls://nats:4222"));
        assert!(context.options.credentials.expect("it names a file").ends_with("prod.creds"));
        assert_eq!(context.options.user, None);
        assert!(context.is_tls_first);
    }

    #[test]
    fn names_what_it_cannot_do() {
        let refused = with_context(r#"{"url": "nats://nats", "nsc": "nsc://o/a/u"}"#);

        assert!(matches!(refused, Err(ContextError::Unsupported { key: "nsc", .. })), "{refused:?}");
    }

    #[test]
    fn nothing_selected_is_no_error() {
        assert!(selected(&|_| None).expect("nothing to read").is_none());
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        assert!(matches!(named("../../etc/passwd", &|_| None), Err(ContextError::Name { .. })));
    }
}
