//! Who is alive: judged by what changes while we look, never by anybody's clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::message::{InstanceId, Member};
use crate::port::{Revision, Sighting};

/// The entries of the bucket of members, and when we saw each of them change.
#[derive(Debug)]
pub(crate) struct Roster {
    failover: Duration,
    known: BTreeMap<InstanceId, Known>,
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    revision: Revision,
    changed: Instant,
    /// `None` when it has left.
    member: Option<Member>,
}

impl Roster {
    /// Takes an instance for gone when its entry has not changed for `failover`.
    pub(crate) fn new(failover: Duration) -> Self {
        Self { failover, known: BTreeMap::new(), looked: None }
    }

    /// Takes in what the bucket holds at `now`.
    ///
    /// An instance whose entry is missing is not gone at once: the bucket may have been deleted under it. A time in
    /// which we did not look counts for nobody: while the broker was away, or we were frozen, nobody could be seen.
    pub(crate) fn observe(&mut self, sightings: Vec<Sighting>, now: Instant) {
        let unseen = now.saturating_duration_since(self.looked.replace(now).unwrap_or(now));
        let excused = if unseen > self.failover / 2 { unseen } else { Duration::ZERO };
        let mut missing = std::mem::take(&mut self.known);
        for Sighting { instance, revision, member } in sightings {
            let changed = match missing.remove(&instance) {
                Some(known) if known.revision == revision => known.changed + excused,
                _ => now,
            };
            self.known.insert(instance, Known { revision, changed, member });
        }
        for (instance, known) in missing {
            let known = Known { changed: known.changed + excused, ..known };
            if self.is_alive(&known, now) {
                self.known.insert(instance, known);
            }
        }
    }

    /// Those that are alive at `now`, whatever they do, with the revisions of their entries.
    pub(crate) fn live(&self, now: Instant) -> impl Iterator<Item = (&Member, Revision)> {
        let alive = self.known.values().filter(move |known| self.is_alive(known, now));
        alive.filter_map(|known| known.member.as_ref().map(|member| (member, known.revision)))
    }

    fn is_alive(&self, known: &Known, now: Instant) -> bool {
        now.saturating_duration_since(known.changed) < self.failover
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::message::MemberState;

    const FAILOVER: Duration = Duration::from_secs(2);

    fn id(name: &str) -> InstanceId {
        name.parse().expect("a valid id")
    }

    fn sighting(name: &str, revision: u64) -> Sighting {
        let member = Member {
            instance: id(name),
            version: String::new(),
            fingerprint: String::new(),
            sections: BTreeMap::new(),
            host: String::new(),
            pid: 1,
            started: SystemTime::UNIX_EPOCH,
            written: SystemTime::UNIX_EPOCH,
            state: MemberState::Working,
            reason: None,
            claim: None,
            shards: Vec::new(),
            alerts: Vec::new(),
            actors: Vec::new(),
        };
        Sighting { instance: id(name), revision: Revision(revision), member: Some(member) }
    }

    /// Who is alive after these looks, each so many milliseconds after the start.
    fn alive(looks: &[(u64, Vec<Sighting>)]) -> Vec<String> {
        let start = Instant::now();
        let mut roster = Roster::new(FAILOVER);
        let mut now = start;
        for (at, sightings) in looks {
            now = start + Duration::from_millis(*at);
            roster.observe(sightings.clone(), now);
        }
        roster.live(now).map(|(member, _)| member.instance.to_string()).collect()
    }

    #[test]
    fn whoever_is_seen_for_the_first_time_is_alive() {
        assert_eq!(alive(&[(0, vec![sighting("a", 7)])]), ["a"]);
    }

    #[test]
    fn an_entry_that_does_not_change_is_of_somebody_gone() {
        let looks = |last| {
            let unchanged =
                (0..last).map(|look| (look * 500, vec![sighting("a", 7), sighting("b", 10 + look)]));
            alive(&unchanged.collect::<Vec<_>>())
        };

        assert_eq!(looks(4), ["a", "b"]);
        assert_eq!(looks(5), ["b"]);
    }

    #[test]
    fn whoever_has_left_is_gone_at_once() {
        let left = Sighting { member: None, ..sighting("a", 8) };

        assert!(alive(&[(0, vec![sighting("a", 7)]), (500, vec![left])]).is_empty());
    }

    #[test]
    fn a_missing_entry_is_gone_only_with_time() {
        let first = (0, vec![sighting("a", 7)]);

        assert_eq!(alive(&[first.clone(), (1000, vec![])]), ["a"]);
        assert!(alive(&[first, (1000, vec![]), (2000, vec![])]).is_empty());
    }

    #[test]
    fn a_time_in_which_we_did_not_look_counts_for_nobody() {
        let unchanged = |at| (at, vec![sighting("a", 7)]);

        assert_eq!(alive(&[unchanged(0), unchanged(60_000)]), ["a"]);
        assert_eq!(alive(&[unchanged(0), unchanged(60_000), unchanged(61_000), unchanged(61_999)]), ["a"]);
        assert!(alive(&[unchanged(0), unchanged(60_000), unchanged(61_000), unchanged(62_000)]).is_empty());
    }

    #[test]
    fn a_bucket_that_counts_anew_is_a_change() {
        assert_eq!(
            alive(&[(0, vec![sighting("a", 700)]), (1000, vec![]), (1900, vec![sighting("a", 1)])]),
            ["a"]
        );
    }
}
