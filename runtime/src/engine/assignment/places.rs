//! The places that members have for shards: so many in all, and so many for one actor.

use std::collections::{BTreeMap, VecDeque};

use crate::message::ShardId;

/// Shards, actors and members by number.
#[derive(Debug)]
pub(super) struct Places {
    /// The actor of each shard.
    actors: Vec<usize>,
    /// The most shards of one actor that a member has, per actor.
    most_of: Vec<usize>,
    /// The most shards that a member has.
    most: usize,
    members: usize,
    owners: Vec<Option<usize>>,
    load: Vec<usize>,
    load_of: BTreeMap<Group, usize>,
}

/// One actor's shards at one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    actor: usize,
    member: usize,
}

/// Who asks for one place more, on the search for one that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Shard(usize),
    Group(Group),
    Member(usize),
}

impl Places {
    /// Empty places for `shards`, which are sorted, at so many members.
    pub(super) fn new(shards: &[&ShardId], members: usize) -> Self {
        let mut actors = Vec::with_capacity(shards.len());
        let mut sizes: Vec<usize> = Vec::new();
        for (at, shard) in shards.iter().enumerate() {
            if at == 0 || shards[at - 1].actor != shard.actor {
                sizes.push(0);
            }
            actors.push(sizes.len() - 1);
            *sizes.last_mut().expect("the first shard begins an actor") += 1;
        }
        Self {
            actors,
            most_of: sizes.iter().map(|size| size.div_ceil(members)).collect(),
            most: shards.len().div_ceil(members),
            members,
            owners: vec![None; shards.len()],
            load: vec![0; members],
            load_of: BTreeMap::new(),
        }
    }

    /// Gives the shard to the member if it has none and there is room.
    pub(super) fn take(&mut self, shard: usize, member: usize) {
        let group = Group { actor: self.actors[shard], member };
        if self.owners[shard].is_none() && self.has_room(member) && self.has_room_in(group) {
            self.settle(shard, member);
        }
    }

    /// Gives the shard a place if it has none, with as few moves of others as possible.
    ///
    /// There always is a way: dealing the shards out one by one keeps both bounds. It is a shortest augmenting path in
    /// a flow network from shards over groups to members.
    pub(super) fn make_room_for(&mut self, shard: usize) {
        if self.owners[shard].is_some() {
            return;
        }
        for (shard, group) in self.way_out(shard) {
            if let Some(member) = self.owners[shard].take() {
                self.load[member] -= 1;
                *self.load_of.entry(Group { actor: self.actors[shard], member }).or_default() -= 1;
            }
            self.settle(shard, group.member);
        }
    }

    /// The member of each shard.
    pub(super) fn owners(self) -> impl Iterator<Item = usize> {
        self.owners.into_iter().map(|owner| owner.expect("dealing them out one by one gives each a place"))
    }

    fn settle(&mut self, shard: usize, member: usize) {
        self.owners[shard] = Some(member);
        self.load[member] += 1;
        *self.load_of.entry(Group { actor: self.actors[shard], member }).or_default() += 1;
    }

    /// Which shards go where, so that `shard` has a place.
    fn way_out(&self, shard: usize) -> Vec<(usize, Group)> {
        let mut came_from = BTreeMap::from([(Step::Shard(shard), None)]);
        let mut queue = VecDeque::from([Step::Shard(shard)]);
        while let Some(step) = queue.pop_front() {
            if let Step::Member(member) = step
                && self.has_room(member)
            {
                return moves(step, &came_from);
            }
            for next in self.next_steps(step) {
                came_from.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    Some(step)
                });
            }
        }
        Vec::new()
    }

    fn next_steps(&self, step: Step) -> Vec<Step> {
        let of_group = |group: Group| {
            let is_in = move |shard: &usize| {
                self.owners[*shard] == Some(group.member) && self.actors[*shard] == group.actor
            };
            (0..self.owners.len()).filter(is_in).map(Step::Shard)
        };
        match step {
            Step::Shard(shard) => {
                let actor = self.actors[shard];
                let others = (0..self.members).filter(|&member| self.owners[shard] != Some(member));
                others.map(|member| Step::Group(Group { actor, member })).collect()
            }
            Step::Group(group) => {
                let member = self.has_room_in(group).then_some(Step::Member(group.member));
                member.into_iter().chain(of_group(group)).collect()
            }
            Step::Member(member) => {
                (0..self.most_of.len()).map(|actor| Step::Group(Group { actor, member })).collect()
            }
        }
    }

    fn has_room(&self, member: usize) -> bool {
        self.load[member] < self.most
    }

    fn has_room_in(&self, group: Group) -> bool {
        self.load_of.get(&group).copied().unwrap_or_default() < self.most_of[group.actor]
    }
}

/// The steps from a shard into a group, on the way that ends at `end`; last first, so that every place is free when it
/// is taken.
fn moves(end: Step, came_from: &BTreeMap<Step, Option<Step>>) -> Vec<(usize, Group)> {
    let mut moves = Vec::new();
    let mut step = end;
    while let Some(&Some(before)) = came_from.get(&step) {
        if let (Step::Shard(shard), Step::Group(group)) = (before, step) {
            moves.push((shard, group));
        }
        step = before;
    }
    moves
}
