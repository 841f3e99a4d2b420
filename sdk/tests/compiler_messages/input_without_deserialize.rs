//! The input lacks `Deserialize`.
use tidegate::prelude::*;

struct Arrival {
    name: String,
}

async fn greet(arrival: Arrival) -> Result<()> {
    drop(arrival.name);
    Ok(())
}

fn main() {
    handler_fn(greet);
}
