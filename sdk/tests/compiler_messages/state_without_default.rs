//! The state lacks `Default`.
use tidegate::prelude::*;

#[derive(Serialize, Deserialize)]
struct Visits {
    count: u64,
}

struct Greeter;

impl Handler for Greeter {
    type Input = String;
    type State = Visits;
    type Output = ();

    async fn handle(&self, _name: String, cx: &mut Context<Visits>) -> Result<()> {
        cx.state.count += 1;
        Ok(())
    }
}

fn main() {}
