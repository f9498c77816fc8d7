//! What is on the screen, and what keys do to it. It touches nothing.

use std::time::{Duration, Instant};

use codeplane_client::v1;
use v1::decide_approval_request::Answer;

use super::ask::{Ask, Said};
use super::keys::Key;
use super::queue::{Queue, is_pending};
use super::source::Change;
use crate::{approval, text};

/// How long an approval must have been on the screen before a key decides it. A key that was meant
/// for what was there before comes sooner; nobody has read anything in that time.
const LOOK: Duration = Duration::from_millis(300);
const NOTHING_WAITS: &str = "nothing waits";
const ON_ITS_WAY: &str = "its decision is on the way";

/// Everything that is shown.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) queue: Queue,
    pub(super) dialog: Option<Dialog>,
    pub(super) zoom: Zoom,
    /// The first row of the details that is shown.
    pub(super) scroll: usize,
    /// What happened last.
    pub(super) notice: String,
    /// Why the daemon cannot be asked, if it cannot.
    pub(super) away: Option<String>,
    drawn: Option<Drawn>,
    /// Ids of approvals whose decision was sent and not answered yet.
    sent: Vec<String>,
}

/// Something that has to be said first. Until it is closed, no key means anything else: whoever types a
/// message must not find that it was taken for keys.
#[derive(Debug)]
pub(super) struct Dialog {
    /// The approval as it was when the dialog began; none where none was selected.
    pub(super) about: Option<v1::Approval>,
    pub(super) ask: Ask,
}

/// What has the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Zoom {
    #[default]
    Queue,
    Details,
}

/// What was drawn of the selected approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) id: String,
    pub(super) hash: String,
    /// All rows, those that say what is asked, and those that have room.
    pub(super) rows: usize,
    pub(super) asked: usize,
    pub(super) height: usize,
}

/// A drawing, since when, and how far down it was read.
#[derive(Debug)]
struct Drawn {
    drawing: Drawing,
    since: Instant,
    read_to: usize,
}

/// What a key leads to.
#[derive(Debug)]
pub(super) enum Effect {
    Nothing,
    Leave,
    Decide(v1::DecideApprovalRequest),
    /// Of this approval, in the editor.
    Edit(Box<v1::Approval>),
}

