//! Attach, read, tail, type, resize, control.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codeplane_core::{Acquire, AttachmentId, OutputPosition, TerminalSize};

use super::error::Error;
use super::sessions::{gone, require_live};
use super::typing::{Over, Typing, may_control};
use super::{App, Caller};
use crate::session::{
    Answers, Attached, Control, Follow, Follower, Frame, Live, Piece, Seat, SeatFacts, Until,
};

/// Most bytes of one piece of output.
const PIECE_BYTES: usize = 1 << 20;

/// How long a terminal may take to get another size. It takes a millisecond, unless its shim was
/// stopped.
const FIT_LIMIT: Duration = Duration::from_millis(500);

/// Where output begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With the present screen and so many lines before it.
    Snapshot {
        /// Lines of scrollback.
        history_lines: u32,
    },
    /// At this position.
    Position(OutputPosition),
    /// With the oldest byte that is there.
    Start,
    /// With the next byte.
    End,
}

/// Whether an attachment is to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachTo {
    /// It only sees.
    Observe,
    /// It controls.
    Control(Acquire),
}

/// How to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttachRequest {
    /// Id, prefix or name.
    pub session: String,
    /// Where output begins.
    pub from: From,
    /// Whether to control.
    pub to: AttachTo,
    /// Size of the client's terminal.
    pub size: Option<TerminalSize>,
    /// Who answers queries while it controls.
    pub answers: Answers,
    /// To go on as an earlier attachment.
    pub resume: Option<[u8; 16]>,
    /// When to end.
    pub until: Until,
}

/// A client on a terminal: its stream of frames, and its way in.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// What it receives.
    pub frames: Follower,
    /// What it may do.
    pub typing: Typing,
}

/// How to follow output without input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Id, prefix or name.
    pub session: String,
    /// Where output begins.
    pub from: From,
    /// When to end; none: at the present end.
    pub until: Option<Until>,
}

/// One piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputPiece {
    /// Position of the first byte.
    pub position: OutputPosition,
    /// The bytes.
    pub data: Bytes,
    /// Where to read on.
    pub next: OutputPosition,
    /// Present end.
    pub end: OutputPosition,
    /// From where on bytes are missing before `position`.
    pub gap_from: Option<OutputPosition>,
}

impl App {
    /// Attaches to a terminal.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::SessionNotFound`], [`Error::ControlTaken`], [`Error::BeyondEnd`],
    /// [`Error::Invalid`].
    ///
    /// # Cancel safety
    /// Dropped: nobody is attached.
    pub(crate) async fn attach(
        &self,
        caller: &Caller,
        request: AttachRequest,
    ) -> Result<Attachment, Error> {
        if self.shutdown.has_begun() {
            return Err(Error::Stopping);
        }
        match request.to {
            AttachTo::Control(_) => may_control(caller.roles)?,
            AttachTo::Observe => {}
        }
        let live = self.find(&request.session)?;
        // Everything that can be refused is, before anybody else notices.
        let start = self.begin(&live, request.from).await?;
        let seat = live.sit(request.resume, &caller.principal, request.answers).map_err(|_| {
            Error::invalid("init.resume_token", "is not known (any longer): attach anew without it")
        })?;
        if let Some(size) = request.size {
            seat.note_size(size);
        }
        let mut seated =
            Seated { app: self, live: Arc::clone(&live), seat: Some(Arc::clone(&seat)) };
        let control = self.take_control(&live, &seat, request.to)?;
        self.note_control(&live);
        live.fit_holder().await;
        let start = match (control, request.size, request.from) {
            (Control::Held { .. }, Some(size), from @ From::Snapshot { .. }) => {
                self.begin_in(&live, size, from, start).await
            }
            _ => start,
        };
        seated.seat = None;
        let attached = Frame::Attached(Attached {
            position: start.position,
            size: live.size(),
            state: live.state_name(),
            seat: Some(SeatFacts {
                id: seat.id(),
                token: seat.token(),
                control,
                input_seq: seat.acked(),
            }),
        });
        let head = std::iter::once(attached).chain(start.snapshot).collect();
        let follow = Follow {
            head,
            from: start.position,
            seat: Some(Arc::clone(&seat)),
            until: request.until,
        };
        let frames = Follower::new(Arc::clone(&live), follow);
        let typing = Typing { app: self.clone(), live, seat, roles: caller.roles };
        Ok(Attachment { frames, typing })
    }

    fn take_control(&self, live: &Live, seat: &Seat, to: AttachTo) -> Result<Control, Error> {
        let how = match to {
            AttachTo::Control(how) if live.state().is_live() => how,
            // Nobody types into what has ended.
            AttachTo::Control(_) | AttachTo::Observe => return Ok(Control::No),
        };
        let at = live
            .acquire(seat.id(), how)
            .map_err(|taken| Error::ControlTaken { session: live.id(), holder: taken.holder })?;
        Ok(Control::Held {
            answers_from: match seat.answers() {
                Answers::Client => Some(at),
                Answers::Daemon => None,
            },
        })
    }

    /// Where output begins, and the screen there if it is asked for.
    async fn begin(&self, live: &Arc<Live>, from: From) -> Result<Start, Error> {
        let at = |position| Start { position, snapshot: None };
        match from {
            From::Start => Ok(at(live.start_position())),
            From::End => Ok(at(live.end_position())),
            From::Position(position) => checked_position(live, position).map(at),
            From::Snapshot { history_lines } => {
                let snapshot = self.snapshot(live, history_lines).await?;
                Ok(Start { position: snapshot.position, snapshot: snapshot.frame })
            }
        }
    }

