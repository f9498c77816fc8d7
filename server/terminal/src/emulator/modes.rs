//! Sequences that bring a new terminal into given modes.

use crate::modes::{
    Charset, Charsets, KeyboardFlags, Modes, PaletteEntry, ScreenKind, Shift, Switch,
    cursor_style_number, private_mode,
};

/// Origin mode moves the cursor, and a synchronized update stops the drawing: they are set where
/// that does no harm.
const SET_APART: [u16; 2] = [6, 2026];

impl Modes {
    /// Writes what concerns the user's side of the terminal: input modes, colours, title, cursor.
    /// The keyboard's flags, origin mode and synchronized updates are apart.
    pub(crate) fn write_terminal(&self, out: &mut Vec<u8>) {
        for (entry, rgb) in self.palette.iter() {
            let code = match entry {
                PaletteEntry::Indexed(index) => format!("4;{index}"),
                PaletteEntry::Foreground => "10".to_owned(),
                PaletteEntry::Background => "11".to_owned(),
                PaletteEntry::Cursor => "12".to_owned(),
            };
            push(out, &format!("\x1b]{code};{rgb}\x1b\\"));
        }
        if let Some(title) = &self.title {
            // A terminal may take C1 controls for the end of the title.
            let title: String = title.chars().filter(|char| !char.is_control()).collect();
            push(out, &format!("\x1b]2;{title}\x1b\\"));
        }
        if let Some(style) = self.cursor_style {
            push(out, &format!("\x1b[{} q", cursor_style_number(style)));
        }
        if self.newline == Switch::On {
            out.extend_from_slice(b"\x1b[20h");
        }
        if self.modify_other_keys != 0 {
            push(out, &format!("\x1b[>4;{}m", self.modify_other_keys));
        }
        for (mode, on) in self.switches.changed() {
            if !SET_APART.contains(&mode) {
                push(out, &private_mode(mode, on.into()));
            }
        }
        if self.insert == Switch::On {
            out.extend_from_slice(b"\x1b[4h");
        }
    }

    /// Writes the keyboard's flags of `screen`, which must be shown.
    pub(crate) fn write_keyboard(&self, screen: ScreenKind, out: &mut Vec<u8>) {
        let entries = self.keyboards[screen.index()].entries();
        let Some((base, pushed)) = entries.split_first() else { return };
        if *base != KeyboardFlags::NONE || pushed.is_empty() {
            push(out, &format!("\x1b[={};1u", base.bits()));
        }
        for flags in pushed {
            push(out, &format!("\x1b[>{}u", flags.bits()));
        }
    }
}

impl Charsets {
    /// Writes what brings a terminal that has only ASCII to these.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (slot, charset) in [b'(', b')', b'*', b'+'].into_iter().zip(self.sets) {
            if charset == Charset::LineDrawing {
                out.extend_from_slice(&[0x1b, slot, b'0']);
            }
        }
        if self.shift == Shift::Out {
            out.push(0x0e);
        }
    }

    /// Writes what brings a terminal that has these back to ASCII.
    pub(crate) fn write_undo(&self, out: &mut Vec<u8>) {
        if self.shift == Shift::Out {
            out.push(0x0f);
        }
        for (slot, charset) in [b'(', b')', b'*', b'+'].into_iter().zip(self.sets) {
            if charset == Charset::LineDrawing {
                out.extend_from_slice(&[0x1b, slot, b'B']);
            }
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Scanner;
    use codeplane_core::{Offset, TerminalSize};
    use proptest::prelude::*;

    fn modes_after(output: &[u8]) -> Modes {
        let mut scanner = Scanner::new(TerminalSize::DEFAULT);
        scanner.scan(Offset::ZERO, output, &mut |_, _| {});
        scanner.modes().clone()
    }

    proptest! {
        #[test]
        fn what_is_written_brings_a_new_terminal_into_the_same_modes(output in crate::samples::mode_changes()) {
            let modes = modes_after(&output);
            let mut written = Vec::new();

            modes.write_keyboard(modes.screen, &mut written);
            modes.write_terminal(&mut written);

            let again = modes_after(&written);
            let apart = |modes: &Modes| {
                let changed = modes.switches.changed();
                changed.filter(|(mode, _)| !SET_APART.contains(mode)).collect::<Vec<_>>()
            };
            prop_assert_eq!(apart(&again), apart(&modes));
            prop_assert_eq!(again.keyboard(), modes.keyboard());
            prop_assert_eq!(again.cursor_style(), modes.cursor_style());
            prop_assert_eq!(again.palette(), modes.palette());
            prop_assert_eq!(again.title(), modes.title());
            prop_assert_eq!((again.insert, again.newline), (modes.insert, modes.newline));
        }
    }
}
