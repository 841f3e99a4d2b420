//! The output names no port.
use tidegate::prelude::*;

#[derive(Deserialize)]
struct Arrival {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    text: String,
}

fn main() {
    handler_fn(async |arrival: Arrival| Ok(Greeting { text: arrival.name }));
    handler_fn(async |arrival: Arrival| Ok(vec![Greeting { text: arrival.name }]));
}
