//! Which input an output belongs to, read from its `Nats-Msg-Id`.

/// What an emit or a dead letter was made from: `{stream}:{sequence}:{actor}:{n}`, or `…:dead`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// The stream of the input.
    pub(super) stream: &'a str,
    /// The input's sequence in it.
    pub(super) sequence: u64,
    /// The actor that made it.
    pub(super) actor: &'a str,
    /// Which of the actor's answers to that input it is.
    pub(super) answer: Answer,
}

/// One of the answers to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// The emit with this number, counted from 0.
    Emit(u32),
    /// The dead letter.
    DeadLetter,
}

impl<'a> Origin<'a> {
    /// Reads an id; `None` for one that no actor made.
    pub(super) fn read(id: &'a str) -> Option<Self> {
        let mut parts = id.split(':');
        let [stream, sequence, actor, answer] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let answer = match answer {
            "dead" => Answer::DeadLetter,
            number => Answer::Emit(number.parse().ok()?),
        };
        let origin = Self { stream, sequence: sequence.parse().ok()?, actor, answer };
        parts.next().is_none().then_some(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_emits_and_dead_letters() {
        let origin = |answer| Some(Origin { stream: "ORDERS", sequence: 7, actor: "payments", answer });

        assert_eq!(Origin::read("ORDERS:7:payments:1"), origin(Answer::Emit(1)));
        assert_eq!(Origin::read("ORDERS:7:payments:dead"), origin(Answer::DeadLetter));
    }

    #[test]
    fn other_ids_have_no_origin() {
        for id in ["", "demo:7", "ORDERS:x:payments:1", "ORDERS:7:payments:x", "ORDERS:7:payments:1:2"] {
            assert_eq!(Origin::read(id), None, "{id}");
        }
    }
}
