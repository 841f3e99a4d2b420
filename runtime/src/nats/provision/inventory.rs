//! All streams of the account and the consumers on them, as far as they may concern a topology.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::Info as ConsumerInfo;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::Info as StreamInfo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::ProvisionError;
use super::api::ask;
use crate::nats::Connection;

/// A stream and its consumers.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stream: StreamInfo,
    pub(super) consumers: Vec<ConsumerInfo>,
}

#[derive(Deserialize)]
struct Streams {
    total: usize,
    #[serde(default)]
    streams: Option<Vec<StreamInfo>>,
}

#[derive(Deserialize)]
struct Consumers {
    total: usize,
    #[serde(default)]
    consumers: Option<Vec<ConsumerInfo>>,
}

trait Page: DeserializeOwned {
    type Item;

    fn split(self) -> (usize, Vec<Self::Item>);
}

/// Everything there is.
pub(super) async fn take(connection: &Connection) -> Result<Vec<Held>, ProvisionError> {
    let mut all = Vec::new();
    for stream in list::<Streams>(connection, "STREAM.LIST", "the streams").await? {
        let consumers = match stream.state.consumer_count {
            0 => Vec::new(),
            _ => consumers(connection, &stream.config.name).await?,
        };
        all.push(Held { stream, consumers });
    }
    Ok(all)
}

/// The consumers of a stream; none where there is no such stream.
pub(super) async fn consumers(
    connection: &Connection,
    stream: &str,
) -> Result<Vec<ConsumerInfo>, ProvisionError> {
    let what = format!("the consumers of stream `{stream}`");
    list::<Consumers>(connection, &format!("CONSUMER.LIST.{stream}"), &what).await
}

async fn list<P: Page>(
    connection: &Connection,
    subject: &str,
    what: &str,
) -> Result<Vec<P::Item>, ProvisionError> {
    let mut all = Vec::new();
    loop {
        let request = json!({ "offset": all.len() });
        match ask::<P>(connection, subject, Some(request), what).await? {
            Response::Ok(page) => {
                let (total, items) = page.split();
                let is_last = items.is_empty();
                all.extend(items);
                if is_last || all.len() >= total {
                    return Ok(all);
                }
            }
            Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => return Ok(all),
            Response::Err { error } => {
                return Err(ProvisionError::Refused { what: what.to_owned(), source: error });
            }
        }
    }
}

impl Page for Streams {
    type Item = StreamInfo;

    fn split(self) -> (usize, Vec<StreamInfo>) {
        (self.total, self.streams.unwrap_or_default())
    }
}

impl Page for Consumers {
    type Item = ConsumerInfo;

    fn split(self) -> (usize, Vec<ConsumerInfo>) {
        (self.total, self.consumers.unwrap_or_default())
    }
}
