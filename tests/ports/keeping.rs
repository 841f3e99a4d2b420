//! The state of entities in a bucket.

use async_nats::jetstream::kv;
use bytes::Bytes;
use support::NatsServer;
use tidegate_runtime::nats::NatsStore;
use tidegate_runtime::port::{Revision, Store, StoreError};

use super::connected;

async fn bucket(server: &NatsServer) -> (NatsStore, kv::Store) {
    let connection = connected(server).await;
    let config = kv::Config { bucket: "shop-stock-state".to_owned(), ..kv::Config::default() };
    let raw = connection.jetstream().create_key_value(config).await.expect("the bucket is valid");
    (NatsStore::open(connection, "shop-stock-state").await.expect("the bucket exists"), raw)
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_what_was_saved_last() {
    let server = NatsServer::start().await;
    let (store, _) = bucket(&server).await;

    for key in ["42", "", ".hidden.", "a..b", "ä € *", ">"] {
        assert_eq!(store.load(key).await.expect("the broker answers"), None);
        let first = store.save(key, "one".into(), None).await.expect("the first save");
        let second =
            store.save(key, Bytes::from(key.to_owned()), Some(first)).await.expect("the second save");

        let entry = store.load(key).await.expect("the broker answers").expect("an entry");
        assert_eq!((entry.revision, entry.value), (second, Bytes::from(key.to_owned())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_revision_is_a_conflict() {
    let server = NatsServer::start().await;
    let (store, _) = bucket(&server).await;
    let first = store.save("42", "one".into(), None).await.expect("the first save");
    store.save("42", "two".into(), Some(first)).await.expect("the second save");

    let stale = store.save("42", "three".into(), Some(first)).await;
    let unaware = store.save("42", "three".into(), None).await;
    let unknown = store.save("43", "three".into(), Some(Revision(99))).await;

    for refused in [stale, unaware, unknown] {
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_entry_is_none_and_can_be_saved_again() {
    let server = NatsServer::start().await;
    let (store, raw) = bucket(&server).await;
    store.save("42", "one".into(), None).await.expect("the first save");

    raw.delete("42").await.expect("the broker answers");

    assert_eq!(store.load("42").await.expect("the broker answers"), None);
    store.save("42", "two".into(), None).await.expect("a save after the delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bucket_cannot_take_is_too_large() {
    let server = NatsServer::start().await;
    let (store, _) = bucket(&server).await;

    let value = store.save("42", vec![0; 2 << 20].into(), None).await;
    let key = store.load(&"x".repeat(5000)).await;

    assert!(matches!(value, Err(StoreError::TooLarge { .. })), "{value:?}");
    assert!(matches!(key, Err(StoreError::TooLarge { bytes: 5000 })), "{key:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_and_a_silent_broker_are_unavailable() {
    let server = NatsServer::start().await;
    let (store, _) = bucket(&server).await;

    let missing = NatsStore::open(connected(&server).await, "nothing").await;
    server.freeze();
    let silent = store.load("42").await;
    server.thaw();

    assert!(matches!(missing, Err(StoreError::Unavailable(_))), "{missing:?}");
    assert!(matches!(silent, Err(StoreError::Unavailable(_))), "{silent:?}");
}
