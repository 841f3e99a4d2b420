//! The bucket of members in memory, shared by the engines of a test, with trouble on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::{InstanceId, Member};
use crate::port::{BoxFuture, Members, MembersError, Revision, Sighting};

/// A way to a bucket. Clones share it; every call lets other tasks go first, so that instances interleave.
#[derive(Debug, Clone, Default)]
pub struct MemoryMembers {
    bucket: Arc<Mutex<Bucket>>,
    way: Arc<Mutex<Way>>,
}

#[derive(Debug, Default)]
struct Bucket {
    revision: u64,
    entries: BTreeMap<InstanceId, (Revision, Option<Member>)>,
}

/// How the way to the bucket is.
#[derive(Debug, Default, Clone, Copy)]
struct Way {
    is_cut: bool,
    /// The next write is stored, and its answer lost.
    loses_answer: bool,
}

impl MemoryMembers {
    /// Another way to the same bucket, which can be cut off on its own.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { bucket: Arc::clone(&self.bucket), way: Arc::default() }
    }

    /// Cuts this way off: nothing is answered.
    pub fn cut(&self) {
        locked(&self.way).is_cut = true;
    }

    /// Ends the cut.
    pub fn mend(&self) {
        locked(&self.way).is_cut = false;
    }

    /// Loses the answer to the next write.
    pub fn lose_answer(&self) {
        locked(&self.way).loses_answer = true;
    }

    /// Loses all entries, as a bucket does that is deleted and created again.
    pub fn wipe(&self) {
        *locked(&self.bucket) = Bucket::default();
    }

    /// What an instance says about itself.
    pub fn entry(&self, instance: &InstanceId) -> Option<Member> {
        locked(&self.bucket).entries.get(instance)?.1.clone()
    }

    fn write(
        &self,
        instance: &InstanceId,
        member: Option<Member>,
        replaced: Option<Revision>,
    ) -> Result<Revision, MembersError> {
        self.way()?;
        let mut bucket = locked(&self.bucket);
        if bucket.entries.get(instance).map(|(revision, _)| *revision) != replaced {
            return Err(MembersError::Conflict);
        }
        bucket.revision += 1;
        let revision = Revision(bucket.revision);
        bucket.entries.insert(instance.clone(), (revision, member));
        if std::mem::take(&mut locked(&self.way).loses_answer) {
            return Err(MembersError::Unavailable("the answer is lost".to_owned()));
        }
        Ok(revision)
    }

    fn way(&self) -> Result<(), MembersError> {
        if locked(&self.way).is_cut {
            return Err(MembersError::Unavailable("cut off".to_owned()));
        }
        Ok(())
    }
}

impl Members for MemoryMembers {
    fn announce<'a>(
        &'a mut self,
        member: &'a Member,
        replaced: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, MembersError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.write(&member.instance, Some(member.clone()), replaced)
        })
    }

    fn roll_call(&mut self) -> BoxFuture<'_, Result<Vec<Sighting>, MembersError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.way()?;
            let bucket = locked(&self.bucket);
            let sighting = |(instance, (revision, member)): (&InstanceId, &(Revision, Option<Member>))| {
                Sighting { instance: instance.clone(), revision: *revision, member: member.clone() }
            };
            Ok(bucket.entries.iter().map(sighting).collect())
        })
    }

    fn leave<'a>(
        &'a mut self,
        instance: &'a InstanceId,
        replaced: Revision,
    ) -> BoxFuture<'a, Result<(), MembersError>> {
        Box::pin(async move { self.write(instance, None, Some(replaced)).map(|_| ()) })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
