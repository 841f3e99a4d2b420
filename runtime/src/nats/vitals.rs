//! How a server and the streams on it are doing, for who has to find out what is wrong.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::account::Account;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{ClusterInfo, Config, DiscardPolicy};
use serde::Deserialize;
use tokio::time::Instant;

use super::provision::ask;
use super::{Connection, ProvisionError};
use crate::message::timestamp;

/// How often the server is asked before the fastest answer counts.
const ASKED: usize = 3;

/// How a server is doing.
#[derive(Debug, Clone)]
pub struct ServerVitals {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How long JetStream takes to answer.
    pub round_trip: Duration,
    /// What our account uses of the memory for streams.
    pub memory: Share,
    /// What our account uses of the disk for streams.
    pub storage: Share,
    /// How many streams our account has.
    pub streams: Share,
    /// How many consumers our account has.
    pub consumers: Share,
}

/// How a stream is doing.
#[derive(Debug, Clone)]
pub struct StreamVitals {
    /// Its name.
    pub name: String,
    /// How many messages it holds.
    pub messages: Share,
    /// How many bytes it holds.
    pub bytes: Share,
    /// How many servers shall keep a copy.
    pub replicas: usize,
    /// The copies that do not keep up or are away; `None` when the server is alone.
    pub late: Option<Vec<String>>,
    /// Whether it has a leader.
    pub is_led: bool,
    /// Whether it forgets its oldest messages when it is full.
    pub discards_old: bool,
    /// How far the server's clock is ahead of ours, at least; how far it is behind is `Err`.
    pub clock: Result<Duration, Duration>,
}

/// How much is used of what there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What is used.
    pub used: u64,
    /// The most there may be, if there is a limit.
    pub limit: Option<u64>,
}

#[derive(Deserialize)]
struct StreamInfo {
    config: Config,
    state: State,
    cluster: Option<ClusterInfo>,
    #[serde(with = "timestamp")]
    ts: SystemTime,
}

#[derive(Deserialize)]
struct State {
    messages: u64,
    bytes: u64,
}

impl Share {
    fn of(used: u64, limit: i64) -> Self {
        Self { used, limit: u64::try_from(limit).ok().filter(|limit| *limit > 0) }
    }

    /// How much of the limit is used, in percent.
    pub fn percent(self) -> Option<u64> {
        self.limit
            .map(|limit| u64::try_from(u128::from(self.used) * 100 / u128::from(limit)).unwrap_or(u64::MAX))
    }
}

impl ServerVitals {
    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer, or refuses to.
    pub async fn take(connection: &Connection) -> Result<Self, ProvisionError> {
        let (mut round_trip, mut account) = (Duration::MAX, Account::default());
        for _ in 0..ASKED {
            let asked = Instant::now();
            account = match ask::<Account>(connection, "INFO", None, "our account").await? {
                Response::Ok(account) => account,
                Response::Err { error } => {
                    return Err(ProvisionError::Refused { what: "our account".to_owned(), source: error });
                }
            };
            round_trip = round_trip.min(asked.elapsed());
        }
        let server = connection.client().server_info();
        Ok(Self::of(server.server_name, server.version, round_trip, &account))
    }

    fn of(name: String, version: String, round_trip: Duration, account: &Account) -> Self {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let limits = &account.limits;
        Self {
            name,
            version,
            round_trip,
            memory: Share::of(account.memory, limits.max_memory.unwrap_or(-1)),
            storage: Share::of(account.storage, limits.max_storage.unwrap_or(-1)),
            streams: Share::of(count(account.streams), limits.max_streams.unwrap_or(-1)),
            consumers: Share::of(count(account.consumers), limits.max_consumers.unwrap_or(-1)),
        }
    }
}

impl StreamVitals {
    /// Asks the server about a stream; `None` when there is none.
    ///
    /// # Errors
    /// When it does not answer, or refuses to.
    pub async fn take(connection: &Connection, stream: &str) -> Result<Option<Self>, ProvisionError> {
        let what = format!("stream `{stream}`");
        let asked = SystemTime::now();
        let info = match ask::<StreamInfo>(connection, &format!("STREAM.INFO.{stream}"), None, &what).await? {
            Response::Ok(info) => info,
            Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => return Ok(None),
            Response::Err { error } => return Err(ProvisionError::Refused { what, source: error }),
        };
        Ok(Some(Self::of(info, asked, SystemTime::now())))
    }

