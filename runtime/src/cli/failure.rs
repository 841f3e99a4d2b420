//! Why a command failed: what, why it hurts, and the cure, with the exit code.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::json;

use super::assemble::AssembleError;
use super::exit::Exit;
use super::handlers::HandlersError;
use crate::admin::AdminError;
use crate::engine::MembershipError;
use crate::ingress::IngressError;
use crate::nats::{ConnectError, EmbeddedError, ResolveError};
use crate::telemetry::TelemetryError;
use crate::topology::{Rejected, Style};

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The topology is rejected; its findings tell why.
    Rejected(Box<Rejected>),
    /// Anything else.
    Problem(Box<Problem>),
}

/// What went wrong and what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
    cure: Option<String>,
}

impl Failure {
    /// A failure without a cure that we know.
    pub(super) fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Problem(Box::new(Problem { exit, error: error.into(), cure: None }))
    }

    /// Says what to do about it.
    pub(super) fn cured_by(mut self, cure: impl Into<String>) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.cure = Some(cure.into());
        }
        self
    }

    /// How the command ends.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Rejected(_) => Exit::Rejected,
            Self::Problem(problem) => problem.exit,
        }
    }

    /// The failure as text for people.
    pub(super) fn render(&self, style: Style) -> String {
        match self {
            Self::Rejected(rejected) => rejected.render(style),
            Self::Problem(problem) => problem.render(style),
        }
    }

    /// The failure as one line of JSON, shaped like a log line.
    pub(super) fn to_json(&self) -> String {
        let line = match self {
            Self::Rejected(rejected) => {
                json!({ "level": "ERROR", "message": rejected.to_string(), "findings": rejected.findings })
            }
            Self::Problem(problem) => {
                let causes: Vec<String> = causes(&*problem.error).map(ToString::to_string).collect();
                json!({ "level": "ERROR", "message": problem.to_string(), "causes": causes, "cure": problem.cure })
            }
        };
        line.to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Problem(problem) => problem.fmt(f),
        }
    }
}

impl Problem {
    fn render(&self, style: Style) -> String {
        let theme = match style {
            Style::Plain => GraphicalTheme::unicode_nocolor(),
            Style::Colour => GraphicalTheme::unicode(),
        };
        let mut text = String::new();
        GraphicalReportHandler::new_themed(theme)
            .with_width(110)
            .render_report(&mut text, self)
            .expect("a string takes all that is written to it");
        text
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.cure.as_ref().map(|cure| Box::new(cure) as _)
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(Box::new(rejected))
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let cure = error.cure();
        Self::new(Exit::Nats, error).cured_by(cure)
    }
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        Self::new(Exit::Nats, error)
            .cured_by("see whether the server's program is there: `./dev setup` fetches one")
    }
}

impl From<HandlersError> for Failure {
    fn from(error: HandlersError) -> Self {
        let cure = error.cure();
        Self::new(Exit::Rejected, error).cured_by(cure)
    }
}

impl From<AssembleError> for Failure {
    fn from(error: AssembleError) -> Self {
        let exit = match &error {
            AssembleError::Memory { .. } => Exit::Rejected,
            AssembleError::Provision(_) | AssembleError::Bucket { .. } | AssembleError::Controls(_) => {
                Exit::Nats
            }
        };
        let cure = error.cure();
        Self::new(exit, error).cured_by(cure)
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        let exit = match &error {
            AdminError::Listen { .. } => Exit::Failed,
            AdminError::OpenToAll { .. } | AdminError::Tokens(_) => Exit::Rejected,
        };
        let cure = error.cure();
        Self::new(exit, error).cured_by(cure)
    }
}

impl From<MembershipError> for Failure {
    fn from(error: MembershipError) -> Self {
        let cure = error.cure();
        Self::new(Exit::Failed, error).cured_by(cure)
    }
}

impl From<IngressError> for Failure {
    fn from(error: IngressError) -> Self {
        let exit = match &error {
            IngressError::Listen { .. } => Exit::Failed,
            IngressError::OpenToAll { .. } | IngressError::Tokens(_) => Exit::Rejected,
        };
        let cure = error.cure();
        Self::new(exit, error).cured_by(cure)
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Self::new(Exit::Usage, error).cured_by("correct the variable or the flag, or leave it out")
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Failure {
        let cause = std::io::Error::other("connection refused");
        Failure::new(Exit::Nats, cause).cured_by("start the server")
    }

    #[test]
    fn tells_people_what_happened_and_the_cure() {
        let text = unreachable().render(Style::Plain);

        assert!(text.contains("connection refused") && text.contains("help: start the server"), "{text}");
    }

    #[test]
    fn tells_programs_the_same_on_one_line() {
        let line = unreachable().to_json();

        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["message"], "connection refused");
        assert_eq!(value["cure"], "start the server");
        assert!(!line.contains('\n'));
    }
}
