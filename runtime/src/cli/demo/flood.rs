//! Publishes all orders at once, and awaits that each is stored.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use tidegate::Headers;

use super::orders::{Orders, Trouble};
use crate::message::Reason;
use crate::nats::NatsSink;
use crate::port::{Outbound, Sink, SinkError};

/// How many publications are under way at a time.
const WINDOW: usize = 512;

/// What was published.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flooded {
    /// Orders that the stream has confirmed.
    pub(super) published: u64,
    /// Those of them that must become dead letters, by reason.
    pub(super) doomed: BTreeMap<Reason, u64>,
}

/// Publishes the orders; what the stream refuses ends it.
pub(super) async fn flood(
    orders: Orders,
    sink: &NatsSink,
    progress: &ProgressBar,
) -> Result<Flooded, SinkError> {
    let publications = orders.zip(0_u64..).map(|(line, number)| async move {
        let outbound = Outbound {
            subject: line.subject,
            headers: Headers::new(),
            payload: line.payload,
            id: format!("demo:{number}"),
        };
        sink.publish(&outbound).await.map(|()| line.trouble)
    });
    let stored = stream::iter(publications).buffered(WINDOW);
    stored
        .try_fold(Flooded::default(), async |mut flooded, trouble| {
            progress.inc(1);
            flooded.published += 1;
            if let Some(reason) = trouble.and_then(Trouble::verdict) {
                *flooded.doomed.entry(reason).or_default() += 1;
            }
            Ok(flooded)
        })
        .await
}
