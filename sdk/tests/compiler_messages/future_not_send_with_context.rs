//! Something that cannot move between threads is held across an await, beside a context.
use std::rc::Rc;

use tidegate::prelude::*;

async fn lookup() {}

struct Greeter;

impl Handler for Greeter {
    type Input = String;
    type State = u64;
    type Output = ();

    async fn handle(&self, name: String, cx: &mut Context<u64>) -> Result<()> {
        let name = Rc::new(name);
        lookup().await;
        cx.state += name.len() as u64;
        Ok(())
    }
}

async fn greet(name: String, cx: &mut Context<u64>) -> Result<()> {
    let name = Rc::new(name);
    lookup().await;
    cx.state += name.len() as u64;
    Ok(())
}

fn main() {
    handler_fn_with_context(greet);
}
