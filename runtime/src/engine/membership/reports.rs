//! What the instances that live say of their shards.

use std::collections::BTreeSet;

use crate::message::{InstanceId, Member, ShardId, ShardState};
use crate::port::Revision;

/// Of all that is reported, what decides who is to have a shard.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The shards that others own.
    pub(super) held: BTreeSet<ShardId>,
    /// Who cannot work on which shard any more.
    pub(super) failed: BTreeSet<(ShardId, InstanceId)>,
}

impl Reports {
    /// What `live` say, as `me` needs it.
    pub(super) fn of(me: &InstanceId, live: &[(&Member, Revision)]) -> Self {
        let mut reports = Self::default();
        for (member, _) in live {
            for shard in &member.shards {
                if shard.state == ShardState::Failed {
                    reports.failed.insert((shard.id.clone(), member.instance.clone()));
                } else if shard.state.is_owner() && member.instance != *me {
                    reports.held.insert(shard.id.clone());
                }
            }
        }
        reports
    }
}
