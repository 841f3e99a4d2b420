//! The function returns another error than `HandlerError`.
use tidegate::prelude::*;

async fn read(path: String) -> std::io::Result<()> {
    std::fs::read(path).map(drop)
}

fn main() {
    handler_fn(read);
}
