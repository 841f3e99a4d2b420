//! What the doctor says of servers as they may be.

use std::time::Duration;

use super::evidence::{Differences, Evidence};
use super::{checkup, render};
use crate::cli::status::Sharing;
use crate::nats::{Backlog, Difference, Orphan, OrphanKind, ServerVitals, Share, Stranded, StreamVitals};

fn share(used: u64, limit: Option<u64>) -> Share {
    Share { used, limit }
}

fn stream(name: &str, messages: u64) -> StreamVitals {
    StreamVitals {
        name: name.to_owned(),
        messages: share(messages, None),
        bytes: share(messages * 100, Some(100_000)),
        replicas: 1,
        late: None,
        is_led: true,
        discards_old: false,
        clock: Ok(Duration::from_millis(3)),
    }
}

fn well() -> Evidence {
    let backlog = Some(Backlog { waiting: 12, unsettled: 3 });
    Evidence {
        topology: "shop".to_owned(),
        server: ServerVitals {
            name: "n1".to_owned(),
            version: "2.15.1".to_owned(),
            round_trip: Duration::from_micros(400),
            memory: share(0, None),
            storage: share(1, Some(100)),
            streams: share(7, None),
            consumers: share(2, None),
        },
        streams: vec![stream("ORDERS", 120), stream("shop-dead-letters", 0)],
        letters: "shop-dead-letters".to_owned(),
        drift: Differences::default(),
        sharing: Sharing {
            is_working: true,
            instances: vec![("web-0".to_owned(), "1.2.3".to_owned())],
            findings: Vec::new(),
            shards: vec![("payments/0".to_owned(), backlog)],
        },
    }
}

