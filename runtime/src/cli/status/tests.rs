//! What the picture shows of entries and consumers as they may be.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::evidence::{Consumer, Evidence};
use super::picture::Picture;
use super::text;
use crate::message::timestamp;
use crate::message::{Flow, FlowState, Mark, Pressure, ShardId};
use crate::nats::{Backlog, MemberEntry, StoredFlow};
use crate::port::Revision;

/// The server's clock.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// By the clock of the instances, which is an hour late: so long before the entry was written.
fn earlier(seconds: u64) -> String {
    timestamp::format(now() - Duration::from_secs(3600 + seconds))
}

pub(super) fn shard(actor: &str, shard: u32, state: &str) -> Value {
    json!({
        "actor": actor, "shard": shard, "state": state, "since": earlier(75), "in_flight": 12, "running": 3,
        "done": 4711, "dead_letters": 2, "last_progress": earlier(1),
    })
}

/// An entry that the server stored so long ago.
pub(super) fn entry(
    name: &str,
    seen: Duration,
    fingerprint: &str,
    state: &str,
    shards: &[Value],
) -> MemberEntry {
    let value = json!({
        "instance": name, "version": "1.2.3", "fingerprint": fingerprint, "host": "host", "pid": 4711,
        "started": earlier(8000), "written": earlier(0), "state": state,
        "reason": (state == "standby").then_some("the topology differs"), "shards": shards,
    });
    MemberEntry {
        key: name.to_owned(),
        revision: Revision(1),
        stored: now() - seen,
        value: Some(value.to_string().into()),
    }
}

fn consumer(actor: &str, shard: u32, backlog: Option<Backlog>) -> Consumer {
    let shard = ShardId { actor: actor.into(), shard };
    Consumer { shard, stream: "ORDERS".to_owned(), backlog }
}

pub(super) fn evidence(entries: Vec<MemberEntry>) -> Evidence {
    let backlog = Some(Backlog { waiting: 120, unsettled: 14 });
    let consumers = vec![consumer("payments", 0, backlog), consumer("payments", 1, backlog)];
    Evidence {
        topology: "shop".to_owned(),
        failover: Duration::from_secs(2),
        now: now(),
        entries,
        consumers,
        flows: Vec::new(),
        controls: Vec::new(),
    }
}

fn shown(evidence: &Evidence) -> String {
    text::render(&Picture::of(evidence))
}

pub(super) const FRESH: Duration = Duration::from_millis(412);
const STALE: Duration = Duration::from_secs(44);

