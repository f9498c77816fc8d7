//! Sequences that bring a terminal back out of these modes.

use super::{
    Charset, CursorShape, CursorStyle, KeyboardFlags, KeyboardStack, Modes, PaletteEntry,
    ScreenKind, Switch,
};

impl Modes {
    /// Sequences that bring a terminal in these modes back to those of a new one, before it is given
    /// back to its user. What was on the primary screen before stays there.
    ///
    /// Modes in which terminals differ to begin with are left as they are, and so is the title.
    #[must_use]
    pub fn undo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_updating() {
            out.extend_from_slice(b"\x1b[?2026l");
        }
        undo_keyboard(&mut out, &self.keyboards[self.screen.index()]);
        if self.screen == ScreenKind::Alternate {
            out.extend_from_slice(b"\x1b[?1049l");
            let saved = &self.saved[ScreenKind::Primary.index()].drawing;
            if saved.origin == Switch::On {
                out.extend_from_slice(b"\x1b[?6l");
            }
            undo_keyboard(&mut out, &self.keyboards[ScreenKind::Primary.index()]);
        }
        for (mode, on) in self.switches.changed().filter(|(mode, _)| *mode != 2026) {
            if self.switches.has_known_default(mode) {
                push(&mut out, &private_mode(mode, Switch::from(!on)));
            }
        }
        if self.region.is_some() {
            // Setting margins moves the cursor home.
            out.extend_from_slice(b"\x1b7\x1b[r\x1b8");
        }
        self.undo_drawing(&mut out);
        if self.modify_other_keys != 0 {
            out.extend_from_slice(b"\x1b[>4;0m");
        }
        if self.cursor_style.is_some() {
            out.extend_from_slice(b"\x1b[0 q");
        }
        for (entry, _) in self.palette.iter() {
            let reset = match entry {
                PaletteEntry::Indexed(index) => format!("\x1b]104;{index}\x1b\\"),
                PaletteEntry::Foreground => "\x1b]110\x1b\\".to_owned(),
                PaletteEntry::Background => "\x1b]111\x1b\\".to_owned(),
                PaletteEntry::Cursor => "\x1b]112\x1b\\".to_owned(),
            };
            push(&mut out, &reset);
        }
        out
    }

    fn undo_drawing(&self, out: &mut Vec<u8>) {
        if self.insert == Switch::On {
            out.extend_from_slice(b"\x1b[4l");
        }
        if self.newline == Switch::On {
            out.extend_from_slice(b"\x1b[20l");
        }
        out.extend_from_slice(b"\x1b[0m\x1b]8;;\x1b\\\x0f\x1b(B");
        for (slot, charset) in [b')', b'*', b'+'].into_iter().zip(&self.charsets.sets[1..]) {
            if *charset != Charset::Ascii {
                out.extend_from_slice(&[0x1b, slot, b'B']);
            }
        }
    }
}

/// Takes back what was pushed; what lay below belongs to somebody else, unless it was changed.
fn undo_keyboard(out: &mut Vec<u8>, keyboard: &KeyboardStack) {
    let Some((base, pushed)) = keyboard.entries().split_first() else { return };
    if !pushed.is_empty() {
        push(out, &format!("\x1b[<{}u", pushed.len()));
    }
    if *base != KeyboardFlags::NONE {
        out.extend_from_slice(b"\x1b[=0;1u");
    }
}

/// Sets or resets a private mode. Every terminal knows the keypad by its older name.
pub(crate) fn private_mode(mode: u16, switch: Switch) -> String {
    match (mode, switch) {
        (66, Switch::On) => "\x1b=".to_owned(),
        (66, Switch::Off) => "\x1b>".to_owned(),
        (_, Switch::On) => format!("\x1b[?{mode}h"),
        (_, Switch::Off) => format!("\x1b[?{mode}l"),
    }
}

pub(crate) fn cursor_style_number(style: CursorStyle) -> u8 {
    let steady = match style.shape {
        CursorShape::Block => 2,
        CursorShape::Underline => 4,
        CursorShape::Bar => 6,
    };
    steady - u8::from(style.blinks)
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modes::Charsets;
    use crate::scanner::Scanner;
    use codeplane_core::{Offset, TerminalSize};
    use proptest::prelude::*;

    fn modes_after(pieces: &[&[u8]]) -> Modes {
        let mut scanner = Scanner::new(TerminalSize::DEFAULT);
        for piece in pieces {
            scanner.scan(Offset::ZERO, piece, &mut |_, _| {});
        }
        scanner.modes().clone()
    }

    proptest! {
        #[test]
        fn undoing_leaves_a_new_terminal(output in crate::samples::mode_changes()) {
            let modes = modes_after(&[&output]);

            let undone = modes_after(&[&output, &modes.undo()]);

            let new = Modes::new(TerminalSize::DEFAULT);
            prop_assert_eq!(undone.screen(), ScreenKind::Primary);
            prop_assert_eq!(undone.switches.changed().count(), 0);
            prop_assert_eq!((undone.pen(), undone.region()), (new.pen(), new.region()));
            prop_assert_eq!(undone.charsets(), Charsets::default());
            prop_assert_eq!(undone.keyboard(), KeyboardFlags::NONE);
            prop_assert_eq!(undone.cursor_style(), None);
            prop_assert_eq!(undone.palette(), new.palette());
            prop_assert_eq!((undone.insert, undone.newline), (new.insert, new.newline));
            prop_assert_eq!(undone.modify_other_keys(), 0);
        }
    }
}
