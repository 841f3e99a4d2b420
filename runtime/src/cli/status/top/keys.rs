//! What is pressed, from a thread that waits for it.

use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

/// How long the thread waits before it sees that nobody listens any more.
const PERIOD: Duration = Duration::from_millis(100);

/// How many keys may wait to be heeded.
const WAITING: usize = 16;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    Enter,
    Back,
    Quit,
    /// The terminal has another size.
    Resize,
}

/// Keys as they are pressed.
#[derive(Debug)]
pub(super) struct Keys(mpsc::Receiver<Key>);

impl Keys {
    pub(super) fn listen() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            while !sender.is_closed() {
                match event::poll(PERIOD) {
                    Ok(false) => {}
                    Ok(true) => {
                        let Ok(event) = event::read() else { return };
                        if let Some(key) = meaning(&event)
                            && sender.blocking_send(key).is_err()
                        {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        });
        Self(receiver)
    }

    /// The next one; `None` when there will be no more. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Key> {
        self.0.recv().await
    }
}

fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Resize(..) => return Some(Key::Resize),
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
        KeyCode::Char('q') => Some(Key::Quit),
        KeyCode::Up | KeyCode::Char('k') => Some(Key::Up),
        KeyCode::Down | KeyCode::Char('j') => Some(Key::Down),
        KeyCode::Enter | KeyCode::Right => Some(Key::Enter),
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => Some(Key::Back),
        _ => None,
    }
}
