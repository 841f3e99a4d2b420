//! A private Prometheus, which scrapes and warns as the files of `deploy/prometheus` say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::{Client, Url};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::{PATIENCE, eventually};

/// A Prometheus of one test, ended when dropped.
///
/// The program is `$PROMETHEUS`, or the one that `./dev test` put into `.tools/`, or the one on `PATH`.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    _directory: TempDir,
    client: Client,
    address: String,
}

impl Prometheus {
    /// Starts one with this configuration and these rules, as `rules/tidegate.yml` beside it; returns when it answers.
    ///
    /// `None` when `$PROMETHEUS` is `none`: whoever runs the tests does without.
    pub async fn start(config: &str, rules: &str) -> Option<Self> {
        let program = program()?;
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path();
        fs::create_dir(path.join("rules")).expect("a directory can be made");
        fs::write(path.join("prometheus.yml"), config).expect("the configuration can be written");
        fs::write(path.join("rules/tidegate.yml"), rules).expect("the rules can be written");
        let mut command = Command::new(program);
        command.arg("--config.file").arg(path.join("prometheus.yml"));
        command.arg("--storage.tsdb.path").arg(path.join("data"));
        command.args(["--web.listen-address", "127.0.0.1:0"]).stdout(Stdio::null());
        let process = Process::spawn("prometheus", &mut command, &path.join("log")).unwrap_or_else(|error| {
            panic!("cannot run `{}`: {error}; see `./dev help`", command.get_program().display())
        });

        let line = process.wait_for_log("Listening on").await;
        let (_, address) = line.split_once("address=").expect("the line names the address");
        let address = address.split_whitespace().next().unwrap_or_default().to_owned();
        // Errors mean that another test has installed the same provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let prometheus = Self { _process: process, _directory: directory, client, address };
        eventually(PATIENCE, async || prometheus.api("status/config", &[]).await.is_ok()).await;
        Some(prometheus)
    }

    /// The series that an expression gives, each with its `metric` and `value`.
    ///
    /// # Errors
    /// Tells why the expression is refused.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let answer = self.api("query", &[("query", expression)]).await?;
        match &answer["data"]["result"] {
            Value::Array(series) => Ok(series.clone()),
            other => Err(format!("`{expression}` gives {other}")),
        }
    }

    /// The value of the one series that an expression gives; `None` when it gives none.
    ///
    /// # Panics
    /// When the expression is refused, or gives more than one.
    pub async fn number(&self, expression: &str) -> Option<f64> {
        let series = self.query(expression).await.unwrap_or_else(|error| panic!("`{expression}`: {error}"));
        assert!(series.len() < 2, "`{expression}` gives {series:?}");
        series.first()?["value"][1].as_str()?.parse().ok()
    }

    /// The alerting rules as Prometheus has read them.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn rules(&self) -> Vec<Value> {
        let answer = self.api("rules", &[]).await.expect("an answer");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let url = Url::parse_with_params(&url, parameters).expect("a URL");
        let answer = self.client.get(url).send().await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|_| text.clone())?;
        if answer["status"] == "success" { Ok(answer) } else { Err(text) }
    }
}

/// The Prometheus that tests use; `None` when they are to do without.
fn program() -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/prometheus");
    match env::var_os("PROMETHEUS") {
        Some(none) if none == "none" => None,
        Some(program) => Some(program.into()),
        None if fetched.exists() => Some(fetched),
        None => Some("prometheus".into()),
    }
}
