//! What an instance does among the others: instances with different topologies never work at the same time.
//!
//! Who works goes on; who comes later with another topology stands by until the others are gone. Who finds nobody at
//! work claims, by announcing that he works, and then looks again: of several that claimed at once the one whose claim
//! has the lowest revision stays. A look shows all claims with lower revisions, so at most one comes out of it.

use std::collections::BTreeSet;

use tracing::{info, warn};

use crate::message::{InstanceId, Member, MemberState};
use crate::port::Revision;

/// What we do among the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// We look who is there.
    #[default]
    Joining,
    /// We take shards.
    Working,
    /// We take nothing, for this reason, until it is gone.
    Standby(String),
    /// We take nothing more.
    Leaving,
    /// Another process has our id: we have nothing to say any more.
    Lost,
}

impl Standing {
    /// The state that the others are told.
    pub(super) fn state(&self) -> MemberState {
        match self {
            Self::Joining | Self::Standby(_) => MemberState::Standby,
            Self::Working => MemberState::Working,
            Self::Leaving | Self::Lost => MemberState::Leaving,
        }
    }

    /// The reason that the others are told.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::Joining => Some("joining".to_owned()),
            Self::Standby(reason) => Some(reason.clone()),
            Self::Working | Self::Leaving | Self::Lost => None,
        }
    }

    /// What we are to do, having seen who is alive.
    pub(super) fn judge(&self, me: &Member, claim: Option<Revision>, live: &[(&Member, Revision)]) -> Self {
        let rivals = live.iter().filter(|(member, _)| {
            member.instance != me.instance
                && member.state == MemberState::Working
                && member.fingerprint != me.fingerprint
        });
        let claim_of = |member: &Member, revision: Revision| member.claim.map_or(revision, Revision);
        let senior = match self {
            Self::Leaving | Self::Lost => return self.clone(),
            Self::Joining | Self::Standby(_) => rivals.min_by_key(|(member, at)| claim_of(member, *at)),
            Self::Working => rivals
                .filter(|(member, at)| claim.is_none_or(|claim| claim_of(member, *at) < claim))
                .min_by_key(|(member, at)| claim_of(member, *at)),
        };
        match senior {
            Some((rival, _)) => Self::Standby(difference(me, rival)),
            None => Self::Working,
        }
    }

    /// Tells operators.
    pub(super) fn log(&self) {
        match self {
            Self::Standby(reason) => warn!(reason, "this instance stands by"),
            Self::Working => info!("this instance takes its share of the work"),
            Self::Joining | Self::Leaving | Self::Lost => {}
        }
    }
}

/// Those among whom the work is shared, ourselves included if we work.
pub(super) fn sharing(
    standing: &Standing,
    me: &Member,
    live: &[(&Member, Revision)],
) -> BTreeSet<InstanceId> {
    let others = live.iter().map(|(member, _)| *member).filter(|member| {
        member.instance != me.instance
            && member.state == MemberState::Working
            && member.fingerprint == me.fingerprint
    });
    let own = (*standing == Standing::Working).then_some(me);
    others.chain(own).map(|member| member.instance.clone()).collect()
}

fn difference(me: &Member, rival: &Member) -> String {
    let mut sections = me.differing_sections(rival);
    let place = match sections.len() {
        0 => String::new(),
        1..=3 => format!(" in {}", sections.join(", ")),
        more => format!(" in {} and {} other places", sections.swap_remove(0), more - 1),
    };
    format!(
        "the topology differs{place} from that of instance {}; drain the instances that run that one, or give this one \
         the same topology",
        rival.instance
    )
}
