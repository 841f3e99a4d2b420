//! What keeps an ingress from opening is told with the cure, before anything runs unseen.

use std::net::TcpListener;

use support::{NatsServer, RuntimeBuilder};

use super::builder;
use crate::cli::{command, fixture};

async fn ended(builder: RuntimeBuilder, arguments: &str) -> (Option<i32>, String) {
    let server = NatsServer::start().await;
    let ended = command(&builder.nats(&server), arguments).await;
    (ended.code, ended.stderr)
}

#[tokio::test]
async fn a_port_in_use_is_told_with_the_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");

    let (code, told) = ended(builder(""), &format!("run --ingress {address}")).await;

    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&format!("cannot listen on `{address}`")) && told.contains("--ingress"), "{told}");
}

#[tokio::test]
async fn an_ingress_that_is_open_to_all_needs_tokens() {
    let (code, told) = ended(builder(""), "run --ingress 0.0.0.0:0").await;

    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("without tokens"), "{told}");
}

#[tokio::test]
async fn tokens_that_cannot_be_used_are_told() {
    let (code, told) = ended(builder("tokens = \"nowhere\""), "run --ingress 127.0.0.1:0").await;

    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("nowhere") && told.contains("docs/ingress.md"), "{told}");
}

#[tokio::test]
async fn a_topology_without_an_ingress_opens_none() {
    let (code, told) = ended(fixture(), "run --ingress 127.0.0.1:0").await;

    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("has no ingress"), "{told}");
}
