//! Bugs that tests plant to see whether they are found. Without the feature `planted_bugs` there are none.

/// A bug, by what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A message is acked before its emits are stored.
    AckBeforeEmits,
    /// A message that waits for its next try lets later ones of its entity pass.
    RetryOutOfOrder,
    /// A new owner does not wait for what the old one held.
    SkipTakeOver,
    /// A dead letter that is refused counts as written.
    DropDeadLetterError,
    /// More is pulled than there is room for.
    UnboundedMailbox,
    /// A lane ends, once, though a delivery waits in it.
    LostWakeUp,
    /// `tidegate top` panics while it draws.
    DrawPanics,
    /// `tidegate top` panics while it looks at the server, on another thread than the one that draws.
    LookPanics,
}

/// Whether the bug is planted, by the variable `TIDEGATE_PLANT`.
#[cfg(all(feature = "planted_bugs", not(test)))]
pub(crate) fn is_planted(bug: Bug) -> bool {
    use std::sync::LazyLock;

    static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
        Some(match std::env::var("TIDEGATE_PLANT").ok()?.as_str() {
            "ack_before_emits" => Bug::AckBeforeEmits,
            "retry_out_of_order" => Bug::RetryOutOfOrder,
            "skip_take_over" => Bug::SkipTakeOver,
            "drop_dead_letter_error" => Bug::DropDeadLetterError,
            "unbounded_mailbox" => Bug::UnboundedMailbox,
            "lost_wake_up" => Bug::LostWakeUp,
            "draw_panics" => Bug::DrawPanics,
            "look_panics" => Bug::LookPanics,
            unknown => panic!("`TIDEGATE_PLANT` is `{unknown}`, which is none of the bugs"),
        })
    });
    *PLANTED == Some(bug)
}

/// Whether the bug is planted and strikes, which it does once in a process.
#[cfg(all(feature = "planted_bugs", not(test)))]
pub(crate) fn strikes(bug: Bug) -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};

    static STRUCK: AtomicBool = AtomicBool::new(false);
    is_planted(bug) && !STRUCK.swap(true, Ordering::Relaxed)
}

/// Whether the bug is planted: never.
#[cfg(all(not(feature = "planted_bugs"), not(test)))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}

/// Whether the bug is planted and strikes: never.
#[cfg(all(not(feature = "planted_bugs"), not(test)))]
pub(crate) const fn strikes(_: Bug) -> bool {
    false
}

#[cfg(test)]
pub(crate) use in_tests::{is_planted, plant, strikes};

/// Bugs of one test, which runs on one thread.
#[cfg(test)]
mod in_tests {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    pub(crate) fn plant(bug: Bug) {
        PLANTED.set(Some(bug));
    }

    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    pub(crate) fn strikes(bug: Bug) -> bool {
        is_planted(bug) && PLANTED.take().is_some()
    }
}
