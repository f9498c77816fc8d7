//! What the user's terminal shows of the session: all that is printed, or the part of the screen
//! that fits.

use std::time::Duration;

use codeplane_client::{AttachOptions, Error, Screen, TerminalEvent, v1};
use tokio::time::{Instant, timeout};

use super::part::{self, Part};
use super::{LEAVING, Line, Placement, Role, View, clear_screen, write};
use crate::exit::Failure;
use crate::terminal::notice;
use crate::{os, output};

/// How long a notice covers what the program shows there.
const NOTICE: Duration = Duration::from_secs(3);

/// When to paint a notice again: a program may have painted over it.
const AGAIN: Duration = Duration::from_millis(400);

/// When to try again to take a notice back, and how often.
const SOON: Duration = Duration::from_millis(200);
const TRIES: u8 = 20;

impl View {
    /// The program printed something.
    pub(super) fn printed(
        &mut self,
        position: v1::OutputPosition,
        data: &[u8],
    ) -> Result<(), Failure> {
        let (seen, new) = data.split_at(self.already_shown(position, data.len()));
        // The filter sees every byte once, whatever is shown.
        drop(self.filter.pass(position, seen));
        let offset = position.offset + seen.len() as u64;
        let shown = self.filter.pass(v1::OutputPosition { offset, ..position }, new);
        if let Some(part) = &mut self.part {
            part.note();
            return Ok(());
        }
        if let Some(last) = shown.last() {
            self.line = if *last == b'\n' { Line::Start } else { Line::Within };
        }
        write(&shown)?;
        os::shows(self.filter.screen());
        Ok(())
    }

    /// Shows the screen as a snapshot has it, whatever was there.
    pub(super) fn begin_with(&mut self, snapshot: &v1::Snapshot) -> Result<(), Failure> {
        if self.filter.screen() == Screen::Alternate {
            write(b"\x1b[?1049l")?;
        }
        write(&clear_screen())?;
        write(&snapshot.data)?;
        self.filter.begin_with(snapshot);
        os::shows(self.filter.screen());
        self.line = Line::Within;
        self.placement = Placement::Aligned;
        Ok(())
    }

    /// Shows everything anew: somebody else has written over it.
    pub(super) async fn begin_anew(&mut self) -> Result<(), Failure> {
        if self.part.is_some() {
            self.refit();
            return make_room_for_part();
        }
        let Some(snapshot) = self.snapshot().await else { return Ok(()) };
        self.shown_up_to = snapshot.position;
        self.begin_with(&snapshot)
    }

    /// How many of the bytes from `position` on are on the screen already.
    fn already_shown(&self, position: v1::OutputPosition, len: usize) -> usize {
        let Some(until) = self.shown_up_to else { return 0 };
        if until.incarnation != position.incarnation {
            return if until.incarnation > position.incarnation { len } else { 0 };
        }
        let seen = until.offset.saturating_sub(position.offset);
        usize::try_from(seen).unwrap_or(len).min(len)
    }

    /// Whether the session's screen does not fit into a terminal that has no say in its size.
    pub(super) fn is_too_small(&self) -> bool {
        let (Some(theirs), Some(own)) = (self.size, os::terminal_size()) else { return false };
        let smaller = own.cols < theirs.cols || own.rows < theirs.rows;
        smaller && self.present == Role::Observe && output::is_terminal() && os::stdin_is_terminal()
    }

    /// Shows a part of the screen from now on, or all that is printed again, if sizes have changed.
    pub(super) async fn fit(&mut self) -> Result<(), Failure> {
        match (self.part.is_some(), self.is_too_small()) {
            (false, true) => {
                self.part = Some(Part::new());
                make_room_for_part()?;
                self.paint().await?;
                if let Some(size) = self.size {
                    let v1::TerminalSize { cols, rows } = size;
                    self.tell(&format!(
                        "[the session is {cols}x{rows}: this is the part that fits]"
                    ));
                }
            }
            (true, false) => {
                // Where the daemon is away it is tried again when something happens.
                if let Some(snapshot) = self.snapshot().await {
                    self.part = None;
                    self.shown_up_to = snapshot.position;
                    write(b"\x1b[0m\x1b[?1049l")?;
                    self.filter.begin_with(&v1::Snapshot::default());
                    self.begin_with(&snapshot)?;
                }
            }
            (false, false) | (true, true) => {}
        }
        Ok(())
    }

