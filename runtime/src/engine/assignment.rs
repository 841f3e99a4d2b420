//! Which instance is to have which shard: everyone computes it, and everyone comes to the same.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use self::places::Places;
use crate::message::{InstanceId, ShardId};

/// Spreads `shards` over `members` by rendezvous hash with bounded load.
///
/// Of all pairs of a shard and a member the one with the highest weight comes first, and a shard goes to the first
/// member that has room: at most `ceil(shards / members)` in all, and at most `ceil(n / members)` of the `n` shards of
/// one actor. The few shards that find no room this way take the place of others that do. So the result depends on
/// nothing but the two sets, and few shards move when a member comes or goes.
///
/// Without members nobody has anything.
pub(crate) fn assign(
    members: &BTreeSet<InstanceId>,
    shards: &BTreeSet<ShardId>,
) -> BTreeMap<ShardId, InstanceId> {
    let members: Vec<&InstanceId> = members.iter().collect();
    let shards: Vec<&ShardId> = shards.iter().collect();
    if members.is_empty() {
        return BTreeMap::new();
    }
    let mut pairs: Vec<(u64, usize, usize)> = Vec::with_capacity(members.len() * shards.len());
    for (shard, id) in shards.iter().enumerate() {
        pairs.extend(
            members.iter().enumerate().map(|(member, instance)| (weight(instance, id), shard, member)),
        );
    }
    pairs.sort_unstable_by(|one, other| one.0.cmp(&other.0).reverse().then(one.cmp(other)));

    let mut places = Places::new(&shards, members.len());
    for &(_, shard, member) in &pairs {
        places.take(shard, member);
    }
    for shard in 0..shards.len() {
        places.make_room_for(shard);
    }
    let owners = shards.iter().zip(places.owners());
    owners.map(|(&shard, member)| (shard.clone(), members[member].clone())).collect()
}

/// Gives a shard at which its member has failed to the next one by weight that has not, beyond all bounds. It stays
/// where it is if there is none.
pub(crate) fn substitute(
    owners: BTreeMap<ShardId, InstanceId>,
    members: &BTreeSet<InstanceId>,
    failed: &BTreeSet<(ShardId, InstanceId)>,
) -> BTreeMap<ShardId, InstanceId> {
    let stand_in = |shard: &ShardId, owner: InstanceId| {
        let is_fit = |member: &InstanceId| !failed.contains(&(shard.clone(), member.clone()));
        if is_fit(&owner) {
            return owner;
        }
        let fit = members.iter().filter(|member| is_fit(member));
        fit.max_by_key(|member| (weight(member, shard), *member)).cloned().unwrap_or(owner)
    };
    let owners = owners.into_iter().map(|(shard, owner)| {
        let owner = stand_in(&shard, owner);
        (shard, owner)
    });
    owners.collect()
}

/// How much a member is meant for a shard: FNV-1a 64 over `{instance}/{actor}/{shard}`, finished as in `MurmurHash3`,
/// since FNV alone spreads texts that differ in their last characters badly. Part of the protocol between instances:
/// versions that compute it differently would want the same shards.
fn weight(instance: &InstanceId, shard: &ShardId) -> u64 {
    let text = format!("{instance}/{}/{}", shard.actor, shard.shard);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests;
