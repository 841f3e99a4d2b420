//! Every rule by example: the files in `tests/topology`, each with the text that is shown for it.
//!
//! Run with `UPDATE=1` to write the expected texts, and read the difference before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::parse_bytes;
use super::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn no_variables(_: &str) -> Option<String> {
    None
}

fn findings(name: &str, bytes: Vec<u8>) -> Vec<Finding> {
    match parse_bytes(name, bytes, &|name| (name == "TOKEN").then(|| "s3cret".to_owned())) {
        Ok(checked) => checked.warnings,
        Err(rejected) => rejected.findings,
    }
}

fn examples() -> Vec<PathBuf> {
    let directory = fs::read_dir(Path::new(ROOT).join("tests/topology")).expect("the examples are there");
    let paths = directory.map(|entry| entry.expect("an example can be read").path());
    let mut examples: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    examples.sort();
    examples
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("examples have plain names")
}

#[test]
fn every_rule_shows_place_consequence_and_cure() {
    let mut seen = BTreeMap::new();
    let mut differences = Vec::new();
    for path in examples() {
        let name = file_name(&path);
        let findings = findings(name, fs::read(&path).expect("an example can be read"));
        let shown = render(&findings, Style::Plain);
        let expected_path = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected_path, &shown).expect("tests/topology can be written");
        }

        if shown != fs::read_to_string(&expected_path).unwrap_or_default() {
            differences.push(shown);
        }
        let rule = Rule::from_code(&name[..4]).expect("an example is named after its rule");
        assert!(findings.iter().any(|finding| finding.rule == rule), "{name} does not break {rule}");
        for finding in &findings {
            let told = [&finding.message, &finding.consequence.0, &finding.cure];
            assert!(told.iter().all(|text| !text.is_empty() && !text.ends_with('.')), "{name}: {finding:?}");
        }
        seen.insert(rule, path);
    }

    assert!(differences.is_empty(), "run with UPDATE=1 if this is right:\n{}", differences.join("\n"));
    let missing: Vec<Rule> = Rule::all().filter(|rule| !seen.contains_key(rule)).collect();
    assert!(missing.is_empty(), "rules without an example: {missing:?}");
}

#[test]
fn errors_reject_and_warnings_do_not() {
    for path in examples() {
        let name = file_name(&path);
        let outcome = parse_bytes(name, fs::read(&path).expect("an example can be read"), &no_variables);
        let rule = Rule::from_code(&name[..4]).expect("an example is named after its rule");

        assert_eq!(outcome.is_err(), rule.severity() == Severity::Error, "{name}");
    }
}

#[test]
fn findings_as_json_name_file_line_rule_consequence_and_cure() {
    let text = "name = \"shop\"\n[actors.payments]\n";

    let rejected = parse("topology.toml", text, &no_variables).expect_err("keys are missing");

    let json = serde_json::to_value(&rejected.findings[0]).expect("findings are plain data");
    assert_eq!(
        json,
        serde_json::json!({
            "file": "topology.toml",
            "line": 2,
            "column": 9,
            "rule": "T007",
            "severity": "error",
            "message": "`[actors.payments]` has no `handler`",
            "consequence": "there is no sensible default for `handler`, so the topology cannot start",
            "cure": "add `handler = \"payments\"`",
            "related": [],
        })
    );
}

#[test]
fn the_shop_is_valid_and_warns_only_of_single_replicas() {
    let shop = load(&Path::new(ROOT).join("topology.toml"), &no_variables)
        .unwrap_or_else(|rejected| panic!("{}", rejected.render(Style::Plain)));

    let warnings: Vec<Rule> = shop.warnings.iter().map(|warning| warning.rule).collect();
    assert_eq!(warnings, [Rule::SingleReplica]);
    let payments = &shop.topology.actors["payments"];
    assert_eq!(payments.key, KeySource::Token("order".to_owned()));
    assert_eq!((payments.partitions, payments.mailbox, payments.window), (16, 256, 4096));
    assert_eq!((payments.max_deliver, payments.server_max_deliver()), (4, 24));
    assert_eq!(payments.timeout, Duration::from_secs(2));
    assert_eq!(shop.topology.actors["stock"].key, KeySource::Json("/sku".to_owned()));
    assert_eq!(shop.topology.nats.server, Server::Url("nats://127.0.0.1:4222".to_owned()));
    assert_eq!(shop.topology.dead_letter_stream().as_str(), "shop-dead-letters");
}

