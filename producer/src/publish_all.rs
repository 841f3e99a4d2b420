//! Many events in their order, a window of them on their way.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Fuse, unfold};
use futures_util::{FutureExt, Stream, StreamExt};

use crate::offer::{Offer, Rejection};
use crate::outlet::Outlet;
use crate::parcel::{Parcel, Unfit};
use crate::publish::Effort;
use crate::trace::Trace;
use crate::{Event, PublishError, Receipt, Unpublished};

/// Publishes `events` and gives their results in order.
pub(crate) fn publish_all<S: Stream<Item = Event>>(
    outlet: Arc<Outlet>,
    events: S,
) -> impl Stream<Item = Result<Receipt, Unpublished>> {
    // In a box, since it is moved with every result.
    let many = Box::new(Many::new(outlet, events));
    unfold(many, async |mut many| many.next().await.map(|result| (result, many)))
}

struct Many<S> {
    outlet: Arc<Outlet>,
    events: Pin<Box<Fuse<S>>>,
    /// By index, from the first that was not handed out; never more than the window.
    results: VecDeque<Option<Result<Receipt, Unpublished>>>,
    /// The index of the first of them.
    first: u64,
    /// In the order in which they were sent.
    on_their_way: VecDeque<(Item, Offer)>,
    /// What is to be offered again once nothing is on its way.
    rejected: Vec<(Item, Rejection)>,
    /// What is to be offered again before any other event.
    again: VecDeque<Item>,
    /// The next to be sent.
    next: Option<Item>,
    /// The one that waits for its turn, and its wait.
    turn: Option<(Item, Turn)>,
    /// The keys of all that is sent and not known to be stored.
    keys: HashSet<String>,
}

type Turn = Pin<Box<dyn Future<Output = (Result<(), PublishError>, Duration)> + Send>>;

struct Item {
    index: u64,
    key: Option<String>,
    parcel: Parcel,
    trace: Trace,
    throttled: Duration,
    is_repeated: bool,
}

/// What came next.
enum News {
    Event(Event),
    Turn(Result<(), PublishError>, Duration),
    Answer(Result<Receipt, Rejection>),
    End,
}

impl<S: Stream<Item = Event>> Many<S> {
    fn new(outlet: Arc<Outlet>, events: S) -> Self {
        Self {
            outlet,
            events: Box::pin(events.fuse()),
            results: VecDeque::new(),
            first: 0,
            on_their_way: VecDeque::new(),
            rejected: Vec::new(),
            again: VecDeque::new(),
            next: None,
            turn: None,
            keys: HashSet::new(),
        }
    }

    async fn next(&mut self) -> Option<Result<Receipt, Unpublished>> {
        loop {
            if let Some(Some(_)) = self.results.front() {
                self.first += 1;
                return self.results.pop_front().flatten();
            }
            if !self.rejected.is_empty() && self.on_their_way.is_empty() {
                self.recover().await;
                continue;
            }
            self.send_what_may_go().await;
            if self.may_take()
                && let Some(Some(event)) = self.events.next().now_or_never()
            {
                self.take(event);
                continue;
            }
            match self.news().await {
                News::Event(event) => self.take(event),
                News::Turn(passed, throttled) => self.turn_came(passed, throttled).await,
                News::Answer(answer) => self.answered(answer).await,
                News::End => return None,
            }
        }
    }

    /// Every branch is cancel safe: what is waited for is kept in `self`.
    async fn news(&mut self) -> News {
        let may_take = self.may_take();
        let Self { outlet, events, on_their_way, turn, .. } = self;
        let (has_turn, has_answer) = (turn.is_some(), !on_their_way.is_empty());
        tokio::select! {
            biased;
            Some(event) = events.next(), if may_take => News::Event(event),
            (passed, throttled) = async { (&mut turn.as_mut().expect("there is one").1).await }, if has_turn => {
                News::Turn(passed, throttled)
            }
            answer = async {
                let (item, offer) = on_their_way.front_mut().expect("there is one");
                outlet.answer(&item.parcel, offer).await
            }, if has_answer => News::Answer(answer),
            else => News::End,
        }
    }

    /// Whether there is room for another event, and nothing that goes before it.
    fn may_take(&self) -> bool {
        self.rejected.is_empty()
            && self.next.is_none()
            && self.turn.is_none()
            && self.again.is_empty()
            && self.results.len() < self.outlet.window
    }

