//! Typing: as one call, or on behalf of an attachment.

use std::sync::Arc;

use codeplane_core::audit::AuditKind;
use codeplane_core::{Acquire, AttachmentId, OutputPosition, RequestId, Role, Roles, TerminalSize};

use super::error::Error;
use super::sessions::require_live;
use super::{App, Caller};
use crate::session::{INPUT_BYTES, InputError, Live, Seat, UnaryInput};

/// What is said to whoever types at a dialog that is not for them.
pub(crate) const NEEDS_APPROVER: &str = "a permission may be asked for on the screen: to type there \
                                         needs the role approver; Escape and Ctrl-C go through";

/// An attachment's way in.
#[derive(Clone, Debug)]
pub(crate) struct Typing {
    pub(super) app: App,
    pub(super) live: Arc<Live>,
    pub(super) seat: Arc<Seat>,
    /// What its client may do.
    pub(super) roles: Roles,
}

/// Input of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeRequest<'a> {
    /// What to type.
    pub bytes: &'a [u8],
    /// A repetition with the same id is not typed again.
    pub request: Option<RequestId>,
    /// Whose control to override.
    pub over: Over,
}

/// Input of one call on behalf of an attachment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttachedInput<'a> {
    /// The attachment.
    pub attachment: AttachmentId,
    /// Its number among the attachment's inputs, from 1 on.
    pub seq: u64,
    /// What to type.
    pub bytes: &'a [u8],
}

/// Whose control a call overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nobody's.
    Nobody,
    /// Whoever holds it: the caller insists.
    Anybody,
}

impl App {
    /// Types one item; answers where the output was when it had been written.
    ///
    /// # Errors
    /// [`Error::Invalid`] before the first byte if it is too long, [`Error::WrongState`] if the
    /// session has ended, [`Error::ControlTaken`] if another principal controls, [`Error::Denied`] if a
    /// permission may be asked for on the screen and the caller may not give it.
    pub(crate) async fn type_bytes(
        &self,
        caller: &Caller,
        reference: &str,
        typed: TypeRequest<'_>,
    ) -> Result<OutputPosition, Error> {
        let limit = self.config.input.max.0;
        let length = typed.bytes.len() as u64;
        if length > limit {
            return Err(Error::invalid(
                "data",
                format!("has {length} bytes: at most {limit} (input.max); send it in pieces"),
            ));
        }
        let live = self.find(reference)?;
        require_live(&live)?;
        if typed.bytes.is_empty() {
            return Ok(live.end_position());
        }
        let overridden = respect_holder(&live, caller, typed.over)?;
        let request = typed.request.unwrap_or_else(RequestId::random);
        let author = AttachmentId::from_bytes(*request.as_bytes());
        let input = UnaryInput { request, author, bytes: typed.bytes, roles: caller.roles };
        let typing = live.type_unary(input).await.map_err(|error| input_error(&live, error));
        if let (Ok(at), Some(holder)) = (&typing, overridden) {
            let record = self.audit_of(&caller.principal, AuditKind::InputForced, &live).at(*at);
            let record = record.with("bytes", length.to_string()).with("holder", holder);
            self.note(record).await;
        }
        typing
    }

    /// Types on behalf of an attachment, for clients without bidirectional streams.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], [`Error::Invalid`], [`Error::WrongState`].
    pub(crate) async fn type_as(
        &self,
        caller: &Caller,
        reference: &str,
        typed: AttachedInput<'_>,
    ) -> Result<OutputPosition, Error> {
        let AttachedInput { attachment, seq, bytes } = typed;
        let live = self.find(reference)?;
        require_live(&live)?;
        let seat = live.seat(attachment).ok_or(Error::AttachmentNotFound(attachment))?;
        let typing = Typing {
            app: self.clone(),
            live: Arc::clone(&live),
            seat: Arc::clone(&seat),
            roles: caller.roles,
        };
        typing.input(seq, bytes).await?;
        let done = live.until(|live| match seat.refusal() {
            Some(why) => Some(Err(Error::invalid("seq", why))),
            None if seat.acked() >= seq => Some(Ok(live.end_position())),
            None => require_live(live).err().map(Err),
        });
        done.await
    }
}