#[test]
fn variables_may_hold_numbers_where_numbers_belong() {
    let shop = fs::read_to_string(Path::new(ROOT).join("topology.toml")).expect("the shop is there");
    let three = |name: &str| (name == "REPLICAS").then(|| "3".to_owned());
    let nonsense = |name: &str| (name == "REPLICAS").then(|| "many".to_owned());

    let checked = parse("topology.toml", &shop, &three).expect("three replicas are fine");
    let rejected = parse("topology.toml", &shop, &nonsense).expect_err("`many` is no number");

    assert!(checked.warnings.is_empty(), "{}", render(&checked.warnings, Style::Plain));
    assert!(checked.topology.streams.values().all(|stream| stream.replicas == 3));
    assert!(rejected.findings.iter().all(|finding| finding.rule == Rule::WrongType));
}

#[test]
fn a_broken_value_is_not_taken_for_a_missing_one() {
    let text =
        "name = \"shop\"\n[streams.S]\nsubjects = [\"s.{id}\"]\nmax_bytes = \"2 gigs\"\nreplicas = true\n";
    let actor =
        "[actors.a]\nhandler = \"h\"\nstream = \"S\"\nsubjects = [\"s.*\"]\nkey = 5\n[handlers]\nh = \"1\"\n";

    let rejected = parse("topology.toml", &format!("{text}{actor}"), &no_variables)
        .expect_err("three values are broken");

    let rules: Vec<Rule> = rejected.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::BadUnit, Rule::WrongType, Rule::WrongType], "{}", rejected.render(Style::Plain));
}

#[test]
fn an_unknown_key_does_not_hide_other_findings() {
    let text = "name = \"shop\"\nshards = 4\n[streams.S]\nsubjects = [\"s.{id}\"]\nlanes = 2\n";
    let actor = "[actors.a]\nhandler = \"h\"\nstream = \"S\"\nsubjects = [\"s.{id}\"]\ntimeout = 1\n";

    let rejected =
        parse("topology.toml", &format!("{text}{actor}"), &no_variables).expect_err("much is wrong");

    let rules: Vec<Rule> = rejected
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(
        rules,
        [Rule::UnknownKey, Rule::Unbounded, Rule::UnknownKey, Rule::UnknownHandler, Rule::BadUnit],
        "{}",
        rejected.render(Style::Plain)
    );
}

#[test]
fn secrets_in_the_file_are_not_shown() {
    let text = "name = \"shop\"\n[nats]\nurl = \"nats://me:hunter1@host\"\npassword = \"hunter2\"\nuserr = \"me\"\ntoken = 12345\n";

    let rejected = parse("topology.toml", text, &no_variables).expect_err("there is much wrong");

    let shown = rejected.render(Style::Plain)
        + &serde_json::to_string(&rejected.findings).expect("findings are plain data");
    assert!(shown.contains("did you mean `user`?"), "{shown}");
    assert!(!["hunter1", "hunter2", "12345"].iter().any(|secret| shown.contains(secret)), "{shown}");
}

#[test]
fn mailbox_and_window_follow_from_each_other() {
    let shop = fs::read_to_string(Path::new(ROOT).join("topology.toml")).expect("the shop is there");
    let bounds = |keys: &str| {
        let text = shop.replace("max_deliver = 4", keys);
        let checked = parse("topology.toml", &text, &no_variables)
            .unwrap_or_else(|rejected| panic!("{}", rejected.render(Style::Plain)));
        let payments = &checked.topology.actors["payments"];
        (payments.partitions, payments.mailbox, payments.window)
    };

    assert_eq!(bounds("window = 128"), (16, 8, 128));
    assert_eq!(bounds("window = 60000"), (16, 256, 60_000));
    assert_eq!(bounds("mailbox = 2"), (16, 2, 32));
    assert_eq!(bounds("partitions = 2"), (2, 256, 512));
    assert_eq!(bounds("partitions = 32"), (32, 128, 4096));
    assert_eq!(bounds("partitions = 256"), (256, 64, 16384));
    assert_eq!(bounds("partitions = 4096"), (4096, 16, 65536));
}

#[test]
fn without_order_a_message_needs_no_key() {
    let shop = fs::read_to_string(Path::new(ROOT).join("topology.toml")).expect("the shop is there");
    let text = shop
        .replace("shipments.{order}.shipped\"]", "shipments.*.shipped\"]")
        .replace("emits = { sent = \"notices.{order}.sent\" }", "");

    let checked = parse("topology.toml", &text, &no_variables)
        .unwrap_or_else(|rejected| panic!("{}", rejected.render(Style::Plain)));

    assert_eq!(checked.topology.actors["notifications"].keyless, Keyless::OwnLane);
}