    /// The screen in the size that its new holder gave it: painted as it was before, it would
    /// scroll out of a smaller terminal.
    async fn begin_in(
        &self,
        live: &Arc<Live>,
        size: TerminalSize,
        from: From,
        before: Start,
    ) -> Start {
        if matches!(before.snapshot, Some(Frame::Snapshot { size: shown, .. }) if shown == size) {
            return before;
        }
        let fits =
            live.until(|live| (live.size() == size || !live.state().is_live()).then_some(()));
        if tokio::time::timeout(FIT_LIMIT, fits).await.is_err() {
            return before;
        }
        self.begin(live, from).await.unwrap_or(before)
    }

    /// Follows output without input.
    ///
    /// # Errors
    /// As [`App::attach`].
    pub(crate) async fn tail(&self, request: Tail) -> Result<Follower, Error> {
        let live = self.find(&request.session)?;
        let start = self.begin(&live, request.from).await?;
        let attached = Frame::Attached(Attached {
            position: start.position,
            size: live.size(),
            state: live.state_name(),
            seat: None,
        });
        let until = request.until.unwrap_or_else(|| Until::Position(live.end()));
        let head = std::iter::once(attached).chain(start.snapshot).collect();
        Ok(Follower::new(live, Follow { head, from: start.position, seat: None, until }))
    }

    /// Reads one piece of output.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`], [`Error::SessionNotFound`].
    pub(crate) async fn read_output(
        &self,
        reference: &str,
        from: Option<OutputPosition>,
        limit: usize,
    ) -> Result<OutputPiece, Error> {
        let live = self.find(reference)?;
        let start = live.start_position();
        let asked = from.map_or(Ok(start), |position| checked_position(&live, position))?;
        let end = live.end_position();
        let (limit, reader) = (limit.clamp(1, PIECE_BYTES), live.reader());
        let read = move || Piece::read(reader, asked.offset, end.offset, limit);
        let read = self.shutdown.spawn_blocking(read).await.map_err(Error::internal)?;
        let Piece { offset: at, data } = read.map_err(Error::internal)?;
        let position = OutputPosition { offset: at, ..asked };
        Ok(OutputPiece {
            position,
            next: OutputPosition { offset: at.plus(data.len()), ..asked },
            data,
            end,
            gap_from: (at > asked.offset).then_some(asked),
        })
    }

    /// Sets the size of a terminal.
    ///
    /// # Errors
    /// [`Error::ControlTaken`] while another attachment controls, unless forced.
    pub(crate) async fn resize(
        &self,
        reference: &str,
        size: TerminalSize,
        on_behalf: Option<AttachmentId>,
        over: Over,
    ) -> Result<TerminalSize, Error> {
        let live = self.find(reference)?;
        require_live(&live)?;
        if let (Some(holder), Over::Nobody) = (live.holder(), over)
            && Some(holder.id()) != on_behalf
        {
            return Err(Error::ControlTaken { session: live.id(), holder: holder.id() });
        }
        if let Some(seat) = on_behalf.and_then(|id| live.seat(id)) {
            seat.note_size(size);
        }
        let author = on_behalf.unwrap_or_else(AttachmentId::random);
        live.resize(size, author).await.map_err(|_| gone(&live))?;
        live.until(|live| (live.size() == size || !live.state().is_live()).then_some(())).await;
        Ok(live.size())
    }

    /// Takes control for an attachment.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], [`Error::ControlTaken`], [`Error::WrongState`].
    pub(crate) async fn acquire(
        &self,
        caller: &Caller,
        reference: &str,
        attachment: AttachmentId,
        how: Acquire,
    ) -> Result<OutputPosition, Error> {
        let live = self.find(reference)?;
        require_live(&live)?;
        let seat = live.seat(attachment).ok_or(Error::AttachmentNotFound(attachment))?;
        Typing { app: self.clone(), live, seat, roles: caller.roles }.acquire(how).await
    }

    /// Gives control up for an attachment; answers who has it now.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`]
    pub(crate) async fn release(
        &self,
        caller: &Caller,
        reference: &str,
        attachment: AttachmentId,
    ) -> Result<Option<AttachmentId>, Error> {
        let live = self.find(reference)?;
        let seat = live.seat(attachment).ok_or(Error::AttachmentNotFound(attachment))?;
        let roles = caller.roles;
        let typing = Typing { app: self.clone(), live: Arc::clone(&live), seat, roles };
        typing.release().await;
        Ok(live.holder().map(|seat| seat.id()))
    }

    /// Makes the program paint its screen again.
    ///
    /// # Errors
    /// [`Error::WrongState`]
    pub(crate) async fn redraw(&self, reference: &str) -> Result<(), Error> {
        let live = self.find(reference)?;
        require_live(&live)?;
        live.redraw().await.map_err(|_| gone(&live))
    }
}

/// Gives the seat back if attaching does not come to its end.
struct Seated<'a> {
    app: &'a App,
    live: Arc<Live>,
    seat: Option<Arc<Seat>>,
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.live.leave(&seat);
            self.app.note_control(&self.live);
        }
    }
}

/// Where output begins.
struct Start {
    position: OutputPosition,
    snapshot: Option<Frame>,
}

pub(super) fn checked_position(
    live: &Live,
    position: OutputPosition,
) -> Result<OutputPosition, Error> {
    let end = live.end_position();
    if position.incarnation != end.incarnation || position.offset > end.offset {
        return Err(Error::BeyondEnd { asked: position.to_string(), end: end.to_string() });
    }
    Ok(position)
}
