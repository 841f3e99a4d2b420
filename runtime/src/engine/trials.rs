//! Tries that survive the process: written down before they begin, so that a message which kills the process is known.
//!
//! That the first try of a message begins is not written down, which keeps the usual case free. That it failed is, and so
//! is every later one, and every try of a message that was delivered before.

use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate::Message;
use tracing::debug;

use super::crew::Crew;
use super::effects::{Interrupted, until_taken};
use crate::message::{Cause, Failure, ProcessId, nanos};
use crate::port::{Entry, Revision, Store, StoreError};

/// What an entity waits for whose tries cannot be written down.
const BLOCKED: &str = "attempt_blocked";

/// What is known of the tries of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trial {
    revision: Option<Revision>,
    record: Record,
}

/// The record of one message, readable with `nats kv get`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Record {
    /// When the message was published, in nanoseconds since the epoch: tells it from one of the same sequence in a
    /// stream that was deleted and created again.
    published: u64,
    /// The number of the try that runs or comes next; one that ended with the process is made again.
    attempt: u32,
    /// When the last one began, if it is not known to have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<u64>,
    /// The process in which it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<ProcessId>,
    /// How many tries ended with the process.
    crashes: u32,
    /// Whether the last try was made alone, so that the process can hardly have died of another message.
    is_alone: bool,
    /// How many of the crashes met a try that was made alone.
    crashes_alone: u32,
    /// Whether the message had been delivered before anything was written down.
    is_first_unknown: bool,
    failures: Vec<Failure>,
}

impl Trial {
    /// Reads what is known of a message that was delivered before; an entry that is not ours counts as absent, but its
    /// revision still guards it.
    fn of(message: &Message, entry: Option<Entry>, lives: impl Fn(&ProcessId) -> bool) -> Self {
        let revision = entry.as_ref().map(|entry| entry.revision);
        let record = entry.and_then(|entry| serde_json::from_slice::<Record>(&entry.value).ok());
        let record = record.filter(|record| record.published == nanos(message.published));
        let unknown = Record { is_first_unknown: true, ..Record::default() };
        let mut trial = Self { revision, record: record.unwrap_or(unknown) };
        trial.notice_crash(lives);
        trial
    }

    /// A try that began and never ended went with its process, unless that is this one: then it was broken off when we
    /// lost the shard, and perhaps could not write that down. Whether another process lives cannot be known so soon
    /// after its death.
    fn notice_crash(&mut self, lives: impl Fn(&ProcessId) -> bool) {
        let record = &mut self.record;
        let Some(began) = record.running.take() else { return };
        if record.process.as_ref().is_some_and(lives) {
            return;
        }
        let began = SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(began);
        let text = "the process died while the handler ran";
        record.failures.push(Failure::new(record.attempt, began, Cause::ProcessDied, text));
        record.crashes += 1;
        record.crashes_alone += u32::from(record.is_alone);
    }

    /// Whether the process may have died of this message.
    pub(crate) fn is_suspect(&self) -> bool {
        self.record.failures.last().is_some_and(|failure| failure.cause == Cause::ProcessDied)
    }

    /// How often the process died while this message was tried.
    ///
    /// The first try is not written down, so nobody knows how it ended. If the process died of the second, it is taken
    /// to have died of the first.
    pub(crate) fn crashes(&self) -> u32 {
        match self.record.crashes {
            0 => 0,
            known if self.record.is_first_unknown => known + 1,
            known => known,
        }
    }

    /// Whether the process died `limit` times while this message was tried, and all but two of those times, or at least
    /// once, while no other suspect of that process was. Two are what it takes to be a suspect: nobody knows how the
    /// first try ended, and the second is made among others.
    pub(crate) fn is_deadly(&self, limit: u32) -> bool {
        self.record.crashes_alone >= limit.saturating_sub(2).max(1) && self.crashes() >= limit
    }

