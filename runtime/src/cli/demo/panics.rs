//! Keeps the panics of handlers, which are part of the show, from covering the terminal.

use std::panic;
use std::path::{Path, PathBuf};

use tracing::debug;

/// Lets only panics of the runtime itself be printed; those of handlers are logged.
pub(super) fn hush() {
    let ours = crate_root();
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(location) if !Path::new(location.file()).starts_with(&ours) => {
            debug!(file = location.file(), line = location.line(), "a handler panicked");
        }
        _ => print(panic),
    }));
}

/// What the compiler calls the directory of this crate's sources.
fn crate_root() -> PathBuf {
    Path::new(file!()).ancestors().nth(3).expect("this file lies three floors deep").to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_crates_root_is_where_its_sources_are() {
        assert!(super::crate_root().ends_with("src"));
    }
}
