//! What the manifest of the handler author's crate may not depend on.

use toml::{Table, Value};

use super::Violation;

/// Crates, and families of crates, that would tie handlers to a runtime.
const FORBIDDEN: [&str; 3] = ["actix", "async-nats", "tokio"];

/// Every dependency, other than those of tests, on a runtime or a broker.
pub(super) fn forbidden_dependencies(path: &str, manifest: &str) -> impl Iterator<Item = Violation> {
    let table: Table = manifest.parse().expect("a manifest that cargo reads is TOML");
    let mut names = Vec::new();
    collect(&table, &mut names);
    let forbidden = names.into_iter().filter(|name| FORBIDDEN.iter().any(|family| is_of(name, family)));
    let path = path.to_owned();
    let violations: Vec<Violation> = forbidden
        .map(|name| Violation {
            path: path.clone(),
            line: 1,
            rule: format!("handler authors must not be given `{name}`"),
        })
        .collect();
    violations.into_iter()
}

fn is_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// The packages behind `[dependencies]`, wherever it stands: `[target.….dependencies]` counts, `[dev-dependencies]` not.
fn collect(table: &Table, names: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::Table(dependencies) if key == "dependencies" || key == "build-dependencies" => {
                names.extend(dependencies.iter().map(package));
            }
            Value::Table(inner) if key != "dev-dependencies" => collect(inner, names),
            _ => {}
        }
    }
}

fn package((name, specification): (&String, &Value)) -> String {
    specification.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[cfg(test)]
fn names(manifest: &str) -> usize {
    forbidden_dependencies("Cargo.toml", manifest).count()
}

#[test]
fn runtimes_are_refused_however_they_are_written() {
    assert_eq!(names("[dependencies]\ntokio.workspace = true\nactix-rt = \"2\"\nserde = \"1\""), 2);
    assert_eq!(names("[target.'cfg(unix)'.dependencies]\nasync-nats = \"0.51\""), 1);
    assert_eq!(names("[dependencies.rt]\npackage = \"tokio-util\"\nversion = \"0.7\""), 1);
}

#[test]
fn tests_may_have_a_runtime() {
    assert_eq!(names("[dependencies]\ntokiometer = \"1\"\n[dev-dependencies]\ntokio = \"1\""), 0);
}
