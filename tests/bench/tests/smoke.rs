//! The bench itself, with few messages: contestants are verified, and one that loses a message is found out.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate-bench"))
        .args(arguments)
        .output()
        .expect("the bench can be started")
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All that the bench wrote, and the entries of each case with their medians.
fn report(path: &Path) -> Vec<(String, Value)> {
    let text = std::fs::read(path).expect("the report was written");
    let report: Value = serde_json::from_slice(&text).expect("it is JSON");
    let cases = report["cases"].as_array().expect("there are cases").clone();
    let named = |case: Value| (case["case"].as_str().expect("it has a name").to_owned(), case);
    cases.into_iter().map(named).collect()
}

#[test]
fn every_contestant_handles_everything_once() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("bench.json");
    let path_text = path.to_str().expect("the path is UTF-8");

    let output = bench(&["consume", "emit", "state", "--messages=400", "--runs=1", "--json", path_text]);

    assert!(output.status.success(), "{}", error_of(&output));
    for (name, case) in report(&path) {
        let entries = case["entries"].as_array().expect("a case has entries");
        assert!(entries.len() >= 2, "{name}: {case:#}");
        for entry in entries {
            assert!(entry["medians"]["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{name}: {entry:#}");
        }
    }
}

#[test]
fn a_contestant_that_loses_a_message_is_an_error() {
    let output = bench(&["consume", "--messages=400", "--runs=1", "--plant-loss"]);

    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for contestant in ["tidegate", "loop"] {
        let complaint = format!("error  {contestant}: it lost something");
        assert!(table.contains(&complaint), "{complaint}\n{table}");
    }
}

#[test]
fn an_unknown_case_is_refused() {
    let output = bench(&["speed"]);

    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("there is no case `speed`"), "{}", error_of(&output));
}
