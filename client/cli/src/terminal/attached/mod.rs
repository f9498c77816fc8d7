//! Showing a session on the user's terminal and typing into it.

mod fitting;
mod part;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use codeplane_client::{
    Attachment, AttachmentInput, Client, DisplayFilter, Error, TerminalEvent, Unavailability, v1,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use self::fitting::Covered;
use self::part::Part;
use super::detach::DetachKeys;
use super::typing::{AtEnd, Typing, Wish};
use crate::exit::Failure;
use crate::os::{self, Keyboard, RawMode};
use crate::output;

/// How long a daemon may be away before the user is told.
const SLOW: Duration = Duration::from_secs(1);
/// How long a good-bye may take.
const LEAVING: Duration = Duration::from_secs(1);
/// What the user does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Types and sets the size.
    Control,
    /// Looks.
    Observe,
}

/// How to show it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) role: Role,
    pub(crate) keys: DetachKeys,
    /// Of what is read instead of a person's typing.
    pub(crate) at_end: AtEnd,
}

/// Why it is not shown any more.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The user left; the session goes on.
    Detached,
    /// The session's run is over.
    Exited(v1::Exited),
    /// The session was deleted.
    Deleted,
    /// Nobody reads what is shown; the session goes on.
    Unread,
}

/// Shows `attachment` until the user leaves or the session ends. The user's terminal is as it was
/// before, whatever happens.
pub(crate) async fn show(
    client: Client,
    attachment: Attachment,
    plan: Plan,
) -> Result<Ending, Failure> {
    let interactive = os::stdin_is_terminal();
    let input = attachment.input();
    let typing = if interactive {
        Typing::of_person(input.clone(), plan.role, plan.keys)
    } else {
        Typing::of_stream(input.clone(), plan.role, plan.at_end)
    };
    let mut view = View {
        client,
        input,
        attachment,
        typing,
        keyboard: Keyboard::open().map_err(Failure::system("cannot read the keyboard"))?,
        role: plan.role,
        filter: DisplayFilter::default(),
        exited: None,
        line: Line::Start,
        present: plan.role,
        absence: Absence::None,
        leaving_until: None,
        size: None,
        part: None,
        shown_up_to: None,
        placement: Placement::Anywhere,
        covered: None,
    };
    let raw = interactive
        .then(RawMode::enter)
        .transpose()
        .map_err(Failure::system("cannot put the terminal into raw mode"))?;
    let ending = match view.run().await {
        Err(Failure::System { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            Ok(Ending::Unread)
        }
        ending => ending,
    };
    drop(raw);
    if interactive && view.line == Line::Within {
        output::note("");
    }
    ending
}

struct View {
    client: Client,
    attachment: Attachment,
    input: AttachmentInput,
    keyboard: Keyboard,
    typing: Typing,
    role: Role,
    filter: DisplayFilter,
    exited: Option<v1::Exited>,
    line: Line,
    /// What the daemon lets this client do now.
    present: Role,
    absence: Absence,
    leaving_until: Option<Instant>,
    /// The size of the session's terminal, once it is known.
    size: Option<v1::TerminalSize>,
    /// While the session's screen does not fit: the part that is shown instead of the output.
    part: Option<Part>,
    /// Output before this position is on the screen already.
    shown_up_to: Option<v1::OutputPosition>,
    /// Whether the first row of the session's screen is the first of the terminal: not before a
    /// snapshot, as what is printed begins wherever the cursor is.
    placement: Placement,
    /// What the last notice covers.
    covered: Option<Covered>,
}

/// Where the session's screen is on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placement {
    Anywhere,
    /// Row on row.
    Aligned,
}

/// Where the output has left the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Start,
    Within,
}

/// Whether the daemon is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    None,
    /// Not told yet; to be told then.
    Quiet(Instant, Unavailability),
    Told,
}

enum Step {
    Event(Option<TerminalEvent>),
    Typed(Option<Bytes>),
    Room,
    SizeChanged,
    Continued,
    Late,
}