    /// The number of the next try. A process that dies costs none: it may have died of something else.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.record.attempt.max(1)
    }

    pub(crate) fn failures(&self) -> &[Failure] {
        &self.record.failures
    }

    /// Writes down that a try begins.
    pub(super) async fn begin(
        &mut self,
        message: &Message,
        attempt: u32,
        is_alone: bool,
        failures: &[Failure],
        crew: &Crew,
    ) -> Result<(), Interrupted> {
        self.record.attempt = attempt;
        self.record.is_alone = is_alone;
        self.record.running = Some(nanos(SystemTime::now()));
        self.record.process = Some(ProcessId::clone(&crew.process));
        self.record.failures = failures.to_vec();
        self.save(message, crew).await
    }

    /// Writes down that the handler has ended well: whatever the process dies of from here on, it is not this message.
    pub(super) async fn handled(&mut self, message: &Message, crew: &Crew) -> Result<(), Interrupted> {
        self.record.running = None;
        self.save(message, crew).await
    }

    /// Writes down that the last try has failed, and not with the process; `attempt` is the next one.
    pub(super) async fn end(
        &mut self,
        message: &Message,
        attempt: u32,
        failures: &[Failure],
        crew: &Crew,
    ) -> Result<(), Interrupted> {
        self.record.attempt = attempt;
        self.record.running = None;
        self.record.failures = failures.to_vec();
        self.save(message, crew).await
    }

    /// Writes down that a try was broken off, if it can be written down at once: its process is alive.
    pub(super) async fn break_off(&mut self, message: &Message, crew: &Crew) {
        self.record.running = None;
        self.record.published = nanos(message.published);
        let value = Bytes::from(serde_json::to_vec(&self.record).expect("a record is JSON"));
        let written = write(crew.trials.as_ref(), &key_of(message, crew), value, self.revision).await;
        if let Err(error) = written {
            debug!(actor = %crew.name, sequence = message.sequence, %error, "a try that was broken off will look like a crash");
        }
    }

    async fn save(&mut self, message: &Message, crew: &Crew) -> Result<(), Interrupted> {
        self.record.published = nanos(message.published);
        let value = Bytes::from(serde_json::to_vec(&self.record).expect("a record is JSON"));
        let key = key_of(message, crew);
        let revision = self.revision;
        let save = || write(crew.trials.as_ref(), &key, value.clone(), revision);
        // What can never be written down is not: the record is an aid, and the message can be tried without it.
        if let Ok(revision) = until_taken(crew, &message.key, BLOCKED, is_final, save).await? {
            self.revision = Some(revision);
        }
        Ok(())
    }
}

/// What is known of a message that was delivered before.
pub(super) async fn load(message: &Message, crew: &Crew) -> Result<Trial, Interrupted> {
    let key = key_of(message, crew);
    let entry = until_taken(crew, &message.key, BLOCKED, is_final, || crew.trials.load(&key)).await?;
    Ok(Trial::of(message, entry.unwrap_or_default(), |process| *process == *crew.process))
}

/// Somebody else's record is replaced: a zombie's, or our own whose answer got lost.
async fn write(
    store: &dyn Store,
    key: &str,
    value: Bytes,
    expected: Option<Revision>,
) -> Result<Revision, StoreError> {
    match store.save(key, value.clone(), expected).await {
        Err(StoreError::Conflict) => {
            let entry = store.load(key).await?;
            store.save(key, value, entry.map(|entry| entry.revision)).await
        }
        answer => answer,
    }
}

fn is_final(error: &StoreError) -> bool {
    !matches!(error, StoreError::Unavailable(_))
}

