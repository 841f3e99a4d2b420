//! Finds a nats-server to run: `$NATS_SERVER`, then the `PATH`, then `.tools/bin/` here or in a parent directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;

/// The name of the program.
const PROGRAM: &str = "nats-server";

/// The oldest version that has what we use.
const OLDEST: (u32, u32) = (2, 11);

/// The nats-server to run.
///
/// One that `$NATS_SERVER` names is used or refused; those found elsewhere are passed over when they are too old.
pub(super) fn find(
    env: &dyn Fn(&str) -> Option<OsString>,
    directory: &Path,
) -> Result<PathBuf, EmbeddedError> {
    if let Some(path) = env("NATS_SERVER").filter(|path| !path.is_empty()).map(PathBuf::from) {
        return match version(&path) {
            Some(version) if version >= OLDEST => Ok(path),
            _ => Err(EmbeddedError::Unusable { path }),
        };
    }
    let on_path = env("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).map(|directory| directory.join(PROGRAM));
    let in_tools = directory.ancestors().map(|directory| directory.join(".tools/bin").join(PROGRAM));
    on_path
        .chain(in_tools)
        .filter(|candidate| candidate.is_file())
        .find(|candidate| version(candidate).is_some_and(|version| version >= OLDEST))
        .ok_or(EmbeddedError::NotFound)
}

fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Major and minor of a line such as `nats-server: v2.15.1`.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let (_, version) = line.rsplit_once('v')?;
    let mut numbers = version.trim().split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn server(path: &Path, version: &str) {
        std::fs::create_dir_all(path.parent().expect("it is in a directory"))
            .expect("a directory can be made");
        std::fs::write(path, format!("#!/bin/sh\necho nats-server: v{version}\n"))
            .expect("a file can be written");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755))
            .expect("a file can be made executable");
    }

    #[test]
    fn reads_the_version() {
        assert_eq!(parse_version("nats-server: v2.15.1\n"), Some((2, 15)));
        assert_eq!(parse_version("nats-server: v2.12.0-RC.1\n"), Some((2, 12)));
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn passes_over_a_server_that_is_too_old() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (old, fresh) = (home.path().join("bin/nats-server"), home.path().join(".tools/bin/nats-server"));
        server(&old, "2.9.10");
        server(&fresh, "2.15.1");
        let path = old.parent().expect("it is in a directory").as_os_str().to_owned();

        let found = find(&|name| (name == "PATH").then(|| path.clone()), &home.path().join("a/b"));

        assert_eq!(found.expect("there is one"), fresh);
    }

    #[test]
    fn refuses_a_named_server_that_is_too_old() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let old = home.path().join("nats-server");
        server(&old, "2.10.25");

        let found = find(&|name| (name == "NATS_SERVER").then(|| old.clone().into_os_string()), home.path());

        assert!(matches!(found, Err(EmbeddedError::Unusable { .. })), "{found:?}");
    }
}
