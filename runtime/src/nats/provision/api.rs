//! Requests to the JetStream API (ADR-1), asked again while a cluster is busy with itself.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, Info};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::ProvisionError;
use crate::nats::{Connection, election};

/// Asks the JetStream API; what `subject` asks for is called `what` in errors.
///
/// Asks again while a cluster elects its leaders: what is asked for is the same however often it is done.
pub(in crate::nats) async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    request: Option<Value>,
    what: &str,
) -> Result<Response<T>, ProvisionError> {
    debug!(subject, "asking jetstream");
    let payload = Bytes::from(request.map(|request| request.to_string()).unwrap_or_default());
    let started = Instant::now();
    loop {
        let answer = ask_once(connection, subject, payload.clone(), what).await;
        let may_pass = match &answer {
            Ok(Response::Err { error }) => election::is_under_way(error),
            Err(error) => matches!(error, ProvisionError::Unanswered { .. }),
            Ok(Response::Ok(_)) => false,
        };
        if !may_pass || started.elapsed() >= election::LONGEST {
            return answer;
        }
        info!(what, "jetstream is not ready, asking again");
        sleep(election::ASK_AGAIN).await;
    }
}

async fn ask_once<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    payload: Bytes,
    what: &str,
) -> Result<Response<T>, ProvisionError> {
    let answer = connection.client().request(format!("$JS.API.{subject}"), payload).await;
    let answer = answer.map_err(|failure| ProvisionError::unanswered(connection, subject, what, failure))?;
    serde_json::from_slice(&answer.payload)
        .map_err(|source| ProvisionError::Unreadable { what: what.to_owned(), source })
}

pub(super) async fn find_stream(
    connection: &Connection,
    name: &str,
) -> Result<Option<Config>, ProvisionError> {
    let what = format!("stream `{name}`");
    match ask::<Info>(connection, &format!("STREAM.INFO.{name}"), None, &what).await? {
        Response::Ok(info) => Ok(Some(info.config)),
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
        Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
    }
}

pub(in crate::nats) async fn change_stream(
    connection: &Connection,
    verb: &str,
    config: &Config,
) -> Result<String, ProvisionError> {
    let what = format!("stream `{}`", config.name);
    match ask::<Info>(connection, &format!("STREAM.{verb}.{}", config.name), Some(json!(config)), &what)
        .await?
    {
        Response::Ok(_) => Ok(what),
        Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
    }
}
