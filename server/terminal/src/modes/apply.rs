//! What each sequence changes.

use std::sync::Arc;

use codeplane_core::Offset;

use super::keyboard::Change;
use super::{
    Charset, Charsets, CursorShape, CursorStyle, KeyboardFlags, Modes, Region, SavedCursor,
    ScreenKind, Shift, Switch, TITLE_CHARS, TITLE_STACK, TabStops,
};
use crate::pen::{Hyperlink, Pen};
use crate::stream::{Csi, Token};

const SO: u8 = 0x0e;
const SI: u8 = 0x0f;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing, or only how the program draws: pen, charsets, margins, saved cursors, tabs.
    Drawing,
    /// How the terminal behaves towards its user: input modes, screen, cursor, colours.
    Terminal,
    /// The title.
    Title,
}

impl Modes {
    /// Obeys a sequence that ends at `end`.
    pub(crate) fn apply(&mut self, end: Offset, token: &Token<'_>) -> Effect {
        match *token {
            // Nearly every sequence of most programs is one of these.
            Token::Csi(csi) if csi.is_plain() && csi.last == b'm' => {
                self.pen.select(&csi);
                Effect::Drawing
            }
            Token::Csi(csi) if csi.only_moves_or_erases() => Effect::Drawing,
            Token::Csi(csi) => self.apply_csi(end, &csi),
            Token::Escape { intermediates, last } => self.apply_escape(end, intermediates, last),
            Token::Osc { payload, .. } => self.apply_osc(payload),
            Token::Control(SO) | Token::Embedded(SO) => {
                self.charsets.shift = Shift::Out;
                Effect::Drawing
            }
            Token::Control(SI) | Token::Embedded(SI) => {
                self.charsets.shift = Shift::In;
                Effect::Drawing
            }
            Token::Control(_)
            | Token::Embedded(_)
            | Token::Dcs { .. }
            | Token::Apc { .. }
            | Token::Ignored
            | Token::Overlong => Effect::Drawing,
        }
    }

    fn apply_csi(&mut self, end: Offset, csi: &Csi<'_>) -> Effect {
        match csi.function() {
            (0, b"", b'r') => self.set_region(csi),
            (0, b"", b's') => self.save_cursor(end),
            (0, b"", b'u') => self.restore_cursor(),
            (0, b"", b'g') if matches!(csi.value(0), None | Some(3)) => {
                self.tabs = TabStops::Changed(end);
            }
            (b'?', b"", b'W') if csi.value(0) == Some(5) => self.tabs = TabStops::Initial,
            (b'?', b"", b's') => csi.values().for_each(|mode| self.save_private(mode)),
            (0, b"!", b'p') => {
                self.reset_softly();
                return Effect::Terminal;
            }
            (0, b"", b't') => self.stack_title(csi),
            _ => return self.apply_terminal_csi(end, csi),
        }
        Effect::Drawing
    }

    /// The sequences that change more than how the program draws.
    fn apply_terminal_csi(&mut self, end: Offset, csi: &Csi<'_>) -> Effect {
        match csi.function() {
            (b'?', b"", b'h') => csi.values().for_each(|mode| self.set_private(end, mode)),
            (b'?', b"", b'l') => csi.values().for_each(|mode| self.reset_private(end, mode)),
            (b'?', b"", b'r') => csi.values().for_each(|mode| self.restore_private(end, mode)),
            (0, b"", b'h') => csi.values().for_each(|mode| self.set_ansi(mode, Switch::On)),
            (0, b"", b'l') => csi.values().for_each(|mode| self.set_ansi(mode, Switch::Off)),
            (b'>', b"", b'u') => {
                let flags = keyboard_flags(csi);
                self.keyboards[self.screen.index()].push(flags);
            }
            (b'<', b"", b'u') => {
                let count = csi.value(0).unwrap_or(1);
                self.keyboards[self.screen.index()].pop(count);
            }
            (b'=', b"", b'u') => {
                let change = match csi.value(1) {
                    Some(2) => Change::Add,
                    Some(3) => Change::Remove,
                    Some(_) | None => Change::Replace,
                };
                self.keyboards[self.screen.index()].change(keyboard_flags(csi), change);
            }
            (b'>', b"", b'm') => match (csi.value(0), csi.value(1)) {
                (Some(4), None) | (None, _) => self.modify_other_keys = 0,
                (Some(4), Some(level @ 1..=3)) => {
                    self.modify_other_keys = u8::try_from(level).unwrap_or_default();
                }
                (Some(_), _) => return Effect::Drawing,
            },
            (b'>', b"", b'n') if csi.value(0) == Some(4) => self.modify_other_keys = 0,
            (0, b" ", b'q') => self.set_cursor_style(csi.value(0)),
            _ => return Effect::Drawing,
        }
        Effect::Terminal
    }

