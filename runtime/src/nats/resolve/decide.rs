//! Puts together what flags, environment, topology and context say.

use super::target::target;
use super::{Auth, Origin, ResolveError, Resolved, Target};
use crate::nats::ConnectOptions;
use crate::nats::context::{self, Context, ContextError};
use crate::topology::Nats;

/// Where we connect to if nobody says anything.
const DEFAULT_URL: &str = "nats://127.0.0.1:4222";

/// Decides how to connect, each setting by who comes first: `flags`, the `NATS_…` variables, the topology, and, if
/// none of them names a server, the context that the `nats` CLI has selected.
///
/// A context that is called by name counts as said by whoever called it. Of several ways to authenticate the first
/// place to name one decides, so that a password in the environment does not go along with a token on the command line.
pub fn resolve(
    flags: &ConnectOptions,
    env: &dyn Fn(&str) -> Option<String>,
    topology: &Nats,
) -> Result<Resolved, ResolveError> {
    let layers = layers(flags, env, topology)?;
    let (target, user, origin) = match first(&layers, |options| options.url.as_deref()) {
        Some((url, layer)) => {
            let (target, user) =
                target(url).map_err(|source| ResolveError::Url { origin: layer.origin.clone(), source })?;
            (target, user, layer.origin.clone())
        }
        None => (target(DEFAULT_URL).expect("the default url is valid").0, Auth::Anonymous, Origin::Default),
    };
    let auth = match auth(&layers)? {
        _ if target == Target::Embedded => Auth::Anonymous,
        Auth::Anonymous => user,
        auth => auth,
    };
    let certificate = match (
        first(&layers, |options| options.certificate.clone()),
        first(&layers, |options| options.key.clone()),
    ) {
        (Some((certificate, _)), Some((key, _))) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(ResolveError::HalfCertificate),
    };
    Ok(Resolved {
        target,
        origin,
        auth,
        ca: first(&layers, |options| options.ca.clone()).map(|(ca, _)| ca),
        certificate,
        is_tls_required: topology.tls.required,
        is_tls_first: layers.iter().any(|layer| layer.is_tls_first),
        inbox_prefix: layers.iter().find_map(|layer| layer.inbox_prefix.clone()),
    })
}

impl Resolved {
    /// The connection to a private server at `url`, such as [`Embedded::url`](crate::nats::Embedded::url).
    ///
    /// # Errors
    /// When `url` is none.
    pub fn embedded(url: &str) -> Result<Self, ResolveError> {
        let flags = ConnectOptions { url: Some(url.to_owned()), ..ConnectOptions::default() };
        resolve(&flags, &|_| None, &Nats::default())
    }
}

/// What one place says, and what only contexts say.
#[derive(Debug)]
struct Layer {
    origin: Origin,
    options: ConnectOptions,
    inbox_prefix: Option<String>,
    is_tls_first: bool,
}

impl Layer {
    fn new(origin: Origin, options: ConnectOptions) -> Self {
        Self { origin, options, inbox_prefix: None, is_tls_first: false }
    }
}

impl From<Context> for Layer {
    fn from(context: Context) -> Self {
        let Context { name, options, inbox_prefix, is_tls_first } = context;
        Self { origin: Origin::Context(name), options, inbox_prefix, is_tls_first }
    }
}

fn layers(
    flags: &ConnectOptions,
    env: &dyn Fn(&str) -> Option<String>,
    topology: &Nats,
) -> Result<Vec<Layer>, ContextError> {
    let said = [
        Layer::new(Origin::Flag, flags.clone()),
        Layer::new(Origin::Environment, ConnectOptions::from_env(env)),
        Layer::new(Origin::Topology, topology.into()),
    ];
    let mut layers = Vec::new();
    for layer in said {
        let called = layer.options.context.as_deref().map(|name| context::named(name, env)).transpose()?;
        layers.push(layer);
        layers.extend(called.map(Layer::from));
    }
    if first(&layers, |options| options.url.as_deref()).is_none() {
        layers.extend(context::selected(env)?.map(Layer::from));
    }
    Ok(layers)
}

fn first<'a, T>(
    layers: &'a [Layer],
    pick: impl Fn(&'a ConnectOptions) -> Option<T>,
) -> Option<(T, &'a Layer)> {
    layers.iter().find_map(|layer| pick(&layer.options).map(|picked| (picked, layer)))
}

