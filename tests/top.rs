//! `tidegate top` on a real terminal: whatever ends it, the terminal is as it was.

use support::{NatsServer, PATIENCE, Signal, Terminal, eventually};

use crate::cli::fixture;

const TAKES_THE_OTHER_SCREEN: &str = "\x1b[?1049h";
const GIVES_IT_BACK: &str = "\x1b[?1049l";
const HIDES_THE_CURSOR: &str = "\x1b[?25l";
const SHOWS_THE_CURSOR: &str = "\x1b[?25h";

/// Starts it with this bug planted, if any.
fn top(server: &NatsServer, plant: Option<&str>) -> Terminal {
    let builder = fixture().nats(server).args(["top"]);
    Terminal::run(plant.into_iter().fold(builder, |builder, plant| builder.env("TIDEGATE_PLANT", plant)))
}

/// Waits until all that it did to the terminal is undone.
async fn is_as_it_was(terminal: &Terminal) {
    eventually(PATIENCE, async || {
        let written = terminal.written();
        let comes_last =
            |last, before| written.rfind(before).is_none_or(|before| written.rfind(last) > Some(before));
        terminal.has_its_first_settings()
            && written.contains(TAKES_THE_OTHER_SCREEN)
            && comes_last(GIVES_IT_BACK, TAKES_THE_OTHER_SCREEN)
            && comes_last(SHOWS_THE_CURSOR, HIDES_THE_CURSOR)
    })
    .await;
}

/// What was written once the terminal was given back, which happens once: the next time the cursor would leave it.
fn told_afterwards(terminal: &Terminal) -> String {
    let written = terminal.written();
    assert_eq!(written.matches(GIVES_IT_BACK).count(), 1, "{written:?}");
    written.rsplit(GIVES_IT_BACK).next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_signal_end_it_and_leave_the_terminal_as_it_was() {
    let server = NatsServer::start().await;
    let (mut by_key, mut by_signal) = (top(&server, None), top(&server, None));

    for terminal in [&by_key, &by_signal] {
        terminal.wait_for("WAITING").await;
        assert!(!terminal.has_its_first_settings(), "what is typed would be shown");
    }
    by_key.press("q");
    by_signal.signal(Signal::SIGTERM);

    for terminal in [&mut by_key, &mut by_signal] {
        assert_eq!(terminal.wait_exit(PATIENCE).await.code(), Some(0));
        is_as_it_was(terminal).await;
        assert_eq!(told_afterwards(terminal).replace(SHOWS_THE_CURSOR, ""), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_it_draws_can_be_read_on_a_terminal_that_is_as_it_was() {
    let server = NatsServer::start().await;
    let mut terminal = top(&server, Some("draw_panics"));

    let ended = terminal.wait_exit(PATIENCE).await;

    is_as_it_was(&terminal).await;
    let told = told_afterwards(&terminal);
    assert!(told.contains("panicked at") && told.contains("as planted"), "{told:?}");
    assert_eq!(ended.code(), Some(101));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_another_thread_ends_it_and_can_be_read() {
    let server = NatsServer::start().await;
    let mut terminal = top(&server, Some("look_panics"));

    let ended = terminal.wait_exit(PATIENCE).await;

    is_as_it_was(&terminal).await;
    let told = told_afterwards(&terminal);
    assert!(told.contains("panicked at") && told.contains("a thread has panicked"), "{told:?}");
    assert_eq!(ended.code(), Some(1));
}
