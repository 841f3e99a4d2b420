//! What holds for every assignment, and how much moves when a member comes or goes.

use proptest::prelude::*;

use super::*;

fn member(number: u32) -> InstanceId {
    InstanceId::made_up("host", number, 7)
}

fn members(count: u32) -> BTreeSet<InstanceId> {
    (0..count).map(member).collect()
}

/// Actors with so many shards each.
fn shards(sizes: &[u32]) -> BTreeSet<ShardId> {
    let of_actor = |(actor, &size): (usize, &u32)| {
        (0..size).map(move |shard| ShardId { actor: format!("actor{actor}").into(), shard })
    };
    sizes.iter().enumerate().flat_map(of_actor).collect()
}

fn count(owners: &BTreeMap<ShardId, InstanceId>, is_meant: impl Fn(&ShardId, &InstanceId) -> bool) -> usize {
    owners.iter().filter(|(shard, owner)| is_meant(shard, owner)).count()
}

fn moved(one: &BTreeMap<ShardId, InstanceId>, other: &BTreeMap<ShardId, InstanceId>) -> usize {
    count(one, |shard, owner| other.get(shard) != Some(owner))
}

proptest! {
    #[test]
    fn every_shard_has_an_owner_within_the_bounds(
        instances in prop::collection::btree_set(0_u32..1000, 1..12),
        sizes in prop::collection::vec(0_u32..20, 1..8),
    ) {
        let members: BTreeSet<InstanceId> = instances.into_iter().map(member).collect();
        let shards = shards(&sizes);

        let owners = assign(&members, &shards);

        prop_assert!(owners.keys().eq(&shards));
        for member in &members {
            let all = count(&owners, |_, owner| owner == member);
            prop_assert!(all <= shards.len().div_ceil(members.len()), "{member} has {all}");
            for (actor, &size) in sizes.iter().enumerate() {
                let name = format!("actor{actor}");
                let of_actor = count(&owners, |shard, owner| owner == member && *shard.actor == *name);
                prop_assert!(of_actor <= (size as usize).div_ceil(members.len()), "{member} has {of_actor}");
            }
        }
    }

    #[test]
    fn a_newcomer_moves_few_shards(
        instances in prop::collection::btree_set(0_u32..1000, 2..8),
        sizes in prop::collection::vec(1_u32..64, 1..6),
    ) {
        let mut members: BTreeSet<InstanceId> = instances.into_iter().map(member).collect();
        let shards = shards(&sizes);

        let before = assign(&members, &shards);
        members.insert(member(5000));
        let after = assign(&members, &shards);

        // What the newcomer has must move; what follows from the bounds, and from each actor's own, comes on top.
        let must = shards.len().div_ceil(members.len());
        let moved = moved(&before, &after);
        prop_assert!(moved <= 4 * must + 4 * sizes.len(), "{moved} moved, {must} had to");
    }
}

#[test]
fn on_average_hardly_more_moves_than_must() {
    let shards = shards(&[64]);
    for size in 1..8 {
        let mut total = 0;
        for trial in 0..20 {
            let mut members: BTreeSet<InstanceId> = (0..size).map(|n| member(trial * 100 + n)).collect();
            let before = assign(&members, &shards);
            members.insert(member(trial * 100 + 99));
            total += moved(&before, &assign(&members, &shards));
        }

        let must = 64 * 20 / (size as usize + 1);
        assert!(total < 2 * must, "{size} members: {total} moved, {must} had to");
    }
}

#[test]
fn others_of_no_weight_change_nothing() {
    let shards = shards(&[16, 1, 3]);

    assert_eq!(moved(&assign(&members(3), &shards), &assign(&members(3), &shards)), 0);
    assert!(assign(&members(0), &shards).is_empty());
    assert!(assign(&members(3), &BTreeSet::new()).is_empty());
}

#[test]
fn a_shard_without_room_takes_the_place_of_another() {
    // Found by trying: two members, and weights that fill one of them before both shards of the last actor are placed.
    let shards = shards(&[1, 1, 2]);
    for trial in 0..200 {
        let members: BTreeSet<InstanceId> = [member(trial), member(trial + 1000)].into();

        let owners = assign(&members, &shards);

        let last: BTreeSet<&InstanceId> =
            owners.iter().filter(|(shard, _)| &*shard.actor == "actor2").map(|(_, owner)| owner).collect();
        assert_eq!((owners.len(), last.len()), (4, 2), "{owners:?}");
    }
}

#[test]
fn weights_are_part_of_the_protocol() {
    let shard = |shard| ShardId { actor: "payments".into(), shard };
    let web = |name: &str| name.parse::<InstanceId>().expect("a valid id");

    assert_eq!(weight(&web("web-0"), &shard(0)), 0xbe03_4059_c15c_06a7);
    assert_eq!(weight(&web("web-0"), &shard(1)), 0x480f_a6bf_c16f_0358);
    assert_eq!(weight(&web("web-1"), &shard(0)), 0x8437_1552_5ed9_53fe);
}

#[test]
fn a_shard_goes_on_to_one_that_has_not_failed_at_it() {
    let (members, shards) = (members(3), shards(&[6]));
    let owners = assign(&members, &shards);
    let (shard, first) = owners.first_key_value().expect("six shards");

    let one = BTreeSet::from([(shard.clone(), first.clone())]);
    let second = substitute(owners.clone(), &members, &one);
    let all: BTreeSet<_> = members.iter().map(|member| (shard.clone(), member.clone())).collect();

    assert_ne!(second[shard], *first);
    assert_eq!(moved(&owners, &second), 1);
    assert_eq!(substitute(owners.clone(), &members, &all), owners);
    assert_eq!(substitute(owners.clone(), &members, &BTreeSet::new()), owners);
}