    /// The screen as it is now, as another who looks would get it.
    async fn snapshot(&self) -> Option<v1::Snapshot> {
        let first = async {
            let options = AttachOptions::session(self.attachment.session_id());
            let mut other = self.client.attach(options).await?;
            loop {
                match other.next().await? {
                    Some(TerminalEvent::Snapshot(snapshot)) => {
                        other.input().detach(None);
                        return Ok::<_, Error>(Some(snapshot));
                    }
                    Some(_) => {}
                    None => return Ok(None),
                }
            }
        };
        let snapshot = timeout(LEAVING, Box::pin(first)).await.ok()?.ok()??;
        // It may be of before a sequence that has only begun, of which this terminal has a part.
        let order = |position: v1::OutputPosition| (position.incarnation, position.offset);
        let shown = self.attachment.position().map(order);
        (snapshot.position.map(order) >= shown).then_some(snapshot)
    }

    /// The user's terminal has another size.
    pub(super) fn refit(&mut self) {
        if let Some(part) = &mut self.part {
            part.forget();
        }
    }

    /// Shows the part of the screen as it is now, if a part is shown.
    pub(super) async fn paint(&mut self) -> Result<(), Failure> {
        let (Some(part), Some(size)) = (&mut self.part, os::terminal_size()) else {
            return Ok(());
        };
        let painted = part.paint(&self.client, self.attachment.session_id(), size).await;
        write(painted.as_bytes())
    }

    /// Tells the user something, for a while: over what the program paints meanwhile.
    pub(super) fn tell(&mut self, text: &str) {
        notice::over_screen(text);
        let now = Instant::now();
        self.covered = output::is_terminal().then(|| Covered {
            text: text.to_owned(),
            next: now + AGAIN,
            until: now + NOTICE,
            tries: TRIES,
        });
    }

    /// Tells the user something that holds until the next notice.
    pub(super) fn keep_telling(&mut self, text: &str) {
        notice::over_screen(text);
        self.covered = None;
    }

    /// Tells it again, or shows again what it covers, wherever it has scrolled to.
    pub(super) async fn look_after_notice(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let Some(covered) = &mut self.covered else { return Ok(()) };
        if now < covered.until {
            covered.next = now + AGAIN;
            notice::over_screen(&covered.text);
            return Ok(());
        }
        if let Some(part) = &mut self.part {
            part.forget();
            self.covered = None;
            return Ok(());
        }
        covered.next = now + SOON;
        covered.tries -= 1;
        if covered.tries == 0 {
            self.covered = None;
        }
        if self.placement == Placement::Anywhere {
            self.covered = None;
            return self.begin_anew().await;
        }
        let screen = part::screen(&self.client, self.attachment.session_id()).await;
        // Where the positions differ, what it shows is still on its way here, and would be shown
        // twice.
        if let (Some(screen), Some(size)) = (screen, os::terminal_size())
            && screen.position == self.attachment.position()
        {
            self.covered = None;
            write(part::over(&screen, size).as_bytes())?;
        }
        Ok(())
    }
}

/// A part is shown on the other screen, so that the terminal's own is there again afterwards.
fn make_room_for_part() -> Result<(), Failure> {
    os::shows(Screen::Alternate);
    write(b"\x1b[?1049h\x1b[r\x1b[?6l\x1b[2J")
}

/// What a notice covers.
#[derive(Debug)]
pub(super) struct Covered {
    text: String,
    /// When to look after it.
    pub(super) next: Instant,
    /// When it goes.
    until: Instant,
    /// How often that may fail: a program that prints all the time paints over it by itself.
    tries: u8,
}
