//! An async closure lends what it captures.
use std::sync::Arc;

use tidegate::prelude::*;

async fn lookup(_prefix: &str) {}

fn main() {
    let prefix: Arc<str> = "guest.".into();
    handler_fn(async move |name: String| {
        lookup(&prefix).await;
        drop(name);
        Ok(())
    });
}
