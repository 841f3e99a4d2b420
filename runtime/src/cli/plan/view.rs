//! What is told of the differences between the server and the topology.

use std::fmt::Write;

use serde::Serialize;

use super::Compared;
use crate::cli::table::shown;
use crate::nats::{Difference, Orphan, OrphanKind, Stranded};

/// The differences, for people and programs.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct View<'a> {
    topology: &'a str,
    /// What is missing and can be created.
    create: Vec<String>,
    /// What differs and can be edited without harm.
    edit: Vec<Change<'a>>,
    /// What differs and is left alone.
    differs: &'a [Difference],
    /// What the topology has created and needs no more.
    orphans: &'a [Orphan],
    /// Messages that nobody will handle.
    stranded: &'a [Stranded],
    warnings: Vec<String>,
    /// Why nothing may be changed, if so.
    obstacle: Option<String>,
    /// Whether it is known which actors keep state.
    is_state_known: bool,
}

#[derive(Debug, Serialize)]
struct Change<'a> {
    what: &'a str,
    cures: &'a [Difference],
}

impl<'a> View<'a> {
    pub(in crate::cli) fn of(compared: &'a Compared) -> Self {
        let drift = &compared.drift;
        Self {
            topology: compared.topology.name.as_str(),
            create: drift.missing(),
            edit: drift.edits.iter().map(|edit| Change { what: &edit.what, cures: &edit.cures }).collect(),
            differs: &drift.kept,
            orphans: &drift.orphans,
            stranded: &drift.stranded,
            warnings: drift.warnings.iter().map(ToString::to_string).collect(),
            obstacle: drift.obstacle().map(ToString::to_string),
            is_state_known: compared.stateful.is_some(),
        }
    }

    /// For people: a line for each, beginning with what `apply` does about it.
    pub(in crate::cli) fn render(&self) -> String {
        let mut lines = Lines::default();
        for what in &self.create {
            lines.add("create", what);
        }
        for difference in self.edit.iter().flat_map(|change| change.cures) {
            lines.add("edit", &difference.to_string());
        }
        for difference in self.differs {
            lines.add("differs", &difference.to_string());
        }
        for orphan in self.orphans {
            lines.add("orphan", &of_orphan(orphan));
        }
        for stranded in self.stranded {
            lines.add("stranded", &of_stranded(stranded));
        }
        for warning in &self.warnings {
            lines.add("warning", warning);
        }
        let mut text = lines.0;
        for hint in self.hints() {
            writeln!(text, "{hint}").expect("a string takes all that is written to it");
        }
        text
    }

    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let edits: usize = self.edit.iter().map(|change| change.cures.len()).sum();
        let counts = [self.create.len(), edits, self.differs.len(), self.orphans.len()];
        hints.push(match counts {
            [0, 0, 0, 0] => format!("the server has what `{}` needs", self.topology),
            [create, edit, differs, orphans] => {
                format!("to create {create}, to edit {edit}, left alone {differs}, orphans {orphans}")
            }
        });
        if let Some(obstacle) = &self.obstacle {
            hints.push(format!("`apply` changes nothing while {}", shown(obstacle)));
        } else if counts[0] + counts[1] > 0 {
            hints.push("`tidegate apply` creates and edits these, and touches nothing else".to_owned());
        }
        if !self.differs.is_empty() {
            hints.push(
                "what differs is left alone because changing it could lose messages or their order: change the topology, or \
                 the server by `nats stream edit` or `nats consumer edit`"
                    .to_owned(),
            );
        }
        if let Some(orphan) = self.orphans.first() {
            hints.push(format!("`tidegate apply --delete {} --yes` deletes an orphan", orphan.name));
        }
        if !self.is_state_known {
            hints.push(
                "the handlers are not linked into this program, so buckets for state are not looked for: the program that \
                 `tidegate build` makes knows them"
                    .to_owned(),
            );
        }
        hints
    }
}

fn of_orphan(orphan: &Orphan) -> String {
    let Orphan { messages, kind, .. } = orphan;
    match kind {
        OrphanKind::Stream => format!("{orphan} is not in the topology and holds {messages} messages"),
        OrphanKind::Bucket => format!("{orphan} belongs to no actor and holds {messages} entries"),
        OrphanKind::Consumer => format!("{orphan} feeds no actor, with {messages} messages left to do"),
    }
}

fn of_stranded(stranded: &Stranded) -> String {
    match stranded {
        Stranded::Unwanted { stream, messages, subject } => {
            format!("{messages} messages in stream `{stream}` that no consumer wants, such as `{subject}`")
        }
        Stranded::Exhausted { stream, consumer, advisories } => format!(
            "{advisories} advisories about consumer `{consumer}` of stream `{stream}` that nobody has looked at: an \
             instance that runs makes dead letters of what the server has given up"
        ),
    }
}

#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, action: &str, what: &str) {
        writeln!(self.0, "{action:<8}  {}", shown(what).replace('\n', " "))
            .expect("a string takes all that is written to it");
    }
}
