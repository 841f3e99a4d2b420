//! The state lacks `Serialize`.
use tidegate::prelude::*;

#[derive(Default, Deserialize)]
struct Visits {
    count: u64,
}

async fn greet(_name: String, cx: &mut Context<Visits>) -> Result<()> {
    cx.state.count += 1;
    Ok(())
}

fn main() {
    handler_fn_with_context(greet);
}
