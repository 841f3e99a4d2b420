//! The closure is not made a handler by `handler_fn`.
use tidegate::prelude::*;

pub fn handler(_: Settings) -> Result<impl Handler> {
    Ok(async |name: String| Ok(drop(name)))
}

fn main() {}