    fn apply_escape(&mut self, end: Offset, intermediates: &[u8], last: u8) -> Effect {
        match (intermediates, last) {
            ([], b'7') => self.save_cursor(end),
            ([], b'8') => self.restore_cursor(),
            ([], b'H') => self.tabs = TabStops::Changed(end),
            ([], b'=' | b'>' | b'c') => {
                match last {
                    b'=' => self.switches.turn_on(66),
                    b'>' => self.switches.turn_off(66),
                    _ => self.reset(end),
                }
                return Effect::Terminal;
            }
            (&[slot], last) => {
                if let Some(index) = charset_index(slot) {
                    let is_lines = last == b'0' && slot < b',';
                    let set = if is_lines { Charset::LineDrawing } else { Charset::Ascii };
                    self.charsets.sets[index] = set;
                }
            }
            (_, _) => {}
        }
        Effect::Drawing
    }

    fn apply_osc(&mut self, payload: &[u8]) -> Effect {
        let text = String::from_utf8_lossy(payload);
        let (code, arguments) = text.split_once(';').unwrap_or((&text, ""));
        match code.parse::<u16>() {
            Ok(0 | 2) if text.len() > code.len() => {
                let title: String = arguments.trim().chars().take(TITLE_CHARS).collect();
                self.title = Some(title.into());
                Effect::Title
            }
            Ok(8) => {
                self.pen.hyperlink = Hyperlink::parse(arguments).map(Arc::new);
                Effect::Drawing
            }
            Ok(50) => self.set_cursor_shape(arguments),
            Ok(code @ (4 | 10..=12 | 104 | 110..=112)) => {
                let changed = Arc::make_mut(&mut self.palette).apply(code, arguments);
                if changed { Effect::Terminal } else { Effect::Drawing }
            }
            Ok(_) | Err(_) => Effect::Drawing,
        }
    }

    fn set_region(&mut self, csi: &Csi<'_>) {
        let bound = |index| usize::from(csi.value(index).unwrap_or(0));
        if let Some(region) = Region::requested(bound(0), bound(1), self.size) {
            self.region = Some(region).filter(|region| *region != Region::full(self.size));
        }
    }

    fn save_cursor(&mut self, end: Offset) {
        let saved = SavedCursor { drawing: self.drawing(), at: Some(end) };
        self.saved[self.screen.index()] = saved;
    }

    fn restore_cursor(&mut self) {
        let drawing = self.saved[self.screen.index()].drawing.clone();
        self.pen = drawing.pen;
        self.charsets = drawing.charsets;
        self.set_origin(drawing.origin);
    }

    fn set_origin(&mut self, origin: Switch) {
        // A mode that nobody touched must not count as touched.
        if origin != Switch::from(self.switches.is_on(6)) {
            match origin {
                Switch::On => self.switches.turn_on(6),
                Switch::Off => self.switches.turn_off(6),
            }
        }
    }

    fn set_private(&mut self, end: Offset, mode: u16) {
        match mode {
            3 => self.region = None,
            12 => self.cursor_style.get_or_insert_default().blinks = true,
            47 | 1047 | 1049 if self.screen == ScreenKind::Primary => {
                self.save_cursor(end);
                self.screen = ScreenKind::Alternate;
                self.switched_at = Some(end);
            }
            1048 => self.save_cursor(end),
            _ => self.switches.turn_on(mode),
        }
    }