    fn of(info: StreamInfo, asked: SystemTime, answered: SystemTime) -> Self {
        let StreamInfo { config, state, cluster, ts } = info;
        let late = |cluster: &ClusterInfo| {
            let late = cluster.replicas.iter().filter(|peer| peer.offline || !peer.current);
            late.map(|peer| peer.name.clone()).collect()
        };
        Self {
            name: config.name,
            messages: Share::of(state.messages, config.max_messages),
            bytes: Share::of(state.bytes, config.max_bytes),
            replicas: config.num_replicas,
            is_led: cluster.as_ref().is_none_or(|cluster| cluster.leader.is_some()),
            late: cluster.as_ref().filter(|cluster| cluster.name.is_some()).map(late),
            discards_old: config.discard == DiscardPolicy::Old,
            clock: ahead(ts, asked, answered),
        }
    }
}

/// How far `there` is ahead of our clock, or behind it: it was read somewhere between the question and the answer.
fn ahead(there: SystemTime, asked: SystemTime, answered: SystemTime) -> Result<Duration, Duration> {
    if let Ok(ahead) = there.duration_since(answered) {
        return Ok(ahead);
    }
    match asked.duration_since(there) {
        Ok(behind) if behind > Duration::ZERO => Err(behind),
        _ => Ok(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::account::Limits;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_clock_that_was_read_between_question_and_answer_is_right() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);

        assert_eq!(ahead(at(15), at(10), at(20)), Ok(Duration::ZERO));
        assert_eq!(ahead(at(25), at(10), at(20)), Ok(Duration::from_secs(5)));
        assert_eq!(ahead(at(7), at(10), at(20)), Err(Duration::from_secs(3)));
    }

    #[test]
    fn no_limit_has_no_share() {
        assert_eq!(Share::of(7, -1).percent(), None);
        assert_eq!(Share::of(7, 10).percent(), Some(70));
    }

    #[test]
    fn the_limits_of_the_account_are_held_against_what_is_used() {
        let limits = Limits {
            max_memory: Some(10),
            max_storage: Some(20),
            max_streams: Some(30),
            max_consumers: Some(40),
            ..Limits::default()
        };
        let account =
            Account { memory: 1, storage: 2, streams: 3, consumers: 4, limits, ..Account::default() };

        let vitals = ServerVitals::of("n1".to_owned(), "2.15.1".to_owned(), Duration::ZERO, &account);

        let shares = [vitals.memory, vitals.storage, vitals.streams, vitals.consumers];
        let expected = [(1, 10), (2, 20), (3, 30), (4, 40)];
        assert_eq!(shares, expected.map(|(used, limit)| Share { used, limit: Some(limit) }));
    }

    fn stream(cluster: &Value) -> StreamVitals {
        let info = json!({
            "config": {
                "name": "ORDERS", "subjects": ["orders.*"], "num_replicas": 3, "discard": "old", "max_msgs": 10,
                "max_bytes": 20, "max_consumers": -1, "retention": "limits", "storage": "file", "max_age": 0,
                "max_msgs_per_subject": -1, "duplicate_window": 0,
            },
            "state": { "messages": 1, "bytes": 2 },
            "cluster": cluster,
            "ts": "2026-11-22T03:04:05.678Z",
        });
        let now = SystemTime::now();
        StreamVitals::of(serde_json::from_value(info).expect("what a server answers"), now, now)
    }

    #[test]
    fn copies_that_do_not_keep_up_or_are_away_are_late_and_a_stream_may_have_no_leader() {
        let peer = |name: &str, current: bool, offline: bool| json!({ "name": name, "current": current, "offline": offline, "active": 0 });
        let replicas = [peer("n2", true, false), peer("n3", false, false), peer("n4", true, true)];
        let led = stream(&json!({ "name": "C", "leader": "n1", "replicas": replicas }));
        let unled = stream(&json!({ "name": "C", "replicas": [] }));
        let alone = stream(&json!({ "leader": "n1" }));

        assert_eq!(led.late, Some(vec!["n3".to_owned(), "n4".to_owned()]));
        assert_eq!((led.is_led, unled.is_led, alone.is_led), (true, false, true));
        assert_eq!((led.discards_old, led.replicas, alone.late), (true, 3, None));
        assert_eq!((led.messages.percent(), led.bytes.percent()), (Some(10), Some(10)));
    }
}