impl Model {
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Approvals(changes) => {
                self.away = None;
                self.queue.apply(changes);
            }
            Change::Away(why) => self.away = Some(why),
        }
    }

    /// Remembers what is on the screen now.
    pub(super) fn drawn(&mut self, drawing: Option<Drawing>, now: Instant) {
        let Some(drawing) = drawing else {
            self.drawn = None;
            return;
        };
        self.scroll = self.scroll.min(drawing.rows.saturating_sub(drawing.height));
        let end = self.scroll + drawing.height;
        let same = self.drawn.take().filter(|before| {
            let Drawing { id, hash, .. } = &before.drawing;
            (id, hash) == (&drawing.id, &drawing.hash)
        });
        let (since, read_to) = same.map_or((now, 0), |before| (before.since, before.read_to));
        self.drawn = Some(Drawn { drawing, since, read_to: read_to.max(end) });
    }

    /// Does what a key says.
    pub(super) fn press(&mut self, key: Key, now: Instant) -> Effect {
        self.notice.clear();
        if let Some(dialog) = self.dialog.take() {
            return self.reply(dialog, key, now);
        }
        self.browse(&key, now).unwrap_or_else(|why| {
            self.notice = why;
            Effect::Nothing
        })
    }

    fn reply(&mut self, mut dialog: Dialog, key: Key, now: Instant) -> Effect {
        let open = dialog.about.clone().filter(|_| self.closed(&dialog).is_none());
        let Some(approval) = open else {
            if !matches!(key, Key::Enter | Key::Escape | Key::Leave) {
                dialog.ask.echo(key);
                self.dialog = Some(dialog);
            }
            return Effect::Nothing;
        };
        if dialog.ask.is_sent_by(&key)
            && let Err(why) = self.looked_at(&approval, now)
        {
            self.notice = why;
            self.dialog = Some(dialog);
            return Effect::Nothing;
        }
        match dialog.ask.press(key) {
            Said::Nothing => self.dialog = Some(dialog),
            Said::NeverMind => {}
            Said::This(answer) => return self.decide(&approval, answer),
        }
        Effect::Nothing
    }

    /// Why nothing can be sent from this dialog, if so.
    pub(super) fn closed(&self, dialog: &Dialog) -> Option<String> {
        let about = match (&dialog.about, &dialog.ask) {
            (_, Ask::Closed(why)) => return Some(why.clone()),
            (about, _) => about.as_ref()?,
        };
        let now = self.queue.find(&about.id).unwrap_or(about);
        (!is_pending(now)).then(|| already(now))
    }

    fn browse(&mut self, key: &Key, now: Instant) -> Result<Effect, String> {
        match key {
            Key::Character('q') | Key::Leave => return Ok(Effect::Leave),
            Key::Character('j') | Key::Down => self.step(1),
            Key::Character('k') | Key::Up => self.step(-1),
            Key::Character(' ') | Key::PageDown => {
                self.scroll = self.scroll.saturating_add(self.page());
            }
            Key::Character('b') | Key::PageUp => {
                self.scroll = self.scroll.saturating_sub(self.page());
            }
            Key::Home => self.scroll = 0,
            Key::End => self.scroll = usize::MAX / 2,
            Key::Enter => {
                self.zoom = match self.zoom {
                    Zoom::Queue => Zoom::Details,
                    Zoom::Details => Zoom::Queue,
                }
            }
            Key::Escape => self.zoom = Zoom::Queue,
            Key::Pasted(_) => return Err("what is pasted is not taken for keys".to_owned()),
            Key::Character(key) => return self.decide_by(*key, now),
            Key::Backspace | Key::Tab | Key::Clear => {}
        }
        Ok(Effect::Nothing)
    }

    fn decide_by(&mut self, key: char, now: Instant) -> Result<Effect, String> {
        match key {
            'a' => {
                let approval = self.whole(now)?;
                return Ok(self.decide(&approval, Answer::Allow(v1::AllowAnswer::default())));
            }
            'g' => {
                let approval = self.whole(now)?;
                if !approval.not_grantable.is_empty() {
                    return Err(format!("no grant: {}", text::printable(&approval.not_grantable)));
                }
                let ask = Ask::grant(&approval);
                self.dialog = Some(Dialog { about: Some(approval), ask });
            }
            'e' => match self.whole(now) {
                Ok(approval) => return Ok(Effect::Edit(Box::new(approval))),
                Err(why) => self.open(|_| Ask::Closed(why)),
            },
            '?' => self.dialog = Some(Dialog { about: None, ask: Ask::Help }),
            'd' => self.open(|_| Ask::Message(String::new())),
            'A' => self.open(Ask::questions),
            _ => {}
        }
        Ok(Effect::Nothing)
    }

    /// Opens a dialog after which something is typed: also where there is nothing to be said.
    fn open(&mut self, ask: impl FnOnce(&v1::Approval) -> Ask) {
        let about = self.queue.selected().cloned();
        let ask = match &about {
            Some(one) if self.sent.contains(&one.id) => Ask::Closed(ON_ITS_WAY.to_owned()),
            Some(one) => ask(one),
            None => Ask::Closed(NOTHING_WAITS.to_owned()),
        };
        self.dialog = Some(Dialog { about, ask });
    }

    /// What the editor made of the input of `approval`.
    pub(super) fn edited(
        &mut self,
        approval: v1::Approval,
        edited: Result<Option<String>, String>,
    ) {
        match edited {
            Ok(Some(input)) => {
                // Not seen yet: what was typed last was for the editor.
                self.drawn = None;
                self.dialog = Some(Dialog { about: Some(approval), ask: Ask::Edited(input) });
            }
            Ok(None) => self.notice = "nothing was changed".to_owned(),
            Err(why) => self.notice = text::printable(&why),
        }
    }

    /// How the decision of the approval `id` ended.
    pub(super) fn decided(&mut self, id: &str, done: Result<v1::DecideApprovalResponse, String>) {
        self.sent.retain(|sent| sent != id);
        self.notice = match done {
            Ok(v1::DecideApprovalResponse { approval: Some(approval), grants }) => {
                let granted = if grants.is_empty() { "" } else { ", and remembered" };
                let state = approval::progress(&approval);
                let notice = format!("{state} {}{granted}", approval::called(&approval));
                self.queue.apply(vec![approval]);
                self.go_on(id);
                notice
            }
            Ok(v1::DecideApprovalResponse { approval: None, .. }) => "decided".to_owned(),
            Err(why) => text::printable(&why),
        };
    }

    /// On to the next that waits, unless its user has gone elsewhere meanwhile.
    fn go_on(&mut self, decided: &str) {
        let is_selected = self.queue.selected().is_some_and(|one| one.id == decided);
        if is_selected && self.dialog.is_none() {
            self.step(1);
        }
    }

    fn step(&mut self, by: isize) {
        self.queue.step(by);
        self.scroll = 0;
    }

    fn page(&self) -> usize {
        self.drawn.as_ref().map_or(1, |drawn| drawn.drawing.height.saturating_sub(1).max(1))
    }

    /// The approval on the screen, if it can be decided.
    fn waiting(&mut self, now: Instant) -> Result<v1::Approval, String> {
        let Some(approval) = self.queue.selected().cloned() else {
            return Err(NOTHING_WAITS.to_owned());
        };
        self.looked_at(&approval, now)?;
        if self.sent.contains(&approval.id) {
            return Err(ON_ITS_WAY.to_owned());
        }
        if !is_pending(&approval) {
            return Err(format!("{}: j goes to the next", already(&approval)));
        }
        Ok(approval)
    }

    /// Whether this has been on the screen for a moment. A key that comes sooner begins that moment anew, so
    /// that neither a key that is held down nor a text gets through.
    fn looked_at(&mut self, approval: &v1::Approval, now: Instant) -> Result<(), String> {
        if let Some(Drawn { drawing, since, .. }) = &mut self.drawn
            && (&drawing.id, &drawing.hash) == (&approval.id, &approval.request_hash)
        {
            if now.saturating_duration_since(*since) >= LOOK {
                return Ok(());
            }
            *since = now;
        }
        Err("it has only just appeared: look at it first".to_owned())
    }

    /// The same, if it is a call and all of what it asks has been on the screen.
    fn whole(&mut self, now: Instant) -> Result<v1::Approval, String> {
        let approval = self.waiting(now)?;
        if approval.kind() == v1::ApprovalKind::Question {
            return Err("it is a question: A answers it, d denies".to_owned());
        }
        let unread = self
            .drawn
            .as_ref()
            .map_or(0, |drawn| drawn.drawing.asked.saturating_sub(drawn.read_to));
        if unread > 0 {
            return Err(format!("{unread} more rows of it: read on with Space first"));
        }
        Ok(approval)
    }

    /// Under the hash of the request that was on the screen.
    fn decide(&mut self, approval: &v1::Approval, answer: Answer) -> Effect {
        self.sent.push(approval.id.clone());
        Effect::Decide(v1::DecideApprovalRequest {
            request_id: String::new(),
            approval: approval.id.clone(),
            request_hash: approval.request_hash.clone(),
            answer: Some(answer),
        })
    }
}

fn already(approval: &v1::Approval) -> String {
    format!("it is {} already", approval::progress(approval))
}