impl View {
    async fn run(&mut self) -> Result<Ending, Failure> {
        let mut size_changes = listen(SignalKind::window_change())?;
        let mut continues = listen(SignalKind::from_raw(libc::SIGCONT))?;
        loop {
            let alarm = self.alarm();
            let step = tokio::select! {
                // Output last: under a flood it is always ready, and Ctrl-C must get through.
                biased;
                typed = self.keyboard.next(),
                    if self.typing.wants_more() && self.leaving_until.is_none() => Step::Typed(typed),
                () = self.input.room(), if self.typing.has_backlog() => Step::Room,
                _ = size_changes.recv() => Step::SizeChanged,
                _ = continues.recv() => Step::Continued,
                () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => Step::Late,
                event = self.attachment.next() => Step::Event(event?),
            };
            if let Some(ending) = self.step(step).await? {
                return Ok(ending);
            }
            self.fit().await?;
        }
    }

    async fn step(&mut self, step: Step) -> Result<Option<Ending>, Failure> {
        match step {
            Step::Event(Some(event)) => return self.happened(event),
            Step::Event(None) => {
                self.paint().await?;
                return Ok(Some(self.ending()));
            }
            Step::Typed(typed) => {
                let is_nobodys = self.role == Role::Control && self.present == Role::Observe;
                let wish = match typed {
                    Some(typed) => {
                        let wish = self.typing.take(&typed).await;
                        if is_nobodys && wish == Wish::Stay {
                            self.tell("[another client has control: nothing takes what you type]");
                        }
                        wish
                    }
                    None => self.typing.end().await,
                };
                return Ok(match wish {
                    Wish::Leave => self.leave(),
                    Wish::Stay => None,
                });
            }
            Step::Room => self.typing.send().await,
            Step::SizeChanged => {
                self.tell_size();
                self.refit();
            }
            Step::Continued => {
                self.tell_size();
                // The shell has written over the program's screen.
                self.begin_anew().await?;
            }
            Step::Late => return self.late().await,
        }
        Ok(None)
    }

    fn happened(&mut self, event: TerminalEvent) -> Result<Option<Ending>, Failure> {
        match event {
            TerminalEvent::Output { position, data } => {
                self.printed(position, &data)?;
            }
            TerminalEvent::Attached(attached) => {
                self.filter.set_answers_from(attached.answers_queries_from);
                self.size = attached.size;
            }
            TerminalEvent::Snapshot(snapshot) => {
                self.size = snapshot.size;
                self.refit();
                if !self.is_too_small() {
                    self.begin_with(&snapshot)?;
                }
            }
            TerminalEvent::ControlChanged(changed) => {
                let (present, answers_from) =
                    if changed.you { (Role::Control, changed.at) } else { (Role::Observe, None) };
                self.control_changed(present, answers_from);
            }
            TerminalEvent::Gap { from, to } => {
                let missing = to.offset.saturating_sub(from.offset);
                self.tell(&format!("[{missing} bytes of output are no longer there]"));
            }
            TerminalEvent::InputRefused { message } => self.tell(&format!("[{message}]")),
            TerminalEvent::Resized { size, .. } => self.size = Some(size),
            TerminalEvent::Exited(exited) => self.exited = Some(exited),
            TerminalEvent::Reconnecting { cause } => {
                if self.leaving_until.is_some() {
                    return Ok(Some(Ending::Detached));
                }
                self.absence = Absence::Quiet(Instant::now() + SLOW, cause);
            }
            TerminalEvent::Reconnected { attached, uncertain_input_bytes } => {
                self.came_back(&attached, uncertain_input_bytes);
            }
            TerminalEvent::End { reason, message } => return self.ended(reason, message).map(Some),
            TerminalEvent::StateChanged { .. } | TerminalEvent::Pong { .. } => {}
        }
        Ok(None)
    }

    /// Says good-bye; the end comes with the daemon's answer, or without it a little later.
    fn leave(&mut self) -> Option<Ending> {
        if self.absence != Absence::None {
            return Some(Ending::Detached);
        }
        self.input.detach(self.attachment.position());
        self.leaving_until = Some(Instant::now() + LEAVING);
        None
    }

