//! A terminal that survives cut connections and restarted daemons.

mod input;
mod link;
mod outbox;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tonic::Streaming;

use self::link::{Link, Return};
use self::outbox::{Numbering, Outbox, Right};
use crate::follow::{Cursor, position};
use crate::v1::{self, terminal_frame::Frame};
use crate::{AttachOptions, Client, Error, Queries, TerminalEvent, Unavailability};

pub use self::input::{AttachmentInput, InputRefused};

/// One client on one terminal.
///
/// [`Attachment::next`] yields what happens; [`Attachment::input`] types. When the connection
/// breaks, or the daemon is killed or restarted, the attachment comes back by itself: every byte of
/// output is yielded exactly once, every byte of input typed exactly once.
///
/// ```no_run
/// # async fn example(client: codeplane_client::Client) -> Result<(), codeplane_client::Error> {
/// use codeplane_client::{AttachOptions, TerminalEvent};
///
/// let mut attachment = client.attach(AttachOptions::session("web")).await?;
/// while let Some(event) = attachment.next().await? {
///     if let TerminalEvent::Output { data, .. } = event {
///         println!("{} bytes", data.len());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Attachment {
    client: Client,
    options: AttachOptions,
    session_id: String,
    attachment_id: String,
    resume_token: bytes::Bytes,
    outbox: Arc<Outbox>,
    cursor: Cursor,
    /// Yielded before anything else is read; one frame is at most two events.
    ready: VecDeque<TerminalEvent>,
    path: Path,
}

enum Path {
    Up(Box<Streaming<v1::AttachResponse>>),
    Down(Pin<Box<dyn Future<Output = Result<Link, Error>> + Send>>),
    Over,
}

impl Client {
    /// Attaches to a terminal over this client's connection.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::ControlTaken`] if control was asked for only if free;
    /// [`Error::OutOfRange`] for a position beyond the end. A connection that breaks is no error,
    /// now or later: the attachment comes back by itself.
    pub async fn attach(&self, options: AttachOptions) -> Result<Attachment, Error> {
        let outbox = Arc::new(Outbox::default());
        if let Some(size) = options.size {
            outbox.remember_size(size);
        }
        let mut attachment = Attachment {
            client: self.clone(),
            session_id: options.session.clone(),
            cursor: Cursor::asking(&options.from),
            options,
            attachment_id: String::new(),
            resume_token: bytes::Bytes::new(),
            outbox,
            ready: VecDeque::new(),
            path: Path::Over,
        };
        let mode = attachment.options.mode;
        let joined = link::join(self, attachment.init(mode), &attachment.outbox).await;
        let mut link = match joined {
            // The daemon was there a moment ago: as good as a cut later on.
            Err(Error::Transport(_)) => {
                attachment.way_back(mode, Unavailability::Vanished).run().await?
            }
            joined => joined?,
        };
        attachment.session_id = link.attached.session_id.clone();
        attachment.cursor.begin(position(link.attached.position)?);
        attachment.join(&mut link.attached);
        attachment.ready.push_back(TerminalEvent::Attached(link.attached));
        attachment.path = Path::Up(Box::new(link.frames));
        Ok(attachment)
    }
}

impl Attachment {
    /// Id of the session, also if the attachment was made by name.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The position of the next byte of output.
    #[must_use]
    pub fn position(&self) -> Option<v1::OutputPosition> {
        self.cursor.next()
    }

    /// The typing side.
    #[must_use]
    pub fn input(&self) -> AttachmentInput {
        AttachmentInput::new(Arc::clone(&self.outbox))
    }

