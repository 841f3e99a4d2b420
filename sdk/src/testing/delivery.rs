//! One delivery: attempts until one succeeds or there is no other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Cause, DeadLetter, Failure, Lanes, Outcome, Reason, attempt};
use crate::erased::{Applied, Attempt};
use crate::{Decision, HandlerError, Message, Outgoing, Result};

enum Verdict {
    Retry(Duration),
    DeadLetter(Reason),
}

impl Lanes {
    pub(super) async fn handle(&mut self, message: &Arc<Message>) -> Outcome {
        let mut outcome = Outcome::of(message.sequence);
        if self.has_applied(message) {
            return outcome;
        }
        loop {
            outcome.attempts += 1;
            let failure = match self.attempt(message, outcome.attempts).await {
                Ok((applied, subjects)) => {
                    outcome.subjects = subjects;
                    outcome.emits = self.apply(message, applied);
                    return outcome;
                }
                Err(failure) => failure,
            };
            let verdict = self.judge(&failure, outcome.attempts);
            outcome.failures.push(failure.clone());
            match verdict {
                Verdict::Retry(wait) => outcome.waits.push(wait),
                Verdict::DeadLetter(reason) => {
                    outcome.dead_letter = Some(DeadLetter { reason, errors: failure.errors });
                    return outcome;
                }
            }
        }
    }

    fn has_applied(&self, message: &Message) -> bool {
        let applied = self.entities.get(&message.key).map(|entity| entity.applied);
        self.handler.keeps_state() && applied.is_some_and(|applied| message.sequence <= applied)
    }

    async fn attempt(&self, message: &Arc<Message>, number: u32) -> Result<(Applied, Vec<String>), Failure> {
        let state = self.entities.get(&message.key).and_then(|entity| entity.state.as_deref());
        let deadline = Instant::now() + self.timeout;
        let attempting = self.handler.attempt(message, state, Attempt { number, deadline });
        let applied = attempt::run(attempting, deadline).await?;
        let subjects = self.subjects(message, &applied.emits)?;
        Ok((applied, subjects))
    }

    fn apply(&mut self, message: &Message, applied: Applied) -> Vec<Outgoing> {
        let entity = self.entities.entry(message.key.clone()).or_default();
        entity.applied = message.sequence;
        entity.state = applied.state;
        applied.emits
    }

    fn judge(&self, failure: &Failure, attempts: u32) -> Verdict {
        match failure.cause {
            Cause::Error(Decision::Terminal) => Verdict::DeadLetter(Reason::Terminal),
            Cause::Error(Decision::Undecodable) => Verdict::DeadLetter(Reason::Undecodable),
            _ if attempts >= self.max_deliver => Verdict::DeadLetter(Reason::Failed),
            Cause::Error(Decision::RetryAfter(wait)) => Verdict::Retry(wait),
            Cause::Error(Decision::Retry) | Cause::Panic | Cause::Timeout => {
                let step = self.backoff.get(attempts as usize - 1).or(self.backoff.last());
                Verdict::Retry(step.copied().unwrap_or_default())
            }
        }
    }

    fn subjects(&self, message: &Message, emits: &[Outgoing]) -> Result<Vec<String>> {
        if self.ports.is_empty() {
            return Ok(Vec::new());
        }
        emits.iter().map(|emit| self.subject_of(message, emit)).collect()
    }

    fn subject_of(&self, message: &Message, emit: &Outgoing) -> Result<String> {
        let Some(pattern) = self.ports.get(&*emit.port) else {
            return Err(HandlerError::terminal(format!("no subject is mapped to the port `{}`", emit.port)));
        };
        let value = |name: &str| emit.token_value(name).or_else(|| message.token(name));
        pattern.render(value).map_err(HandlerError::terminal)
    }
}
