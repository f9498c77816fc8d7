//! The screen of a session.
use super::error::Error;
use super::terminals::Over;
use super::{App, Caller};
use crate::session::{Frame, Live};
use codeplane_core::{OutputPosition, RequestId};
use std::sync::Arc;
/// A place to begin.
pub(super) struct Shown {
    pub(super) position: OutputPosition,
    pub(super) frame: Option<Frame>,
}
impl App {
    pub(super) async fn snapshot(&self, live: &Arc<Live>, _history: u32) -> Result<Shown, Error> {
        Ok(Shown { position: live.start_position(), frame: None })
    }
    /// x
    pub(crate) async fn screen(&self, _r: &str, _h: u32) -> Result<(), Error> {
        Err(Error::Busy)
    }
}
