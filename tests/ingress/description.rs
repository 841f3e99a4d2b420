//! The OpenAPI document: printed, served and checked in.

use std::path::Path;

use support::Runtime;

use super::{Shop, answer, builder};
use crate::cli::command;

#[tokio::test]
async fn the_document_is_served_as_it_is_printed() {
    let printed = command(&builder(""), "ingress openapi").await;
    let shop = Shop::open("").await;
    let url = format!("{}/openapi.json", shop.url);

    let served = answer(shop.client.get(&url)).await;
    let head = answer(shop.client.head(&url)).await;

    assert_eq!((served.status, served.header("content-type")), (200, "application/json"));
    assert_eq!(served.text, printed.stdout);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let operations: Vec<String> = served.json()["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(path, item)| Some(format!("{path} {}", item["post"]["operationId"].as_str()?)))
        .collect();
    assert_eq!(operations, ["/tasks field", "/raw/{entity} raw", "/tasks/{entity} task"]);
    shop.drain().await;
}

#[tokio::test]
async fn the_document_of_the_example_is_current() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let topology = std::fs::read_to_string(deploy.join("ingress.topology.toml")).expect("the example");
    let published = deploy.join("ingress.openapi.json");
    let example = Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), &topology);

    let printed = command(&example, "ingress openapi").await;

    assert_eq!(printed.code, Some(0), "{printed:?}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&published, &printed.stdout).expect("deploy/ can be written");
    }
    assert!(
        std::fs::read_to_string(&published).unwrap_or_default() == printed.stdout,
        "deploy/ingress.openapi.json is out of date: run this test with UPDATE=1"
    );
}
