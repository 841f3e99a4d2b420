//! The input borrows from a payload that does not outlive the attempt.
use tidegate::prelude::*;

#[derive(Deserialize)]
struct Arrival<'a> {
    name: &'a str,
}

struct Greeter;

impl Handler for Greeter {
    type Input = Arrival<'static>;
    type State = ();
    type Output = ();

    async fn handle(&self, arrival: Arrival<'static>, _cx: &mut Context<()>) -> Result<()> {
        drop(arrival.name.to_owned());
        Ok(())
    }
}

fn main() {}