    /// Waits for what happens next; `None` after `End`.
    ///
    /// # Errors
    /// What cannot be cured by trying again: the session is gone, the daemon refuses, a time limit
    /// for coming back has passed. Nothing follows then.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost, and a way back that has begun goes on with the next call.
    pub async fn next(&mut self) -> Result<Option<TerminalEvent>, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let step = match &mut self.path {
                Path::Up(frames) => match frames.message().await {
                    Ok(Some(message)) => self.take(message),
                    Ok(None) => self.leave(Unavailability::Vanished, link::cut()),
                    Err(status) => {
                        let error = Error::from(status);
                        self.leave(error.cause(), error)
                    }
                },
                Path::Down(way_back) => match way_back.await {
                    Ok(link) => self.come_back(link),
                    Err(error) => Err(error),
                },
                Path::Over => return Ok(None),
            };
            if let Err(error) = step {
                self.finish();
                return Err(error);
            }
        }
    }

    fn take(&mut self, message: v1::AttachResponse) -> Result<(), Error> {
        match message.frame.and_then(|frame| frame.frame) {
            Some(Frame::InputAck(ack)) => self.outbox.acknowledge(ack.seq),
            Some(Frame::End(end)) if end.reason() == v1::EndReason::DaemonStopping => {
                return self.leave(Unavailability::Stopped, link::cut());
            }
            Some(frame) => {
                if let Frame::ControlChanged(changed) = &frame {
                    let right = if changed.you { Right::Control } else { Right::Observe };
                    self.outbox.set_right(right);
                }
                let over = matches!(frame, Frame::End(_));
                self.cursor.take(frame, &mut |event| self.ready.push_back(event))?;
                if over {
                    self.finish();
                }
            }
            None => {}
        }
        Ok(())
    }

    /// The connection is of no use any more: begins the way back, if there can be one.
    fn leave(&mut self, cause: Unavailability, error: Error) -> Result<(), Error> {
        if !error.is_retryable() && !matches!(error, Error::Unavailable { .. }) {
            return Err(error);
        }
        let mode = match self.outbox.right() {
            // Not taken back from somebody who got it in the meantime.
            Some(Right::Control) => v1::AttachMode::ControlIfFree,
            Some(Right::Observe) | None => v1::AttachMode::Observe,
        };
        self.outbox.cut();
        self.path = Path::Down(Box::pin(self.way_back(mode, cause).run()));
        self.ready.push_back(TerminalEvent::Reconnecting { cause });
        Ok(())
    }

    fn way_back(&self, mode: v1::AttachMode, why: Unavailability) -> Return {
        Return {
            endpoint: self.client.endpoint().clone(),
            options: self.client.options().clone(),
            rejoin: self.options.rejoin.clone(),
            init: self.init(mode),
            outbox: Arc::clone(&self.outbox),
            why,
        }
    }

    fn come_back(&mut self, mut link: Link) -> Result<(), Error> {
        if link.attached.session_id != self.session_id {
            return Err(Error::Protocol("another session answered".to_owned()));
        }
        let uncertain_input_bytes = self.join(&mut link.attached);
        self.path = Path::Up(Box::new(link.frames));
        let attached = link.attached;
        self.ready.push_back(TerminalEvent::Reconnected { attached, uncertain_input_bytes });
        Ok(())
    }

    /// Remembers what is needed to come back, and lets the input go. The token stays in here.
    fn join(&mut self, attached: &mut v1::Attached) -> usize {
        let numbering = if attached.attachment_id == self.attachment_id {
            Numbering::Continues
        } else {
            Numbering::Anew
        };
        self.attachment_id.clone_from(&attached.attachment_id);
        self.resume_token = std::mem::take(&mut attached.resume_token);
        let right = given(attached.mode());
        self.outbox.join(attached.input_seq, numbering, right)
    }

    fn init(&self, mode: v1::AttachMode) -> v1::AttachInit {
        v1::AttachInit {
            session: self.session_id.clone(),
            from: Some(self.cursor.resume(&self.options.from)),
            mode: mode.into(),
            size: self.outbox.size(),
            answers_queries: self.options.queries == Queries::AnsweredByClient,
            resume_token: self.resume_token.clone(),
            once: self.options.once,
        }
    }

    fn finish(&mut self) {
        self.path = Path::Over;
        self.outbox.finish();
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.outbox.finish();
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is a secret.
        f.debug_struct("Attachment")
            .field("session_id", &self.session_id)
            .field("attachment_id", &self.attachment_id)
            .field("position", &self.cursor.next())
            .finish_non_exhaustive()
    }
}

/// What `Attached` tells of the mode.
const fn given(mode: v1::AttachMode) -> Right {
    match mode {
        v1::AttachMode::Control => Right::Control,
        v1::AttachMode::Unspecified | v1::AttachMode::Observe | v1::AttachMode::ControlIfFree => {
            Right::Observe
        }
    }
}