impl Typing {
    /// Types; an observer's input is swallowed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is too long for one message, [`Error::WrongState`]; [`Error::Denied`] if a
    /// permission may be asked for on the screen and the client may not give it: it is told.
    ///
    /// # Cancel safety
    /// Dropped before it is sent: nothing is typed. After: all of it is.
    pub(crate) async fn input(&self, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > INPUT_BYTES {
            let limit = INPUT_BYTES;
            return Err(Error::invalid("input.data", format!("at most {limit} bytes a message")));
        }
        if seq == 0 {
            return Err(Error::invalid("input.seq", "begins with 1"));
        }
        let typed = self.live.type_as(&self.seat, seq, bytes, self.roles).await;
        typed.map_err(|error| input_error(&self.live, error))
    }

    /// The attachment's id.
    #[must_use]
    pub(crate) fn id(&self) -> AttachmentId {
        self.seat.id()
    }

    /// The client's terminal has another size.
    pub(crate) async fn resize(&self, size: TerminalSize) {
        self.live.resize_as(&self.seat, size).await;
    }

    /// Asks for control.
    ///
    /// # Errors
    /// [`Error::ControlTaken`], [`Error::Denied`].
    pub(crate) async fn acquire(&self, how: Acquire) -> Result<OutputPosition, Error> {
        may_control(self.roles)?;
        let at = self.live.acquire(self.seat.id(), how).map_err(|taken| Error::ControlTaken {
            session: self.live.id(),
            holder: taken.holder,
        })?;
        self.app.note_control(&self.live);
        self.live.fit_holder().await;
        Ok(at)
    }

    /// Gives control up.
    pub(crate) async fn release(&self) {
        self.live.release(self.seat.id());
        self.app.note_control(&self.live);
        self.live.fit_holder().await;
    }

    /// The client's terminal is given no output behind this position.
    pub(crate) fn shown_up_to(&self, position: OutputPosition) {
        self.live.shown_up_to(&self.seat, position);
    }

    /// Leaves; the stream ends.
    pub(crate) fn detach(&self) {
        self.live.ask_to_leave(&self.seat);
    }

    /// The client sent what cannot be: the stream ends and says so.
    pub(crate) fn refuse(&self, why: &Error) {
        self.live.refuse(&self.seat, why.to_string());
    }

    /// The client is told who holds control, as its wish for it was refused.
    pub(crate) fn tell_holder(&self) {
        self.live.tell_holder(&self.seat);
    }

    /// Asks for an answer on the stream.
    pub(crate) fn ping(&self, id: u64) {
        self.live.ping(&self.seat, id);
    }

    /// After the stream has ended: the size belongs to whoever follows.
    pub(crate) async fn left(&self) {
        self.app.note_control(&self.live);
        self.live.fit_holder().await;
    }
}

/// Unary input respects the control of another principal, unless it insists: then it answers whose.
fn respect_holder(live: &Live, caller: &Caller, over: Over) -> Result<Option<String>, Error> {
    match (live.holder(), over) {
        (Some(holder), over) if holder.principal() != caller.principal => match over {
            Over::Nobody => Err(Error::ControlTaken { session: live.id(), holder: holder.id() }),
            Over::Anybody => Ok(Some(holder.principal().to_owned())),
        },
        (Some(_) | None, Over::Nobody | Over::Anybody) => Ok(None),
    }
}

/// To type and to set the size needs a role that seeing does not.
pub(super) fn may_control(roles: Roles) -> Result<(), Error> {
    if roles.contains(Role::Operator) {
        return Ok(());
    }
    Err(Error::Denied("control needs the role operator: attach to observe".to_owned()))
}

fn input_error(live: &Live, error: InputError) -> Error {
    match error {
        InputError::Ended => Error::WrongState {
            session: live.id(),
            is: live.state_name(),
            wanted: "it must be running to be typed into",
        },
        InputError::LineTooLong => Error::invalid(
            "data",
            "has a line of more than 4095 bytes, and the program reads whole lines: \
             the terminal would drop the rest",
        ),
        InputError::NeedsApprover => Error::Denied(NEEDS_APPROVER.to_owned()),
        InputError::TooLong => Error::invalid("data", "is longer than the session's limit"),
    }
}
