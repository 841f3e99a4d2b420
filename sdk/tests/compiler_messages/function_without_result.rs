//! The function returns its output bare instead of as a `Result`.
use tidegate::prelude::*;

#[derive(Serialize)]
struct Greeting {
    text: String,
}

impl Emit for Greeting {
    const PORT: &'static str = "greeting";
}

async fn greet(name: String) -> Greeting {
    Greeting { text: name }
}

fn main() {
    handler_fn(greet);
}