    fn reset_private(&mut self, end: Offset, mode: u16) {
        match mode {
            3 => self.region = None,
            12 => self.cursor_style.get_or_insert_default().blinks = false,
            47 | 1047 | 1049 if self.screen == ScreenKind::Alternate => {
                self.screen = ScreenKind::Primary;
                self.restore_cursor();
                self.switched_at = Some(end);
            }
            1048 => self.restore_cursor(),
            _ => self.switches.turn_off(mode),
        }
    }

    fn save_private(&mut self, mode: u16) {
        self.switches.save(mode);
    }

    fn restore_private(&mut self, end: Offset, mode: u16) {
        match self.switches.saved(mode) {
            Some(true) => self.set_private(end, mode),
            Some(false) => self.reset_private(end, mode),
            None => {}
        }
    }

    fn set_ansi(&mut self, mode: u16, switch: Switch) {
        match mode {
            4 => self.insert = switch,
            20 => self.newline = switch,
            _ => {}
        }
    }

    fn set_cursor_style(&mut self, style: Option<u16>) {
        let shape = match style {
            None => {
                self.cursor_style = None;
                return;
            }
            Some(1 | 2) => CursorShape::Block,
            Some(3 | 4) => CursorShape::Underline,
            Some(5 | 6) => CursorShape::Bar,
            Some(_) => return,
        };
        let blinks = style.is_some_and(|style| style % 2 == 1);
        self.cursor_style = Some(CursorStyle { shape, blinks });
    }

    /// Konsole's way of setting the cursor's shape.
    fn set_cursor_shape(&mut self, arguments: &str) -> Effect {
        let shape = match arguments.strip_prefix("CursorShape=").map(|rest| rest.get(..1)) {
            Some(Some("0")) => CursorShape::Block,
            Some(Some("1")) => CursorShape::Bar,
            Some(Some("2")) => CursorShape::Underline,
            Some(_) | None => return Effect::Drawing,
        };
        self.cursor_style.get_or_insert_default().shape = shape;
        Effect::Terminal
    }

    fn stack_title(&mut self, csi: &Csi<'_>) {
        // The second parameter is 1 for the icon's title, which nobody shows.
        match (csi.value(0), csi.value(1)) {
            (Some(22), None | Some(2)) => {
                if self.title_stack.len() == TITLE_STACK {
                    self.title_stack.remove(0);
                }
                self.title_stack.push(self.title.clone());
            }
            (Some(23), None | Some(2)) => {
                if let Some(title) = self.title_stack.pop() {
                    self.title = title;
                }
            }
            (_, _) => {}
        }
    }

    /// DECSTR.
    fn reset_softly(&mut self) {
        for mode in [7, 25] {
            self.switches.turn_on(mode);
        }
        for mode in [1, 6, 66] {
            self.switches.turn_off(mode);
        }
        self.insert = Switch::Off;
        self.region = None;
        self.pen = Pen::default();
        self.charsets = Charsets::default();
        self.saved[self.screen.index()] = SavedCursor::default();
        self.modify_other_keys = 0;
    }

    /// RIS. Title and colours stay, as in xterm.
    fn reset(&mut self, end: Offset) {
        *self = Self {
            title: self.title.take(),
            palette: Arc::clone(&self.palette),
            resized_at: self.resized_at,
            switched_at: Some(end),
            ..Self::new(self.size)
        };
    }
}

fn keyboard_flags(csi: &Csi<'_>) -> KeyboardFlags {
    let low = csi.values().next().unwrap_or(0) & 0xff;
    KeyboardFlags::from_bits(u8::try_from(low).unwrap_or_default())
}

/// Which of G0 to G3 an intermediate designates; the second four are sets of 96 characters.
fn charset_index(intermediate: u8) -> Option<usize> {
    match intermediate {
        b'(' => Some(0),
        b')' | b'-' => Some(1),
        b'*' | b'.' => Some(2),
        b'+' | b'/' => Some(3),
        _ => None,
    }
}