#[test]
fn work_that_is_shared_well_has_no_findings() {
    let web_0 = entry("web-0", FRESH, "9f", "working", &[shard("payments", 1, "working")]);
    let web_1 = entry("web-1", FRESH, "9f", "working", &[shard("payments", 0, "taking_over")]);

    insta::assert_snapshot!(shown(&evidence(vec![web_1, web_0])), @r"
    INSTANCE  HOST  PID   VERSION  STATE    UP      SEEN
    web-0     host  4711  1.2.3    working  2h 13m  0.4s ago
    web-1     host  4711  1.2.3    working  2h 13m  0.4s ago

    ACTOR     SHARD  STREAM  OWNER  STATE        SINCE   WAITING  IN FLIGHT  RUNNING  PROGRESS
    payments  0      ORDERS  web-1  taking over  1m 15s  120      14         3        1.4s ago
    payments  1      ORDERS  web-0  working      1m 15s  120      14         3        1.4s ago

    nothing is wrong
    ");
}

#[test]
fn what_is_wrong_is_said_at_the_end() {
    let dead = entry("dead", STALE, "9f", "working", &[shard("payments", 0, "working")]);
    let heir = entry("heir", FRESH, "9f", "working", &[shard("payments", 0, "waiting")]);
    let other = entry("other", FRESH, "77", "standby", &[]);

    insta::assert_snapshot!(shown(&evidence(vec![dead, heir, other])), @r"
    INSTANCE  HOST  PID   VERSION  STATE    UP      SEEN
    dead      host  4711  1.2.3    silent   2h 14m  44s ago
    heir      host  4711  1.2.3    working  2h 13m  0.4s ago
    other     host  4711  1.2.3    standby  2h 13m  0.4s ago

    ACTOR     SHARD  STREAM  OWNER  STATE   SINCE   WAITING  IN FLIGHT  RUNNING  PROGRESS
    payments  0      ORDERS  dead   silent  1m 59s  120      14         3        45s ago
    payments  1      ORDERS  -      -       -       120      14         -        -

    Findings
      - `dead` was last heard 44s ago and has not left: it died, hangs, or is cut off from NATS
      - `other` stands by: the topology differs
      - shard payments/0 was last had by `dead`, which is silent; `heir` waits for it
      - shard payments/1 has no owner; nobody waits for it
    ");
}

#[test]
fn entries_that_disagree_are_named() {
    let both = ["a", "b"].map(|name| shard(if name == "a" { "payments" } else { "stock" }, 0, "working"));
    let a = entry("a", FRESH, "9f", "working", &[shard("payments", 0, "working")]);
    let b = entry("b", FRESH, "77", "working", &both);
    let c = entry("failing", FRESH, "9f", "working", &[shard("payments", 1, "failed")]);
    let forged = MemberEntry { key: "c".to_owned(), ..a.clone() };
    let gone = MemberEntry { key: "d".to_owned(), value: None, ..a.clone() };
    let mut evidence = evidence(vec![a, b, c, forged, gone]);
    evidence.consumers[1].backlog = None;

    let findings = Picture::of(&evidence).findings.join("\n");

    insta::assert_snapshot!(findings, @r"
    `failing` has failed at shard payments/1: its partitions died too often, see `partition died` in its log; it takes the shard again after a restart
    instances with different topologies work at once: `b` against `a`, `failing`; drain all but one of these groups
    `a`, `b` say that they have shard payments/0; only one of them can pull, so this passes when it changes hands
    shard payments/1 has no consumer on stream `ORDERS`; `tidegate run` creates it
    `b` has shards that this topology does not have: stock/0; it runs another one
    the entry `c` in the bucket of members cannot be read
    ");
}

#[test]
fn entities_that_are_hot_or_wait_are_named() {
    let mut web = entry("web", FRESH, "9f", "working", &[shard("payments", 0, "working")]);
    let mut dead = entry("dead", STALE, "9f", "working", &[]);
    with_actors(&mut web, json!([outstanding()]));
    with_actors(&mut dead, json!([{ "actor": "payments", "waits": 5 }]));
    let picture = Picture::of(&evidence(vec![web, dead]));

    let text = text::render(&picture);
    let json = serde_json::to_value(&picture).expect("JSON");

    let entities = text.split("\n\n").find(|table| table.starts_with("ACTOR     ENTITY")).expect("a table");
    insta::assert_snapshot!(entities, @r"
    ACTOR     ENTITY  INSTANCE  IS            SINCE  WHY
    payments  ada     web       hot           -      512 attempts in the last minute, 4.2s together
    payments  bob     web       retry         12s    goes on in 3.1s: no stock
    payments  eve     web       emit_blocked  1.4s   the stream is full
    ");
    assert_eq!(json["actors"][0]["p99_seconds"], 0.0412);
    assert_eq!(json["actors"][0]["waits"], 2);
    assert_eq!(json["actors"][0]["waiting"][0]["left_seconds"], 3.088);
}

/// What an instance tells about an actor in which something stands out.
pub(super) fn outstanding() -> Value {
    json!({
        "actor": "payments", "p99_us": 41_200, "waits": 2,
        "hot": [{ "key": "ada", "attempts": 512, "took_ms": 4200 }],
        "waiting": [
            { "key": "bob", "what": "retry", "why": "no stock", "for_ms": 12_000, "left_ms": 3500 },
            { "key": "eve", "what": "emit_blocked", "why": "the stream is full", "for_ms": 1000 },
        ],
    })
}

pub(super) fn with_actors(entry: &mut MemberEntry, actors: Value) {
    let value = entry.value.take().expect("an entry has a value");
    let mut value: Value = serde_json::from_slice(&value).expect("JSON");
    value["actors"] = actors;
    entry.value = Some(value.to_string().into());
}

#[test]
fn nobody_at_work_is_one_finding() {
    insta::assert_snapshot!(shown(&evidence(Vec::new())), @r"
    ACTOR     SHARD  STREAM  OWNER  STATE  SINCE  WAITING  IN FLIGHT  RUNNING  PROGRESS
    payments  0      ORDERS  -      -      -      120      14         -        -
    payments  1      ORDERS  -      -      -      120      14         -        -

    Findings
      - no instance runs `shop`: messages wait in their streams; `tidegate run` starts one
    ");
}

#[test]
fn programs_get_numbers() {
    let web = entry("web", FRESH, "9f", "working", &[shard("payments", 0, "working")]);

    let json = serde_json::to_value(Picture::of(&evidence(vec![web]))).expect("JSON");

    assert_eq!(json["instances"][0]["seen_seconds"], 0.412);
    assert_eq!(json["instances"][0]["up_seconds"], 8000.412);
    assert_eq!(json["shards"][0]["owner"]["since_seconds"], 75.412);
    assert_eq!(json["shards"][0]["waiting"], 120);
    assert_eq!(json["shards"][1]["owner"], Value::Null);
    assert_eq!(json["findings"][0], "shard payments/1 has no owner; nobody waits for it");
}

fn stream(name: &str, state: FlowState, said: Duration, pressure: Option<Pressure>) -> StoredFlow {
    let written = now() - Duration::from_hours(1);
    let flow = Flow {
        stream: name.to_owned(),
        subjects: Vec::new(),
        state,
        since: written - Duration::from_secs(75),
        rate: (state == FlowState::Slow).then_some(312.4),
        stored: 411.0,
        done: 298.0,
        pressure,
        full_in: None,
        holds: 5000,
        instance: "web".to_owned(),
        written,
    };
    StoredFlow { flow, at: now() - said }
}

#[test]
fn what_streams_cannot_take_is_told_with_the_reason() {
    let mut held_up = shard("payments", 0, "working");
    held_up["intake_stopped"] = json!({ "stream": "STOCK", "since": earlier(9) });
    let web = entry("web", FRESH, "9f", "working", &[held_up, shard("payments", 1, "working")]);
    let pressed = |actor: Option<&str>, partition| Pressure {
        mark: Mark::Messages,
        value: 50_000.0,
        low: 25_000.0,
        high: 50_000.0,
        actor: actor.map(str::to_owned),
        partition,
        since: now(),
    };
    let flows = vec![
        stream("ORDERS", FlowState::Open, FRESH, None),
        stream("PAYMENTS", FlowState::Slow, FRESH, Some(pressed(Some("stock"), None))),
        stream("STOCK", FlowState::Stop, FRESH, Some(pressed(Some("shipping"), Some(3)))),
        stream("NOTICES", FlowState::Stop, STALE, None),
    ];
    let evidence = Evidence { flows, ..evidence(vec![web]) };

    insta::assert_snapshot!(shown(&evidence), @r"
    INSTANCE  HOST  PID   VERSION  STATE    UP      SEEN
    web       host  4711  1.2.3    working  2h 13m  0.4s ago

    ACTOR     SHARD  STREAM  OWNER  STATE    SINCE   WAITING  IN FLIGHT  RUNNING  PROGRESS
    payments  0      ORDERS  web    working  1m 15s  120      14         3        1.4s ago
    payments  1      ORDERS  web    working  1m 15s  120      14         3        1.4s ago

    STREAM    FLOW     SINCE   MAY STORE  STORED  DONE   WHY
    ORDERS    open     1m 15s  -          411/s   298/s  -
    PAYMENTS  slow     1m 15s  312/s      411/s   298/s  50000 of 50000 messages wait for actor `stock`
    STOCK     stop     1m 15s  nothing    411/s   298/s  50000 of 50000 messages wait for actor `shipping`, most in partition 3
    NOTICES   unknown  1m 59s  -          411/s   298/s  -

    Findings
      - queue depth exceeding threshold on stream `PAYMENTS`: 50000 of 50000 messages wait for actor `stock`; publishers have been slowed down for 1m 15s; see what takes `stock` so long; give it more `concurrency`, `partitions` or instances
      - queue depth exceeding threshold on stream `STOCK`: 50000 of 50000 messages wait for actor `shipping`, most in partition 3; publishers have been stopped for 1m 15s; see what takes `shipping` so long, in partition 3 above all; one busy entity there holds up the others
      - nobody has said anything about stream `NOTICES` for 44s: its publishers feel only that it is full; see whether the instance that reckons it can read it
      - actor `payments` takes nothing in: its output `STOCK` is past its mark, so the cause is further down the line
    ");
    let json = serde_json::to_value(Picture::of(&evidence)).expect("JSON");
    assert_eq!(json["streams"][2]["state"], "stop");
    assert_eq!(json["streams"][2]["since_seconds"], 75.412);
    assert_eq!(json["streams"][2]["partition"], 3);
    assert_eq!(json["streams"][3]["state"], "unknown");
    assert_eq!(json["shards"][0]["owner"]["intake_stopped_by"], "STOCK");
}

#[test]
fn nothing_in_an_entry_steers_the_terminal() {
    let mut evil = entry("evil", FRESH, "9f", "standby", &[]);
    let value =
        evil.value.take().map(|value| String::from_utf8_lossy(&value).replace("differs", "\\u001b[2J"));
    evil.value = value.map(Into::into);

    assert!(!shown(&evidence(vec![evil])).contains('\u{1b}'));
}
