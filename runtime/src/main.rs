//! The program `tidegate`, with no handlers linked in: what needs some is built by `tidegate build`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidegate_runtime::main(|_| {})
}
