//! The screen of a session.

use std::sync::Arc;

use bytes::Bytes;
use codeplane_core::OutputPosition;
use codeplane_terminal::ScreenSnapshot;

use super::App;
use super::error::Error;
use crate::session::{Frame, Live};

/// Most lines of scrollback that can be asked for.
const HISTORY_LINES: u32 = 10_000;

/// The screen as rows, at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Where.
    pub(crate) position: OutputPosition,
    /// What it shows.
    pub(crate) snapshot: ScreenSnapshot,
}

/// A screen to begin with.
pub(super) struct Snapshot {
    pub(super) position: OutputPosition,
    pub(super) frame: Option<Frame>,
}

impl App {
    /// The screen as rows, with lines of scrollback.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::SessionNotFound`], [`Error::Busy`].
    pub(crate) async fn screen(&self, reference: &str, history: u32) -> Result<Screen, Error> {
        let lines = history_lines(history)?;
        let live = self.find(reference)?;
        let shown = self.surroundings.watcher().rows(&live, lines).await;
        let shown = shown.map_err(|_| Error::Busy)?;
        let incarnation = live.incarnation();
        let position = OutputPosition { incarnation, offset: shown.offset };
        Ok(Screen { position, snapshot: shown.screen })
    }

    /// The screen as a follower begins with it.
    pub(super) async fn snapshot(&self, live: &Arc<Live>, history: u32) -> Result<Snapshot, Error> {
        let lines = history_lines(history)?;
        let shown = self.surroundings.watcher().dump(live, lines).await;
        let shown = shown.map_err(|_| Error::Busy)?;
        let incarnation = live.incarnation();
        let position = OutputPosition { incarnation, offset: shown.offset };
        let data = Bytes::from(shown.screen);
        let frame = Frame::Snapshot { position, data, size: shown.size };
        Ok(Snapshot { position, frame: Some(frame) })
    }
}

fn history_lines(asked: u32) -> Result<usize, Error> {
    if asked > HISTORY_LINES {
        return Err(Error::invalid("history_lines", format!("at most {HISTORY_LINES}")));
    }
    usize::try_from(asked).map_err(Error::internal)
}