fn auth(layers: &[Layer]) -> Result<Auth, ResolveError> {
    for Layer { origin, options, .. } in layers {
        if let Some(path) = &options.credentials {
            return Ok(Auth::Credentials(path.clone()));
        }
        if let Some(path) = &options.nkey {
            return Ok(Auth::Nkey(path.clone()));
        }
        if let Some(token) = &options.token {
            return Ok(Auth::Token(token.clone()));
        }
        if let Some(user) = &options.user {
            return match first(layers, |options| options.password.clone()) {
                Some((password, _)) => Ok(Auth::User(user.clone(), password)),
                None => Err(ResolveError::Password { origin: origin.clone(), user: user.clone() }),
            };
        }
    }
    Ok(Auth::Anonymous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Secret, Server};

    fn env<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn topology(url: &str) -> Nats {
        Nats { server: Server::Url(url.to_owned()), ..Nats::default() }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_topology() {
        let flags = ConnectOptions { url: Some("nats://flag:1".to_owned()), ..ConnectOptions::default() };
        let variables = [("NATS_URL", "nats://env:1")];

        let by_flag = resolve(&flags, &env(&variables), &topology("nats://file:1")).expect("it is valid");
        let by_env = resolve(&ConnectOptions::default(), &env(&variables), &topology("nats://file:1"))
            .expect("it is valid");
        let by_file =
            resolve(&ConnectOptions::default(), &env(&[]), &topology("nats://file:1")).expect("it is valid");

        assert_eq!((by_flag.target.to_string().as_str(), by_flag.origin), ("nats://flag:1", Origin::Flag));
        assert_eq!(
            (by_env.target.to_string().as_str(), by_env.origin),
            ("nats://env:1", Origin::Environment)
        );
        assert_eq!(
            (by_file.target.to_string().as_str(), by_file.origin),
            ("nats://file:1", Origin::Topology)
        );
    }

    #[test]
    fn without_any_word_it_is_the_local_server() {
        let resolved = resolve(&ConnectOptions::default(), &env(&[]), &Nats::default()).expect("it is valid");

        assert_eq!((resolved.target.to_string().as_str(), resolved.origin), (DEFAULT_URL, Origin::Default));
    }

    #[test]
    fn the_first_place_to_name_a_way_to_authenticate_decides() {
        let flags = ConnectOptions { token: Some(Secret::new("t")), ..ConnectOptions::default() };
        let variables = [("NATS_USER", "u"), ("NATS_PASSWORD", "p")];

        let by_flag = resolve(&flags, &env(&variables), &Nats::default()).expect("it is valid");
        let by_env =
            resolve(&ConnectOptions::default(), &env(&variables), &Nats::default()).expect("it is valid");

        assert_eq!(by_flag.auth, Auth::Token(Secret::new("t")));
        assert_eq!(by_env.auth, Auth::User("u".to_owned(), Secret::new("p")));
    }

    #[test]
    fn a_user_needs_a_password_from_anywhere() {
        let flags = ConnectOptions { user: Some("u".to_owned()), ..ConnectOptions::default() };

        let with = resolve(&flags, &env(&[("NATS_PASSWORD", "p")]), &Nats::default()).expect("it is valid");
        let without = resolve(&flags, &env(&[]), &Nats::default());

        assert_eq!(with.auth, Auth::User("u".to_owned(), Secret::new("p")));
        assert!(matches!(without, Err(ResolveError::Password { .. })), "{without:?}");
    }

    #[test]
    fn embedded_takes_no_credentials() {
        let topology = Nats { server: Server::Embedded, ..Nats::default() };

        let resolved = resolve(&ConnectOptions::default(), &env(&[("NATS_TOKEN", "t")]), &topology)
            .expect("it is valid");

        assert_eq!((resolved.target, resolved.auth), (Target::Embedded, Auth::Anonymous));
    }

    #[test]
    fn the_selected_context_counts_only_if_nobody_names_a_server() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = home.path().join("nats/context");
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        std::fs::write(home.path().join("nats/context.txt"), "prod").expect("a file can be written");
        std::fs::write(directory.join("prod.json"), r#"{"url": "nats://prod:1", "token": "t"}"#)
            .expect("a file can be written");
        let config = home.path().display().to_string();
        let variables = [("XDG_CONFIG_HOME", config.as_str())];

        let alone =
            resolve(&ConnectOptions::default(), &env(&variables), &Nats::default()).expect("it is valid");
        let beside = resolve(&ConnectOptions::default(), &env(&variables), &topology("nats://file:1"))
            .expect("it is valid");
        let called = ConnectOptions { context: Some("prod".to_owned()), ..ConnectOptions::default() };
        let called = resolve(&called, &env(&variables), &topology("nats://file:1")).expect("it is valid");

        assert_eq!(alone.origin, Origin::Context("prod".to_owned()));
        assert_eq!(alone.auth, Auth::Token(Secret::new("t")));
        assert_eq!((beside.target.to_string().as_str(), beside.auth), ("nats://file:1", Auth::Anonymous));
        assert_eq!(called.target.to_string(), "nats://prod:1");
    }
}
