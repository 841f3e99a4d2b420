//! Does what `docs/tutorial.md` says, block by block.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{NatsServer, Otlp, PATIENCE, Process, Signal, eventually, read_stream};
use tempfile::TempDir;

use crate::operations::{repository, text};

/// How long a build may take: the dependencies are there, the runtime may have to be compiled without its planted bugs.
const BUILD: Duration = Duration::from_mins(30);

const DEAD_LETTERS: &str = "hotel-dead-letters";

/// A fenced block of the page that something is done with.
#[derive(Debug)]
enum Block {
    /// `file=…`: a file, relative to the reader's directory.
    File(String, String),
    /// `sh`: commands that end by themselves.
    Commands(String),
    /// `sh terminal=…`: what takes the place of whatever ran in the first terminal before.
    Runs(String),
    /// `text`: lines that the commands have printed.
    Printed(String),
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for fenced in page.split("\n```").skip(1).step_by(2) {
        let (info, body) = fenced.split_once('\n').expect("a block has a first line");
        let body = format!("{body}\n");
        let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
        blocks.push(match (language, rest.split_once('=')) {
            (_, Some(("file", path))) => Block::File(path.to_owned(), body),
            ("sh", Some(("terminal", _))) => Block::Runs(body),
            ("sh", None) => Block::Commands(body),
            ("text", None) => Block::Printed(body),
            ("console", None) => continue,
            _ => panic!("what is to be done with a block `{info}`?"),
        });
    }
    blocks
}

/// The reader: an empty directory, a `tidegate` on the path, a broker and a collector.
struct Reader {
    directory: TempDir,
    server: NatsServer,
    collector: Otlp,
    terminal: Option<Process>,
    printed: String,
}

impl Reader {
    async fn sit_down() -> Self {
        // Below the workspace, so that its lock file and what it has compiled are used.
        let target = repository("target");
        fs::create_dir_all(&target).expect("target/ can be made");
        let directory = tempfile::Builder::new().prefix("tutorial-").tempdir_in(target).expect("a directory");
        fs::create_dir(directory.path().join("bin")).expect("a directory");
        let program = Path::new(env!("CARGO_BIN_EXE_tidegate-fixture"));
        symlink(program, directory.path().join("bin/tidegate")).expect("a link");
        fs::create_dir(directory.path().join("hotel")).expect("a directory");
        let (server, collector) = (NatsServer::start().await, Otlp::start().await);
        Self { directory, server, collector, terminal: None, printed: String::new() }
    }

    fn hotel(&self) -> PathBuf {
        self.directory.path().join("hotel")
    }

    fn shell(&self, commands: &str) -> Command {
        let mut command = Command::new("bash");
        let commands = commands.replace("http://localhost:4318", &self.collector.endpoint());
        command.args(["-euo", "pipefail", "-c", &commands]).current_dir(self.hotel()).stdin(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}/bin:{path}", self.directory.path().display()));
        command.env("NATS_URL", self.server.url()).env("NO_COLOR", "1");
        command
    }

    async fn follow(&mut self, block: Block) {
        match block {
            Block::File(path, text) => {
                let sdk = repository("sdk").canonicalize().expect("the crate for handlers");
                let text = text.replace("../../../tidegate/sdk", &sdk.display().to_string());
                fs::write(self.hotel().join(path), text).expect("a file can be written");
            }
            Block::Commands(commands) => {
                // What takes a reader the time to type.
                if commands.contains("dead-letters list") {
                    eventually(PATIENCE, async || self.stored(DEAD_LETTERS).await.len() == 1).await;
                }
                let mut shell = self.shell(&commands);
                let output = tokio::task::spawn_blocking(move || shell.output()).await.expect("no panic");
                let output = output.expect("bash runs");
                assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
                self.printed += &String::from_utf8_lossy(&output.stdout);
            }
            Block::Runs(command) => {
                self.stop().await;
                let mut shell = self.shell(&command.replace("tidegate run", "exec tidegate run"));
                shell.stdout(Stdio::null());
                let log = self.directory.path().join("log");
                let process = Process::spawn("the tutorial's runtime", &mut shell, &log).expect("bash runs");
                eventually(BUILD, async || process.count_log("ready") > 0).await;
                self.terminal = Some(process);
            }
            Block::Printed(text) => {
                for line in text.lines().filter(|line| !line.is_empty()) {
                    assert!(self.printed.contains(line), "`{line}` is not in:\n{}", self.printed);
                }
            }
        }
    }

    /// Ctrl-C.
    async fn stop(&mut self) {
        if let Some(mut process) = self.terminal.take() {
            process.signal(Signal::SIGINT);
            assert!(process.wait_exit(PATIENCE).await.success());
        }
    }

    async fn stored(&self, stream: &str) -> Vec<String> {
        let messages = read_stream(&self.server.jetstream().await, stream).await;
        messages.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_tutorial_lead_where_it_says() {
    let mut reader = Reader::sit_down().await;

    for block in blocks(&text("docs/tutorial.md")) {
        reader.follow(block).await;
    }
    eventually(PATIENCE, async || reader.stored("GREETINGS").await.len() == 2).await;
    reader.stop().await;

    assert_eq!(reader.stored("GREETINGS").await, [r#"{"text":"hello, Ada"}"#, r#"{"text":"hello, Bob"}"#]);
    assert!(reader.stored(DEAD_LETTERS).await.is_empty(), "the replay took it away");
    let told = reader.printed.lines().find_map(|line| line.trim().strip_prefix("Trace"));
    let trace = told.expect("the dead letter tells its trace").trim();
    let spans = reader.collector.spans();
    let names = spans.iter().filter(|span| span.trace_id == trace).map(|span| span.name.as_str());
    let names: Vec<&str> = names.collect();
    for expected in ["process arrivals.{guest}", "publish "] {
        assert!(names.iter().any(|name| name.starts_with(expected)), "no `{expected}` in {names:?}");
    }
}
