//! What somebody else has on the server.

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use support::NatsServer;
use tidegate_runtime::nats::ProvisionError;
use tidegate_runtime::nats::provision::Warning;
use tidegate_runtime::topology::{Origin, StreamName};

use super::shop::{connected, different, provisioned, shop, stream_mut};

#[tokio::test]
async fn two_topologies_share_a_server() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut other = shop();
    other.name = "audit".parse().expect("a valid name");
    stream_mut(&mut other, "ORDERS").origin = Origin::External;

    provisioned(&connection, &shop()).await.expect("an empty server differs in nothing");
    let provisioned = provisioned(&connection, &other).await.expect("the other one differs in nothing");

    assert!(provisioned.created.contains(&"consumer `audit-payments` of stream `ORDERS`".to_owned()));
    assert_eq!(provisioned.warnings, []);
}

#[tokio::test]
async fn an_external_stream_is_only_checked() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut topology = shop();
    stream_mut(&mut topology, "ORDERS").origin = Origin::External;

    let missing = provisioned(&connection, &topology).await;
    let foreign = Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.*.placed".to_owned()],
        ..Config::default()
    };
    connection.jetstream().create_stream(foreign.clone()).await.expect("a stream can be made");
    let narrow = different(provisioned(&connection, &topology).await);
    let wide = Config { subjects: vec!["orders.>".to_owned()], ..foreign };
    connection.jetstream().update_stream(wide).await.expect("a stream can be changed");
    let accepted = provisioned(&connection, &topology).await.expect("it captures what we need");

    assert!(matches!(missing, Err(ProvisionError::Missing { .. })), "{missing:?}");
    assert_eq!(narrow, ["stream `ORDERS`: subjects"]);
    assert_eq!(accepted.warnings, [Warning::DiscardsOld { stream: "ORDERS".to_owned() }]);
}

#[tokio::test]
async fn dead_letters_are_not_kept_where_they_would_be_lost() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut topology = shop();
    topology.dead_letters.stream = Some("GRAVES".parse::<StreamName>().expect("a valid name"));
    let graves = Config {
        name: "GRAVES".to_owned(),
        subjects: vec!["tidegate.*.dead-letters.>".to_owned()],
        retention: RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    connection.jetstream().create_stream(graves.clone()).await.expect("a stream can be made");

    let refused = different(provisioned(&connection, &topology).await);
    connection.jetstream().delete_stream("GRAVES").await.expect("a stream can be deleted");
    let fit = Config { retention: RetentionPolicy::Limits, discard: DiscardPolicy::New, ..graves };
    connection.jetstream().create_stream(fit).await.expect("a stream can be made");
    let accepted = provisioned(&connection, &topology).await;

    assert_eq!(refused, ["stream `GRAVES`: retention", "stream `GRAVES`: discard"]);
    assert!(accepted.is_ok(), "{accepted:?}");
}

#[tokio::test]
async fn subjects_of_another_stream_are_refused_with_a_cure() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let foreign =
        Config { name: "ALL".to_owned(), subjects: vec!["orders.>".to_owned()], ..Config::default() };
    connection.jetstream().create_stream(foreign).await.expect("a stream can be made");

    let error = provisioned(&connection, &shop()).await.expect_err("the subjects are taken");

    assert!(matches!(&error, ProvisionError::Refused { what, .. } if what == "stream `ORDERS`"), "{error:?}");
    assert!(error.cure().contains("external = true"), "{}", error.cure());
}

#[tokio::test]
async fn an_existing_consumer_is_never_edited() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let topology = shop();
    provisioned(&connection, &topology).await.expect("an empty server differs in nothing");
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    stream.delete_consumer("shop-payments").await.expect("a consumer can be deleted");
    let foreign = pull::Config {
        durable_name: Some("shop-payments".to_owned()),
        ack_policy: AckPolicy::None,
        headers_only: true,
        ..pull::Config::default()
    };
    stream.create_consumer(foreign).await.expect("a consumer can be made");

    let differences = different(provisioned(&connection, &topology).await);

    for field in ["subjects", "ack_policy", "headers_only"] {
        let difference = format!("consumer `shop-payments` of stream `ORDERS`: {field}");
        assert!(differences.contains(&difference), "{differences:?}");
    }
    let kept = stream.consumer_info("shop-payments").await.expect("it is still there").config;
    assert_eq!(kept.ack_policy, AckPolicy::None);
}

#[tokio::test]
async fn creates_nothing_while_anything_differs() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let foreign =
        Config { name: "ORDERS".to_owned(), subjects: vec!["orders.>".to_owned()], ..Config::default() };
    connection.jetstream().create_stream(foreign).await.expect("a stream can be made");

    let differences = different(provisioned(&connection, &shop()).await);

    assert!(differences.contains(&"stream `ORDERS`: subjects".to_owned()), "{differences:?}");
    assert!(connection.jetstream().get_stream("shop-dead-letters").await.is_err());
}
