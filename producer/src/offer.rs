//! One offer of an event to the server, and what it answers.

use std::error::Error;
use std::future::poll_fn;
use std::task::Poll;

use async_nats::jetstream::context::{PublishAckFuture, PublishError as Failure, PublishErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use crate::outlet::Outlet;
use crate::parcel::Parcel;
use crate::trace::Trace;
use crate::{PublishError, Receipt};

/// Why an offer did not end in a receipt.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// There is no room.
    Full,
    /// Nobody answered: it may be stored.
    Unanswered,
    /// The stream cannot take it at this moment, such as while its nodes elect a leader.
    Away(PublishError),
    /// It is larger than the stream takes; what that is remains to be asked.
    TooLarge,
    /// Offering it again is of no use.
    Final(PublishError),
}

/// An offer on its way.
pub(crate) struct Offer {
    ack: Ack,
    sent: Instant,
}

type Ack = <PublishAckFuture as IntoFuture>::IntoFuture;

impl Outlet {
    /// Sends an event behind those that were sent before.
    ///
    /// # Cancel safety
    /// A cancelled call has sent it or not.
    pub(crate) async fn send(&self, parcel: &Parcel, trace: &Trace) -> Result<Offer, Rejection> {
        let sent = Instant::now();
        let message = parcel.message(&trace.headers);
        match self.jetstream.send_publish(parcel.subject.clone(), message).await {
            Ok(ack) => Ok(Offer { ack: ack.into_future(), sent }),
            Err(error) => Err(self.rejection(parcel, &error)),
        }
    }

    /// Waits for the answer. The client gives it up after `ack_wait` from when it is first asked for it, which of many
    /// on their way is late; one that was sent so long ago by then is given up at once, so that a window of them takes
    /// no more than twice `ack_wait`. (A timer of our own for each would cost more than all else here.)
    ///
    /// # Cancel safety
    /// A cancelled wait can be gone on with.
    pub(crate) async fn answer(&self, parcel: &Parcel, offer: &mut Offer) -> Result<Receipt, Rejection> {
        let answered = poll_fn(|cx| match offer.ack.poll_unpin(cx) {
            Poll::Pending if offer.sent.elapsed() >= self.ack_wait => Poll::Ready(None),
            poll => poll.map(Some),
        });
        let answered = match &self.denials {
            None => answered.await,
            Some(denials) => tokio::select! {
                biased;
                answered = answered => answered,
                reason = denials.until_about(&parcel.subject, offer.sent) => {
                    let subject = parcel.subject.to_string();
                    return Err(Rejection::Final(PublishError::Unauthorised { subject, reason }));
                }
            },
        };
        match answered {
            Some(Ok(ack)) => {
                let receipt =
                    Receipt { stream: ack.stream, sequence: ack.sequence, is_duplicate: ack.duplicate };
                self.stored(&receipt.stream);
                Ok(receipt)
            }
            Some(Err(error)) => Err(self.rejection(parcel, &error)),
            None => Err(Rejection::Unanswered),
        }
    }

    /// The error of an event that is larger than its stream takes.
    pub(crate) async fn too_large(&self, parcel: &Parcel) -> PublishError {
        let limit = async {
            let stream = self.jetstream.stream_by_subject(parcel.subject.as_str()).await.ok()?;
            let stream = self.jetstream.get_stream(stream).await.ok()?;
            usize::try_from(stream.cached_info().config.max_message_size).ok()
        };
        let limit = timeout(self.ack_wait, limit).await.ok().flatten();
        // Whoever may not ask learns the server's limit.
        let limit = limit.unwrap_or_else(|| self.client.max_payload());
        PublishError::TooLarge { bytes: parcel.payload.len(), limit }
    }

    fn rejection(&self, parcel: &Parcel, error: &Failure) -> Rejection {
        let subject = || parcel.subject.to_string();
        let bytes = parcel.payload.len();
        Rejection::Final(match error.kind() {
            // The stream is known to be there.
            PublishErrorKind::StreamNotFound if self.gates.find(&parcel.subject).is_some() => {
                return Rejection::Away(PublishError::NoStream { subject: subject() });
            }
            PublishErrorKind::StreamNotFound => PublishError::NoStream { subject: subject() },
            PublishErrorKind::TimedOut => return Rejection::Unanswered,
            PublishErrorKind::BrokenPipe => PublishError::Closed,
            PublishErrorKind::MaxPayloadExceeded => {
                PublishError::TooLarge { bytes, limit: self.client.max_payload() }
            }
            _ => {
                let source = error.source();
                match source.and_then(|source| source.downcast_ref::<jetstream::Error>()) {
                    Some(refusal) => return refused(parcel, refusal),
                    None if source.is_some_and(<dyn Error>::is::<serde_json::Error>) => {
                        let reason = "what answered is not a stream".to_owned();
                        PublishError::Refused { subject: subject(), reason }
                    }
                    // All that is left: the client takes nothing any more.
                    None => PublishError::Closed,
                }
            }
        })
    }
}

fn refused(parcel: &Parcel, refusal: &jetstream::Error) -> Rejection {
    /// The server cannot at this moment, by the codes of HTTP.
    const UNAVAILABLE: usize = 503;
    let text = refusal.to_string();
    match refusal.error_code() {
        ErrorCode::STREAM_STORE_FAILED if text.contains("maximum") => Rejection::Full,
        ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::MEMORY_RESOURCES_EXCEEDED => Rejection::Full,
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Rejection::TooLarge,
        _ => {
            let refused = PublishError::Refused { subject: parcel.subject.to_string(), reason: text };
            match refusal.code() {
                UNAVAILABLE => Rejection::Away(refused),
                _ => Rejection::Final(refused),
            }
        }
    }
}
