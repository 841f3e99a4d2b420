//! Gates without a server, on accelerated time.

use std::time::SystemTime;

use tokio::task::JoinSet;
use tokio::time::{advance, interval, timeout};

use super::*;

const TICK: Duration = Duration::from_millis(10);

fn flow(state: FlowState, rate: f64) -> Arc<Flow> {
    Arc::new(Flow {
        stream: "ORDERS".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        state,
        since: SystemTime::UNIX_EPOCH,
        rate: (state == FlowState::Slow).then_some(rate),
        stored: 0.0,
        done: 0.0,
        pressure: None,
        full_in: None,
        holds: 5000,
        instance: "tests".to_owned(),
        written: SystemTime::UNIX_EPOCH,
    })
}

fn gate() -> (Arc<Gate>, Arc<AtomicUsize>) {
    let closed = Arc::<AtomicUsize>::default();
    (Arc::new(Gate::new("ORDERS".to_owned(), Arc::clone(&closed))), closed)
}

/// What the keeper of the flow does.
async fn keep(gate: &Gate, time: Duration) {
    let mut tick = interval(TICK);
    drop(
        timeout(time, async {
            loop {
                tick.tick().await;
                gate.tick(Instant::now());
            }
        })
        .await,
    );
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn is_closed_only_while_the_flow_says_so() {
    let (gate, closed) = gate();
    let closed = || closed.load(Ordering::Relaxed);

    assert!(gate.try_pass().is_ok());
    gate.set(Some(flow(FlowState::Stop, 0.0)));
    assert_eq!((closed(), gate.try_pass().map_err(|closed| closed.cause)), (1, Err(Cause::Stopped)));
    gate.set(Some(flow(FlowState::Slow, 10.0)));
    assert_eq!((closed(), gate.try_pass().map_err(|closed| closed.cause)), (1, Err(Cause::Slow)));
    gate.set(Some(flow(FlowState::Open, 0.0)));
    assert_eq!((closed(), gate.try_pass()), (0, Ok(())));
    gate.set(Some(flow(FlowState::Stop, 0.0)));
    gate.set(None);
    assert_eq!((closed(), gate.try_pass()), (0, Ok(())));
    assert!(gate.takes("orders.1"), "a stream that is not heard of any more is still the same");
}

#[tokio::test(start_paused = true)]
async fn serves_in_the_order_of_arrival_at_the_rate() {
    let (gate, _) = gate();
    gate.set(Some(flow(FlowState::Slow, 100.0)));
    let mut waiting = JoinSet::new();
    for number in 0..1000 {
        let gate = Arc::clone(&gate);
        waiting.spawn(async move {
            gate.pass().await;
            number
        });
        tokio::task::yield_now().await;
    }

    keep(&gate, Duration::from_secs(5)).await;
    settle().await;
    let mut passed = Vec::new();
    while let Some(Ok(number)) = waiting.try_join_next() {
        passed.push(number);
    }

    assert!((495..=511).contains(&passed.len()), "{} passed in 5 s at 100/s", passed.len());
    assert!(passed.is_sorted(), "{passed:?}");
    gate.set(Some(flow(FlowState::Open, 0.0)));
    assert_eq!(waiting.join_all().await.len() + passed.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn nobody_passes_a_stop_on_a_turn_that_was_left_over() {
    let (gate, _) = gate();
    gate.set(Some(flow(FlowState::Slow, 100.0)));
    keep(&gate, Duration::from_secs(5)).await;

    gate.set(Some(flow(FlowState::Stop, 0.0)));

    assert!(gate.try_pass().is_err());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_no_gap() {
    let (gate, _) = gate();
    gate.set(Some(flow(FlowState::Slow, 1.0)));
    let impatient = timeout(Duration::from_millis(1), gate.pass()).await;
    let next = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.pass().await }
    });

    keep(&gate, Duration::from_millis(1500)).await;

    assert!(impatient.is_err());
    assert!(next.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn one_probes_a_full_stream_and_the_next_when_it_gives_up() {
    let (gate, closed) = gate();
    gate.set(Some(flow(FlowState::Open, 0.0)));

    let probe = gate.refused_as_full().expect("the first probes");
    assert!(gate.refused_as_full().is_none(), "two probe");
    assert_eq!(gate.try_pass().map_err(|closed| closed.cause), Err(Cause::Full));
    let next = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.pass().await }
    });
    settle().await;
    drop(probe);
    assert!(next.await.expect("no panic"));
    assert!(gate.refused_as_full().is_some(), "nobody probes");
    gate.stored();

    assert_eq!((closed.load(Ordering::Relaxed), gate.try_pass()), (0, Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_longer_each_time_but_not_for_a_change() {
    let (gate, _) = gate();
    gate.set(Some(flow(FlowState::Open, 0.0)));
    let mut probe = gate.refused_as_full().expect("the first probes");
    let began = Instant::now();

    for _ in 0..6 {
        probe.wait().await;
    }
    let six_waits = began.elapsed();
    let ((), ()) = tokio::join!(probe.wait(), async {
        settle().await;
        gate.set(Some(flow(FlowState::Open, 0.0)));
    });

    assert_eq!(six_waits.as_millis(), 50 + 100 + 200 + 400 + 800 + 1000);
    assert_eq!(began.elapsed(), six_waits);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_not_polled_keeps_up_nobody_for_long() {
    let (gate, _) = gate();
    gate.set(Some(flow(FlowState::Open, 0.0)));
    let _idle = gate.refused_as_full().expect("the first probes");
    let next = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.pass().await }
    });

    keep(&gate, Duration::from_secs(6)).await;

    assert!(next.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn our_share_is_what_we_had_before() {
    let (gate, _) = gate();
    gate.set(Some(Arc::new(Flow { stored: 1000.0, ..Flow::clone(&flow(FlowState::Open, 0.0)) })));
    for _ in 0..40 {
        (0..125).for_each(|_| gate.stored());
        advance(Duration::from_millis(500)).await;
        gate.measure(Instant::now());
    }

    // A stop, in which nobody stores, does not cost it.
    gate.set(Some(flow(FlowState::Stop, 0.0)));
    for _ in 0..40 {
        advance(Duration::from_millis(500)).await;
        gate.measure(Instant::now());
    }
    gate.set(Some(Arc::new(Flow { stored: 1000.0, ..Flow::clone(&flow(FlowState::Slow, 400.0)) })));
    let mut passed = 0;
    for _ in 0..200 {
        advance(TICK).await;
        gate.tick(Instant::now());
        while gate.try_pass().is_ok() {
            passed += 1;
        }
    }

    assert!((180..=220).contains(&passed), "{passed} in 2 s with a quarter of 400/s");
}
