//! What a producer and its clones share: the way out, and what stands in it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use tokio::sync::Semaphore;

use crate::builder::Builder;
use crate::flow::Keeper;
use crate::gates::Gates;
use crate::parcel::{Parcel, Unfit};
use crate::throttled::Counters;
use crate::{Denials, Event};

/// Where events go out.
pub(crate) struct Outlet {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    pub(crate) gates: Arc<Gates>,
    pub(crate) denials: Option<Denials>,
    pub(crate) counters: Counters,
    /// A permit for each event that is on its way, but for those of `publish_all`.
    pub(crate) on_their_way: Semaphore,
    pub(crate) window: usize,
    pub(crate) ack_wait: Duration,
    pub(crate) resend: Duration,
    pub(crate) patience: Option<Duration>,
    _keeper: Option<Keeper>,
}

impl Outlet {
    pub(crate) async fn new(builder: Builder) -> Self {
        // Our windows bound what is on its way; the client's own bound is there for who has very many of them.
        const ON_THEIR_WAY: usize = 1 << 16;
        let Builder { client, topology, window, ack_wait, resend, patience, denials } = builder;
        let gates = Arc::<Gates>::default();
        let keeper = match topology {
            Some(topology) => Some(Keeper::start(client.clone(), &topology, Arc::clone(&gates)).await),
            None => None,
        };
        let jetstream = ContextBuilder::new()
            .timeout(ack_wait)
            .ack_timeout(ack_wait)
            .max_ack_inflight(ON_THEIR_WAY)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Self {
            client,
            jetstream,
            gates,
            denials,
            counters: Counters::default(),
            on_their_way: Semaphore::new(window),
            window,
            ack_wait,
            resend,
            patience,
            _keeper: keeper,
        }
    }

    /// Makes an event ready.
    pub(crate) fn parcel(&self, event: Event) -> Result<Parcel, Unfit> {
        Parcel::new(event, || self.made_id())
    }

    /// An id of which there is no other.
    pub(crate) fn made_id(&self) -> String {
        // What the client makes anyway for each answer, and is unique in the same way.
        let inbox = self.client.new_inbox();
        inbox.rsplit('.').next().unwrap_or(&inbox).to_owned()
    }

    /// The stream has stored an event.
    pub(crate) fn stored(&self, stream: &str) {
        if let Some(gate) = self.gates.of(stream) {
            gate.stored();
        }
    }
}
