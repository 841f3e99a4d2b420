//! The terminal, taken for a while and given back as it was, also after a panic on whatever thread.

use std::io;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::{DefaultTerminal, Frame};
use tokio_util::sync::CancellationToken;

/// The terminal in our hands: raw, and on its other screen. Given back when dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    /// Whether a panic gives it back, which it must not be twice: the shell would write over what was told.
    is_lost: Arc<AtomicBool>,
    told: CancellationToken,
}

impl Screen {
    /// Takes the terminal. From here on a panic gives it back before it is told, so that it can be read.
    pub(super) fn take() -> io::Result<Self> {
        // Half of it may be taken when it fails. It also sets the hook that gives the terminal back.
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        let screen = Self { terminal, is_lost: Arc::default(), told: CancellationToken::new() };
        let (is_lost, told) = (Arc::clone(&screen.is_lost), screen.told.clone());
        let give_back_and_tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            is_lost.store(true, Ordering::SeqCst);
            give_back_and_tell(panic);
            told.cancel();
        }));
        Ok(screen)
    }

    /// Draws a frame, unless the terminal is lost.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        match self.is_lost.load(Ordering::SeqCst) {
            true => Ok(()),
            false => self.terminal.draw(draw).map(drop),
        }
    }

    /// Cancelled when a thread has panicked and that was told: nothing is left to draw on.
    pub(super) fn panic_told(&self) -> CancellationToken {
        self.told.clone()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !self.is_lost.load(Ordering::SeqCst) {
            ratatui::restore();
        }
    }
}
