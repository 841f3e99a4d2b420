//! An event made ready: checked, with an id, and as often as needed a message.

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, HeaderName, HeaderValue, Subject};
use bytes::Bytes;

use crate::subject::complaint;
use crate::{Event, PublishError};

/// An event that cannot be sent.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) id: String,
    pub(crate) error: PublishError,
}

/// What may be offered again, always with the same id.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) subject: Subject,
    pub(crate) id: HeaderValue,
    pub(crate) payload: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Parcel {
    /// Checks what the server would misunderstand or not say a word about. `id` gives an id to an event without one.
    pub(crate) fn new(event: Event, id: impl FnOnce() -> String) -> Result<Self, Unfit> {
        let Event { subject, payload, id: own, headers, .. } = event;
        let id = own.unwrap_or_else(id);
        match Self::checked(subject, payload, &id, headers) {
            Ok(parcel) => Ok(parcel),
            Err(error) => Err(Unfit { id, error }),
        }
    }

    fn checked(
        subject: String,
        payload: Bytes,
        id: &str,
        headers: Vec<(String, String)>,
    ) -> Result<Self, PublishError> {
        if let Some(reason) = complaint(&subject) {
            let subject = subject.escape_debug().to_string();
            return Err(PublishError::BadSubject { subject, reason });
        }
        let id = id.parse().map_err(|_| bad_header(NATS_MESSAGE_ID.as_ref(), "has a line break"))?;
        let headers = headers.into_iter().map(header).collect::<Result<_, _>>()?;
        Ok(Self { subject: subject.into(), id, payload, headers })
    }

    /// The message to be sent, with the headers of the trace that it belongs to.
    pub(crate) fn message(&self, trace: &[(HeaderName, HeaderValue)]) -> PublishMessage {
        let mut map = HeaderMap::new();
        for (name, value) in self.headers.iter().chain(trace) {
            map.append(name.clone(), value.clone());
        }
        map.insert(NATS_MESSAGE_ID, self.id.clone());
        PublishMessage::build().headers(map).payload(self.payload.clone())
    }

    /// Whether the event has a header of this name, in whatever case.
    pub(crate) fn has_header(&self, wanted: &str) -> bool {
        self.headers.iter().any(|(name, _)| AsRef::<str>::as_ref(name).eq_ignore_ascii_case(wanted))
    }
}

fn header((name, value): (String, String)) -> Result<(HeaderName, HeaderValue), PublishError> {
    if name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("nats-")) {
        return Err(bad_header(&name, "is an instruction to the server"));
    }
    if name.is_empty() {
        return Err(bad_header(&name, "has no name"));
    }
    let value = value.parse().map_err(|_| bad_header(&name, "has a line break"))?;
    let parsed = name.parse().map_err(|_| bad_header(&name, "has a character that a name cannot have"))?;
    Ok((parsed, value))
}

fn bad_header(name: &str, reason: &'static str) -> PublishError {
    PublishError::BadHeader { name: name.escape_debug().to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(event: Event) -> Result<Parcel, PublishError> {
        Parcel::new(event, || "made".to_owned()).map_err(|unfit| unfit.error)
    }

    #[test]
    fn refuses_what_the_server_would_obey() {
        let event = |name: &str, value: &str| parcel(Event::new("orders.1", "").header(name, value));

        assert!(event("Customer", "7").is_ok());
        for name in ["Nats-Rollup", "nats-msg-id", "", "a b", "a:b", "a\r\nb"] {
            assert!(
                matches!(event(name, "7"), Err(PublishError::BadHeader { .. })),
                "{name:?} was let through"
            );
        }
        assert!(matches!(event("Note", "a\r\nNats-Rollup: all"), Err(PublishError::BadHeader { .. })));
        assert!(parcel(Event::new("orders.1", "").id("a\nb")).is_err());
        assert!(matches!(parcel(Event::new("orders.*", "")), Err(PublishError::BadSubject { .. })));
    }

    #[test]
    fn an_id_is_made_where_there_is_none() {
        let id = |event| parcel(event).expect("a good event").id.as_str().to_owned();

        assert_eq!(id(Event::new("orders.1", "")), "made");
        assert_eq!(id(Event::new("orders.1", "").id("4711")), "4711");
    }
}
