//! What the emulator does not understand as xterm does, and what it is spared.

use std::sync::Arc;

use codeplane_core::Offset;

use crate::modes::Modes;
use crate::pen::Hyperlink;
use crate::stream::{Csi, Sink, Span, Token};

/// Something to do instead of feeding a sequence to the emulator.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) span: Span,
    pub(super) action: Action,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing: it does not concern the screen.
    Skip,
    /// REP.
    Repeat(u16),
    /// DECSTR.
    ResetSoftly,
    /// OSC 8.
    Link(Option<Arc<Hyperlink>>),
    /// Feed this.
    Feed(Vec<u8>),
}

/// Follows the modes of a piece and collects what to do in place of some of its sequences.
pub(super) struct Plan<'a> {
    pub(super) modes: &'a mut Modes,
    pub(super) edits: &'a mut Vec<Edit>,
}

impl Sink for Plan<'_> {
    fn text(&mut self, _at: Offset, _bytes: &[u8]) {}

    fn token(&mut self, span: Span, token: Token<'_>) {
        self.modes.apply(span.end, &token);
        if let Some(action) = action(&token, self.modes) {
            self.edits.push(Edit { span, action });
        }
    }
}

/// What to do instead of `token`, after which the modes are `modes`.
fn action(token: &Token<'_>, modes: &Modes) -> Option<Action> {
    match *token {
        Token::Csi(csi) => csi_action(&csi, modes),
        Token::Escape { intermediates: &[slot], last } => charset_action(slot, last),
        Token::Osc { payload, .. } if payload.starts_with(b"8;") => {
            Some(Action::Link(modes.pen.hyperlink.clone()))
        }
        // Titles, colours and graphics: the emulator would only keep what others keep better.
        Token::Osc { .. } | Token::Dcs { .. } | Token::Apc { .. } | Token::Overlong => {
            Some(Action::Skip)
        }
        Token::Control(_) | Token::Embedded(_) | Token::Escape { .. } | Token::Ignored => None,
    }
}

fn csi_action(csi: &Csi<'_>, modes: &Modes) -> Option<Action> {
    match csi.function() {
        (0, b"", b'b') => Some(Action::Repeat(csi.value(0).unwrap_or(1))),
        (0, b"!", b'p') => Some(Action::ResetSoftly),
        (b'?', b"", b'r') => {
            let restored = csi.values().filter_map(|mode| {
                let state = modes.switches.saved(mode)?;
                Some(format!("\x1b[?{mode}{}", if state { 'h' } else { 'l' }))
            });
            Some(Action::Feed(restored.collect::<String>().into_bytes()))
        }
        _ => None,
    }
}

/// The emulator ignores the sets it does not know; xterm leaves line drawing for them.
fn charset_action(slot: u8, last: u8) -> Option<Action> {
    let target = match slot {
        b'(' | b')' | b'*' | b'+' if matches!(last, b'0' | b'B') => return None,
        b'(' | b')' | b'*' | b'+' => slot,
        b'-' => b')',
        b'.' => b'*',
        b'/' => b'+',
        _ => return None,
    };
    Some(Action::Feed(vec![0x1b, target, b'B']))
}
