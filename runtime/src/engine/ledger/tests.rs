//! What the ledger counts and remembers.

use bytes::Bytes;

use super::*;

fn ledger() -> Ledger {
    Ledger::new(Room { messages: 4, bytes: 100 }, Arc::default())
}

fn admit(ledger: &Ledger, sequence: u64) -> Admission {
    admit_published(ledger, sequence, sequence)
}

fn admit_published(ledger: &Ledger, sequence: u64, seconds: u64) -> Admission {
    let published = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let (partition, queue) = (PartitionId(0), Queue::Alone(sequence));
    let (receipt, at) = (Receipt(Bytes::new()), Instant::now());
    ledger.admit(Arriving { sequence, published, receipt, partition, queue, bytes: 10, at })
}

fn admitted(admission: Admission) -> Arc<Lease> {
    match admission {
        Admission::Admitted(lease) => lease,
        Admission::InFlight | Admission::Settled(_) => panic!("not admitted"),
    }
}

#[tokio::test(start_paused = true)]
async fn counts_messages_and_bytes() {
    let ledger = ledger();

    admit(&ledger, 1);
    let second = admitted(admit(&ledger, 2));
    ledger.release(2, &second, Release::Settled);

    assert_eq!(ledger.room(), Room { messages: 3, bytes: 90 });
}

#[tokio::test(start_paused = true)]
async fn knows_what_is_under_way_and_what_is_settled() {
    let ledger = ledger();

    let first = admitted(admit(&ledger, 1));
    assert!(matches!(admit(&ledger, 1), Admission::InFlight));
    ledger.release(1, &first, Release::Settled);
    assert!(matches!(admit(&ledger, 1), Admission::Settled(_)));

    let second = admitted(admit(&ledger, 2));
    ledger.release(2, &second, Release::HandedBack);
    assert!(matches!(admit(&ledger, 2), Admission::Admitted(_)));
}

#[tokio::test(start_paused = true)]
async fn floor_follows_the_lowest_in_flight() {
    let floor = Arc::new(AtomicU64::new(0));
    let ledger = Ledger::new(Room { messages: 4, bytes: 100 }, Arc::clone(&floor));

    let [five, six, seven] = [5, 6, 7].map(|sequence| admitted(admit(&ledger, sequence)));
    ledger.release(6, &six, Release::Settled);
    assert_eq!(floor.load(Ordering::Relaxed), 5);
    ledger.release(5, &five, Release::Settled);
    assert_eq!(floor.load(Ordering::Relaxed), 7);
    ledger.release(7, &seven, Release::Settled);
    assert_eq!(floor.load(Ordering::Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn floor_stays_below_what_was_handed_back_or_is_expected() {
    let floor = Arc::new(AtomicU64::new(0));
    let ledger = Ledger::new(Room { messages: 4, bytes: 100 }, Arc::clone(&floor));
    ledger.expect([4, 9]);

    let [nine, ten] = [9, 10].map(|sequence| admitted(admit(&ledger, sequence)));
    assert_eq!(floor.load(Ordering::Relaxed), 4);
    let four = admitted(admit(&ledger, 4));
    ledger.release(4, &four, Release::Settled);
    ledger.release(9, &nine, Release::HandedBack);
    ledger.release(10, &ten, Release::Settled);

    assert_eq!(floor.load(Ordering::Relaxed), 9);
}

#[tokio::test(start_paused = true)]
async fn renews_leases_but_not_those_of_hanging_attempts() {
    let ledger = ledger();
    let hanging = admitted(admit(&ledger, 1));
    admit(&ledger, 2);
    hanging.begin(Instant::now() + Duration::from_secs(1));

    tokio::time::advance(Duration::from_millis(1500)).await;
    assert_eq!(ledger.due(Duration::from_secs(1)).len(), 2);
    tokio::time::advance(Duration::from_millis(1500)).await;
    assert_eq!(ledger.due(Duration::from_secs(1)).len(), 1);
    hanging.end();
    assert_eq!(ledger.due(Duration::from_secs(1)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tells_what_is_missing_between_floor_and_last() {
    let ledger = ledger();
    admit(&ledger, 3);
    admit(&ledger, 5);

    assert_eq!(ledger.missing(2, 5), (vec![4], 2));
    // A consumer that was created again has a floor and nothing delivered.
    assert_eq!(ledger.missing(4, 0), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_created_again_is_not_taken_for_the_old_one() {
    let ledger = ledger();
    let settled = admitted(admit(&ledger, 1));
    let under_way = admitted(admit(&ledger, 2));
    ledger.release(1, &settled, Release::Settled);

    assert!(matches!(admit_published(&ledger, 1, 100), Admission::Admitted(_)));
    assert!(matches!(admit_published(&ledger, 2, 101), Admission::Admitted(_)));
    ledger.release(2, &under_way, Release::Settled);

    assert!(under_way.is_revoked());
    assert_eq!(ledger.len(), 2);
}
