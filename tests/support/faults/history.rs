//! What a process did with its messages: one JSON line before the handler and one after it, in a file that survives
//! kill -9.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Moment, Task};

const PREFIX: &str = "history-";

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The message's id.
    pub id: u64,
    /// The message's entity.
    pub entity: String,
    /// Its place in the stream.
    pub sequence: u64,
    /// Which attempt it is, in the runtime's words.
    pub attempt: u32,
    /// The process.
    pub pid: u32,
    /// When.
    pub at: Moment,
}

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The handler is about to begin.
    Start,
    /// The handler has ended.
    End {
        /// How.
        outcome: Outcome,
    },
}

/// How a handler ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It returned its result.
    Ok,
    /// It returned an error.
    Failed,
    /// It panicked.
    Panicked,
    /// It was dropped: its time was up, or its process drained.
    Cancelled,
}

/// The history that this process writes. A line is one write to a file opened for appending: nothing is buffered, and
/// lines do not mix.
#[derive(Debug)]
pub struct History(File);

impl History {
    /// Opens `history-{pid}.jsonl` in the directory.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("{PREFIX}{}.jsonl", std::process::id()));
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Writes that an attempt starts. What is returned writes how it ended.
    ///
    /// # Panics
    /// When the line cannot be written: a history with gaps would accuse the innocent.
    pub fn start(&self, task: &Task, sequence: u64, attempt: u32) -> Running<'_> {
        let line = Line {
            event: Event::Start,
            id: task.id,
            entity: task.entity.clone(),
            sequence,
            attempt,
            pid: std::process::id(),
            at: Moment::now(),
        };
        self.write(&line);
        Running { history: self, line: Some(line) }
    }

    fn write(&self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("a line's keys are strings");
        text.push('\n');
        (&self.0).write_all(text.as_bytes()).expect("the history can be written");
    }
}

/// An attempt whose end is not written yet.
#[derive(Debug)]
pub struct Running<'a> {
    history: &'a History,
    line: Option<Line>,
}

impl Running<'_> {
    /// Writes the end.
    pub fn end(mut self, outcome: Outcome) {
        self.write_end(outcome);
    }

    fn write_end(&mut self, outcome: Outcome) {
        if let Some(line) = self.line.take() {
            self.history.write(&Line { event: Event::End { outcome }, at: Moment::now(), ..line });
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.write_end(match std::thread::panicking() {
            true => Outcome::Panicked,
            false => Outcome::Cancelled,
        });
    }
}

/// Every line of every history in the directory, in the order of time. A line that a crash cut short is left out.
///
/// # Panics
/// When the directory cannot be read.
pub(super) fn read(directory: &Path) -> Vec<Line> {
    let entries = fs::read_dir(directory).expect("the directory of the histories can be read");
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_history = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX))
    };
    let mut lines: Vec<Line> = paths
        .filter(|path| is_history(path))
        .flat_map(|path| lines_of(&fs::read_to_string(path).expect("a history can be read")))
        .collect();
    lines.sort_by_key(|line| line.at);
    lines
}

fn lines_of(text: &str) -> Vec<Line> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn both_lines_of_an_attempt_are_written_whatever_happens() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let history = History::open(directory.path()).expect("a history");
    let task = Task { id: 7, entity: "e".to_owned(), n: 0, act: super::Act::Ok };

    history.start(&task, 1, 1).end(Outcome::Ok);
    drop(history.start(&task, 2, 1));
    let panicking = std::panic::AssertUnwindSafe(|| {
        let _running = history.start(&task, 3, 1);
        panic!("as told");
    });
    assert!(std::panic::catch_unwind(panicking).is_err());

    let events: Vec<Event> = read(directory.path()).into_iter().map(|line| line.event).collect();
    let ended = |outcome| [Event::Start, Event::End { outcome }];
    let expected = [Outcome::Ok, Outcome::Cancelled, Outcome::Panicked].map(ended).concat();
    assert_eq!(events, expected);
}