#[test]
fn what_is_well_is_told_in_a_few_lines() {
    insta::assert_snapshot!(render(&checkup::of(&well())), @r"
    ok       connection    nats-server 2.15.1 `n1`, jetstream answers within 0.4 ms
    ok       clock         the server's clock and ours agree
    ok       jetstream     7 streams, 2 consumers, no limit is near
    ok       stream        stream `ORDERS`: 120 messages, full to 12 %
    ok       stream        stream `shop-dead-letters`: 0 messages, full to 0 %
    ok       topology      the server has what the topology needs
    ok       consumer      payments/0: waiting 12, in flight 3
    ok       instances     1 share the work, nothing is wrong with that
    ok       dead letters  none
    errors 0, warnings 0
    ");
}

#[test]
fn every_trouble_has_its_cure() {
    let mut evidence = well();
    evidence.server.round_trip = Duration::from_millis(120);
    evidence.server.storage = share(96, Some(100));
    evidence.streams = vec![
        StreamVitals { discards_old: true, clock: Err(Duration::from_secs(9)), ..stream("ORDERS", 900) },
        StreamVitals { late: Some(Vec::new()), clock: Err(Duration::from_secs(9)), ..stream("STOCK", 970) },
        StreamVitals { clock: Err(Duration::from_secs(8)), ..stream("shop-dead-letters", 5) },
    ];
    evidence.drift.missing = vec!["consumer `shop-payments` of stream `ORDERS`".to_owned()];
    evidence.drift.stranded = vec![Stranded::Exhausted {
        stream: "ORDERS".to_owned(),
        consumer: "shop-payments".to_owned(),
        advisories: 2,
    }];
    evidence.sharing.instances.push(("web-1".to_owned(), "1.3.0".to_owned()));
    evidence.sharing.findings = vec!["no instance runs `shop`; `tidegate run` starts one".to_owned()];
    evidence.sharing.is_working = false;

    insta::assert_snapshot!(render(&checkup::of(&evidence)), @r"
    warning  connection    nats-server 2.15.1 `n1`, jetstream answers within 120.0 ms
                           → run the topology nearer to the server, or give the server more room: each message waits for several answers
    warning  clock         the server's clock is 8 s behind ours
                           → synchronise the clocks (NTP): the times in dead letters and logs do not fit together; nothing else depends on it
    error    jetstream     96 % of the disk that jetstream may use are used
                           → raise `max_storage` of the account or `max_file` of the server, or remove what is not needed
    warning  stream        stream `ORDERS` is full to 90 % of its bytes; full, it refuses publishers
                           → see `tidegate status` for the actor that is behind; raise the limit, or shorten `max_age`
    warning  stream        stream `ORDERS` forgets its oldest messages when it is full, handled or not
                           → `nats stream edit --discard new`
    error    stream        stream `STOCK` is full to 97 % of its bytes; full, it refuses publishers
                           → see `tidegate status` for the actor that is behind; raise the limit, or shorten `max_age`
    warning  stream        stream `STOCK` is on one server of a cluster only, and stops with it
                           → set `replicas = 3` in the topology, then `tidegate apply`
    ok       stream        stream `shop-dead-letters`: 5 messages, full to 0 %
    error    topology      consumer `shop-payments` of stream `ORDERS` is missing
                           → `tidegate apply` or `tidegate run` creates it; see also whether this is the right server
    warning  topology      2 advisories about consumer `shop-payments` that nobody has looked at
                           → `tidegate run` makes dead letters of what the server has given up
    ok       consumer      payments/0: waiting 12, in flight 3
    warning  instances     instances of different versions: 1.2.3, 1.3.0
                           → finish the roll-out
    error    instances     no instance runs `shop`
                           → `tidegate run` starts one
    warning  dead letters  5 held
                           → `tidegate dead-letters groups` tells why; then `replay` or `purge` them
    errors 4, warnings 8
    ");
}

#[test]
fn copies_that_are_away_and_a_stream_that_nobody_leads_are_told() {
    let mut evidence = well();
    evidence.streams[0].late = Some(vec!["n2".to_owned(), "n3".to_owned()]);
    evidence.streams[1].is_led = false;

    let text = render(&checkup::of(&evidence));

    assert!(
        text.contains("warning  stream        copies of stream `ORDERS` are late or away: n2, n3\n"),
        "{text}"
    );
    assert!(text.contains("error    stream        stream `shop-dead-letters` has no leader"), "{text}");
}

#[test]
fn every_limit_of_the_account_is_told_when_it_is_near() {
    for (of_what, change) in [
        ("disk", (|server| server.storage = share(9, Some(10))) as fn(&mut ServerVitals)),
        ("memory", |server| server.memory = share(9, Some(10))),
        ("streams", |server| server.streams = share(9, Some(10))),
        ("consumers", |server| server.consumers = share(9, Some(10))),
    ] {
        let mut evidence = well();
        change(&mut evidence.server);

        let text = render(&checkup::of(&evidence));

        assert!(text.contains(&format!("90 % of the {of_what} that jetstream may use are used")), "{text}");
    }
}

#[test]
fn what_the_topology_left_behind_and_what_is_not_as_it_needs_is_told_with_the_cure() {
    let mut evidence = well();
    evidence.drift = Differences {
        differing: vec![Difference {
            what: "stream `ORDERS`".to_owned(),
            field: "discard",
            declared: "new".to_owned(),
            actual: "old".to_owned(),
        }],
        orphans: vec![Orphan {
            name: "ORDERS/shop-former".to_owned(),
            kind: OrphanKind::Consumer,
            messages: 7,
        }],
        stranded: vec![Stranded::Unwanted {
            stream: "ORDERS".to_owned(),
            messages: 3,
            subject: "orders.7.seen".to_owned(),
        }],
        warnings: vec!["consumer `shop-payments` is paused, its actor gets nothing".to_owned()],
        ..Differences::default()
    };

    let text = render(&checkup::of(&evidence));

    let topology: Vec<&str> = text.lines().filter(|line| line.contains("  topology  ")).collect();
    insta::assert_snapshot!(topology.join("\n"), @r"
    error    topology      stream `ORDERS`: discard is old, the topology needs new
    warning  topology      consumer `ORDERS/shop-former` is needed no more (7 messages)
    ok       topology      3 messages in stream `ORDERS` are of no actor, such as `orders.7.seen`
    warning  topology      consumer `shop-payments` is paused, its actor gets nothing
    ");
    assert!(text.contains("→ `tidegate apply --delete ORDERS/shop-former --yes`"), "{text}");
}