    fn take(&mut self, event: Event) {
        let index = self.first + self.results.len() as u64;
        self.results.push_back(None);
        let mut event = event;
        let key = event.key.take();
        match self.outlet.parcel(event) {
            Ok(parcel) => {
                let trace = Trace::begin(&parcel);
                let throttled = Duration::ZERO;
                self.next = Some(Item { index, key, parcel, trace, throttled, is_repeated: false });
            }
            Err(Unfit { id, error }) => self.put(index, Err(Unpublished { index, id, error })),
        }
    }

    /// Sends the next one if it need not wait, and else begins its wait.
    async fn send_what_may_go(&mut self) {
        while self.rejected.is_empty() && self.turn.is_none() {
            let Some(item) = self.again.pop_front().or_else(|| self.next.take()) else { return };
            let waits_for_key =
                !item.is_repeated && item.key.as_ref().is_some_and(|key| self.keys.contains(key));
            if waits_for_key {
                self.next = Some(item);
                return;
            }
            let gates = &self.outlet.gates;
            match if gates.are_open() { None } else { gates.find(&item.parcel.subject) } {
                None => self.send(item).await,
                Some(gate) => {
                    let (outlet, subject) = (Arc::clone(&self.outlet), item.parcel.subject.clone());
                    let deadline = outlet.deadline();
                    let turn = async move {
                        let (passed, throttled) = gate.pass_before(deadline).await;
                        (passed.map_err(|()| outlet.too_late(&subject, Some(&gate))), throttled)
                    };
                    self.turn = Some((item, Box::pin(turn)));
                }
            }
        }
    }

    async fn turn_came(&mut self, passed: Result<(), PublishError>, throttled: Duration) {
        let (mut item, _) = self.turn.take().expect("it waited for its turn");
        item.throttled += throttled;
        match passed {
            // The rejected ones go first; it gets another turn.
            Ok(()) if !self.rejected.is_empty() => self.put_back(item),
            Ok(()) => self.send(item).await,
            Err(error) => self.finish(item, Err(error)),
        }
    }

    fn put_back(&mut self, item: Item) {
        match item.is_repeated {
            true => self.again.push_front(item),
            false => self.next = Some(item),
        }
    }

    async fn send(&mut self, item: Item) {
        if let (Some(key), false) = (&item.key, item.is_repeated) {
            self.keys.insert(key.clone());
        }
        match self.outlet.send(&item.parcel, &item.trace).await {
            Ok(offer) => self.on_their_way.push_back((item, offer)),
            Err(rejection) => self.reject(item, rejection).await,
        }
    }

    async fn answered(&mut self, answer: Result<Receipt, Rejection>) {
        let (item, _) = self.on_their_way.pop_front().expect("it was answered");
        match answer {
            Ok(receipt) => self.finish(item, Ok(receipt)),
            Err(rejection) => self.reject(item, rejection).await,
        }
    }

    async fn reject(&mut self, item: Item, rejection: Rejection) {
        match rejection {
            Rejection::Final(error) => self.finish(item, Err(error)),
            Rejection::TooLarge => {
                let error = self.outlet.too_large(&item.parcel).await;
                self.finish(item, Err(error));
            }
            rejection => self.rejected.push((item, rejection)),
        }
    }

    /// Offers the first of the rejected until it is stored, and the others after it in their order.
    async fn recover(&mut self) {
        let mut rejected = std::mem::take(&mut self.rejected);
        rejected.sort_by_key(|(item, _)| item.index);
        let mut rejected = rejected.into_iter();
        let Some((mut first, rejection)) = rejected.next() else { return };
        if let Some((item, _)) = self.turn.take() {
            self.put_back(item);
        }
        for (mut item, _) in rejected.rev() {
            item.is_repeated = true;
            self.again.push_front(item);
        }
        let outlet = Arc::clone(&self.outlet);
        let mut effort = Effort::new(&outlet, &first.parcel, None);
        let result = effort.make(&first.trace, Some(rejection)).await;
        first.throttled += effort.throttled;
        self.finish(first, result);
    }

    fn finish(&mut self, item: Item, result: Result<Receipt, PublishError>) {
        if let Some(key) = &item.key {
            self.keys.remove(key);
        }
        self.outlet.counters.waited(item.throttled);
        item.trace.end(&result, item.throttled);
        let (index, id) = (item.index, item.parcel.id);
        self.put(index, result.map_err(|error| Unpublished { index, id: id.as_str().to_owned(), error }));
    }

    fn put(&mut self, index: u64, result: Result<Receipt, Unpublished>) {
        let place = usize::try_from(index - self.first).expect("no more than the window");
        self.results[place] = Some(result);
    }
}
