//! The function is not async.
use tidegate::prelude::*;

fn main() {
    handler_fn(|name: String| Ok(drop(name)));
}