    fn alarm(&self) -> Option<Instant> {
        let absence = match self.absence {
            Absence::Quiet(until, _) => Some(until),
            Absence::None | Absence::Told => None,
        };
        let part = self.part.as_ref().and_then(Part::due);
        let covered = self.covered.as_ref().map(|covered| covered.next);
        [self.leaving_until, absence, part, covered].into_iter().flatten().min()
    }

    async fn late(&mut self) -> Result<Option<Ending>, Failure> {
        let now = Instant::now();
        if self.leaving_until.is_some_and(|until| until <= now) {
            return Ok(Some(Ending::Detached));
        }
        if let Absence::Quiet(until, cause) = self.absence
            && until <= now
        {
            self.absence = Absence::Told;
            self.keep_telling(match cause {
                Unavailability::Vanished => {
                    "[no daemon answers; the session goes on; waiting for one]"
                }
                Unavailability::Stopped => {
                    "[the daemon was stopped; the session goes on; see 'cpctl daemon start']"
                }
            });
        }
        if self.covered.as_ref().is_some_and(|covered| covered.next <= now) {
            self.look_after_notice().await?;
        }
        if self.part.as_ref().and_then(Part::due).is_some_and(|due| due <= now) {
            self.paint().await?;
        }
        Ok(None)
    }

    fn came_back(&mut self, attached: &v1::Attached, uncertain_input_bytes: usize) {
        self.size = attached.size;
        let controls = attached.mode() == v1::AttachMode::Control;
        let present = if controls { Role::Control } else { Role::Observe };
        self.control_changed(present, attached.answers_queries_from);
        let told = std::mem::replace(&mut self.absence, Absence::None) == Absence::Told;
        if uncertain_input_bytes > 0 {
            self.tell(&format!(
                "[reconnected; nobody knows whether the last {uncertain_input_bytes} bytes you typed arrived]"
            ));
        } else if told {
            self.tell("[reconnected]");
        }
        self.tell_size();
    }

    fn control_changed(&mut self, present: Role, answers_from: Option<v1::OutputPosition>) {
        self.filter.set_answers_from(answers_from);
        if self.role == Role::Observe {
            return;
        }
        // What is told is what changes for the user: a first grant does not.
        let had = std::mem::replace(&mut self.present, present);
        match (had, present) {
            (Role::Control, Role::Observe) => {
                self.tell("[another client has taken control; you see what it does]");
            }
            (Role::Observe, Role::Control) => self.tell("[you have control]"),
            (Role::Control, Role::Control) | (Role::Observe, Role::Observe) => {}
        }
        self.tell_size();
    }

    fn tell_size(&self) {
        if self.role == Role::Control
            && let Some(size) = os::terminal_size()
        {
            self.input.resize(size);
        }
    }

    fn ended(&mut self, reason: v1::EndReason, message: String) -> Result<Ending, Failure> {
        match reason {
            v1::EndReason::Detached => Ok(Ending::Detached),
            v1::EndReason::SessionDeleted => Ok(Ending::Deleted),
            v1::EndReason::Refused => Err(Error::Protocol(message).into()),
            v1::EndReason::SessionEnded
            | v1::EndReason::LimitReached
            | v1::EndReason::DaemonStopping
            | v1::EndReason::Unspecified => Ok(self.ending()),
        }
    }

    fn ending(&mut self) -> Ending {
        // What the filter held back was the beginning of something without an end.
        drop(write(&self.filter.finish()));
        self.exited.take().map_or(Ending::Detached, Ending::Exited)
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(Failure::system("cannot listen for signals"))
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    os::write_stdout(bytes).map_err(Failure::system("cannot write to standard output"))
}

/// Pushes what is on the screen up into the scrollback, so that it is not lost, and begins anew.
fn clear_screen() -> Vec<u8> {
    if !output::is_terminal() {
        return Vec::new();
    }
    let rows = os::terminal_size().map_or(0, |size| usize::try_from(size.rows).unwrap_or_default());
    let mut bytes = b"\x1b[r\x1b[999;1H".to_vec();
    bytes.extend(std::iter::repeat_n(b'\n', rows));
    bytes.extend_from_slice(b"\x1b[H\x1b[2J");
    bytes
}
