//! Something that cannot move between threads is held across an await.
use std::rc::Rc;

use tidegate::prelude::*;

async fn lookup() {}

fn main() {
    handler_fn(async |name: String| {
        let name = Rc::new(name);
        lookup().await;
        drop(name);
        Ok(())
    });
}