fn key_of(message: &Message, crew: &Crew) -> String {
    format!("{}.{}.{}", crew.name, message.stream, message.sequence)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate::Headers;
    use tidegate::subject::TokenNames;

    use super::*;

    impl Trial {
        /// What is known of a message whose process died so often while it was tried.
        pub(crate) fn after_crashes(count: u32) -> Self {
            let mut trial = Self::default();
            for _ in 0..count {
                trial.record.running = Some(1);
                trial.notice_crash(|_| false);
            }
            trial
        }
    }

    fn message() -> Message {
        Message {
            subject: "orders.42.placed".into(),
            tokens: TokenNames::default(),
            headers: Headers::new(),
            payload: Bytes::new(),
            stream: "ORDERS".into(),
            sequence: 7,
            published: SystemTime::UNIX_EPOCH + Duration::from_secs(100),
            key: "42".into(),
        }
    }

    fn process(name: &str) -> ProcessId {
        serde_json::from_value(name.into()).expect("a process is a text")
    }

    fn stored(record: &Record) -> Entry {
        let value = serde_json::to_vec(record).expect("a record is JSON").into();
        Entry { value, revision: Revision(3) }
    }

    #[test]
    fn a_try_without_an_end_went_with_its_process_and_is_made_again() {
        let published = nanos(message().published);
        let record = Record { published, attempt: 2, running: Some(5), ..Record::default() };

        let trial = Trial::of(&message(), Some(stored(&record)), |_| false);

        assert!(trial.is_suspect());
        assert_eq!((trial.next_attempt(), trial.crashes()), (2, 1));
        assert_eq!(trial.failures()[0].cause, Cause::ProcessDied);
    }

    #[test]
    fn a_try_whose_process_lives_was_broken_off() {
        let (published, process) = (nanos(message().published), process("host/1/5"));
        let began = Record { published, attempt: 1, running: Some(5), is_alone: true, ..Record::default() };
        let began = Record { process: Some(process.clone()), ..began };

        let broken_off = Trial::of(&message(), Some(stored(&began)), |other| *other == process);
        let crashed = Trial::of(&message(), Some(stored(&began)), |_| false);

        assert_eq!(
            (broken_off.is_suspect(), broken_off.crashes(), broken_off.failures().len()),
            (false, 0, 0)
        );
        assert_eq!((crashed.is_suspect(), crashed.crashes()), (true, 1));
    }

    #[test]
    fn a_message_is_deadly_only_if_the_process_died_of_it_alone() {
        let published = nanos(message().published);
        let among_others =
            Record { published, crashes: 4, crashes_alone: 2, running: Some(5), ..Record::default() };
        let alone = Record { is_alone: true, ..among_others.clone() };

        assert!(!Trial::of(&message(), Some(stored(&among_others)), |_| false).is_deadly(5));
        assert!(Trial::of(&message(), Some(stored(&alone)), |_| false).is_deadly(5));
        assert!(!Trial::of(&message(), Some(stored(&alone)), |_| false).is_deadly(6));
    }

    #[test]
    fn among_others_it_may_have_been_another_one() {
        let published = nanos(message().published);
        let twice = Record { published, crashes: 8, crashes_alone: 2, running: Some(5), ..Record::default() };
        let thrice = Record { crashes_alone: 3, ..twice.clone() };

        assert!(!Trial::of(&message(), Some(stored(&twice)), |_| false).is_deadly(5));
        assert!(Trial::of(&message(), Some(stored(&thrice)), |_| false).is_deadly(5));
    }

    #[test]
    fn the_first_try_that_nobody_wrote_down_counts_once_the_second_killed_the_process() {
        let unknown = Trial::of(&message(), None, |_| false);
        assert_eq!((unknown.next_attempt(), unknown.crashes()), (1, 0));

        let mut record = unknown.record.clone();
        (record.published, record.attempt, record.running) = (nanos(message().published), 1, Some(5));

        assert_eq!(Trial::of(&message(), Some(stored(&record)), |_| false).crashes(), 2);
    }

    #[test]
    fn a_stream_created_again_has_other_messages() {
        let record = Record { published: 1, attempt: 4, ..Record::default() };

        let trial = Trial::of(&message(), Some(stored(&record)), |_| false);

        assert_eq!((trial.next_attempt(), trial.revision), (1, Some(Revision(3))));
    }
}
