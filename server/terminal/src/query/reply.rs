//! What the terminal of a session answers while none of a user does.

use std::fmt::Write;

use codeplane_core::TerminalSize;

use super::{ColourQuery, Query};
use crate::modes::{Modes, PaletteEntry, Theme, cursor_style_number};
use crate::stream::Terminator;

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CursorPosition {
    /// Row, counted from 0.
    pub row: u16,
    /// Column, counted from 0.
    pub column: u16,
}

/// The size of a cell in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellPixels {
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
}

/// What answers are made of.
#[derive(Clone, Copy, Debug)]
pub struct ReplyContext<'a> {
    /// The modes at the end of the question.
    pub modes: &'a Modes,
    /// The cursor there, for queries that [need it](Query::needs_cursor).
    pub cursor: Option<CursorPosition>,
    /// The colours of an untouched terminal.
    pub theme: &'a Theme,
    /// The size of a cell, where it is known.
    pub cell: Option<CellPixels>,
    /// The version of Codeplane, for the terminal's name.
    pub version: &'a str,
}

/// The bytes to type in answer to `query`, as a VT220 with colours would; none if it is better not
/// answered, or if the context lacks what the answer takes.
#[must_use]
pub fn reply_to(query: &Query, context: &ReplyContext<'_>) -> Option<Vec<u8>> {
    let modes = context.modes;
    let text = match query {
        Query::PrimaryAttributes => "\x1b[?62;22c".to_owned(),
        // A VT220, at a level at which vim believes in mouse reports in SGR form.
        Query::SecondaryAttributes => "\x1b[>1;300;0c".to_owned(),
        Query::TertiaryAttributes => "\x1bP!|00000000\x1b\\".to_owned(),
        Query::Version => format!("\x1bP>|codeplane({})\x1b\\", context.version),
        Query::Status => "\x1b[0n".to_owned(),
        Query::CursorPosition => {
            let (row, column) = cursor_numbers(context)?;
            format!("\x1b[{row};{column}R")
        }
        Query::ExtendedCursorPosition => {
            let (row, column) = cursor_numbers(context)?;
            format!("\x1b[?{row};{column};1R")
        }
        Query::DeviceStatus(number) => device_status(*number, context)?,
        Query::AnsiMode(mode) => format!("\x1b[{mode};{}$y", setting(modes.ansi(*mode))),
        Query::PrivateMode(mode) => format!("\x1b[?{mode};{}$y", setting(modes.private(*mode))),
        Query::KeyboardFlags => format!("\x1b[?{}u", modes.keyboard().bits()),
        Query::KeyModifiers(4) => format!("\x1b[>4;{}m", modes.modify_other_keys()),
        Query::Colours(colours, terminator) => colour_replies(colours, *terminator, context),
        Query::Setting(setting) => setting_reply(setting, modes),
        Query::Capabilities(names) => names.iter().map(|name| capability_reply(name)).collect(),
        Query::Window(report) => window_reply(*report, modes.size(), context.cell)?,
        Query::TerminalParameters(kind) => format!("\x1b[{};1;1;128;128;1;0x", kind + 2),
        // "Failure": there are no graphics.
        Query::Graphics(item) => format!("\x1b[?{item};3;0S"),
        Query::ProgramStatus => "\x1b]7501;?\x1b\\".to_owned(),
        Query::Enquiry
        | Query::KeyModifiers(_)
        | Query::Clipboard
        | Query::WindowTitle
        | Query::IconTitle
        | Query::Other => return None,
    };
    (!text.is_empty()).then(|| text.into_bytes())
}

/// Row and column as programs count them: from 1, and from the margin in origin mode.
fn cursor_numbers(context: &ReplyContext<'_>) -> Option<(u16, u16)> {
    let cursor = context.cursor?;
    let is_relative = context.modes.private(6) == Some(true);
    let top = if is_relative { context.modes.region().top } else { 0 };
    Some((cursor.row.saturating_sub(top) + 1, cursor.column + 1))
}

fn device_status(number: u16, context: &ReplyContext<'_>) -> Option<String> {
    let text = match number {
        15 => "\x1b[?13n",       // no printer
        25 => "\x1b[?20n",       // user-defined keys are unlocked
        26 => "\x1b[?27;1;0;0n", // North American keyboard
        53 | 55 => "\x1b[?50n",  // no locator
        56 => "\x1b[?57;0n",     // of no kind
        75 => "\x1b[?70n",       // no data integrity errors
        85 => "\x1b[?83n",       // one session
        996 => {
            let shown = context.modes.palette().shown(PaletteEntry::Background, context.theme);
            if shown.is_dark() { "\x1b[?997;1n" } else { "\x1b[?997;2n" }
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// DECRPM: not recognised, set, reset.
fn setting(state: Option<bool>) -> u8 {
    match state {
        None => 0,
        Some(true) => 1,
        Some(false) => 2,
    }
}

fn colour_replies(
    colours: &[ColourQuery],
    terminator: Terminator,
    context: &ReplyContext<'_>,
) -> String {
    let end = match terminator {
        Terminator::Bell => "\x07",
        Terminator::String => "\x1b\\",
    };
    let mut text = String::new();
    for ColourQuery { entry, dynamic } in colours {
        let rgb = context.modes.palette().shown(*entry, context.theme);
        let written = match (dynamic, entry) {
            (Some(code), _) => write!(text, "\x1b]{code};{rgb}{end}"),
            (None, PaletteEntry::Indexed(index)) => {
                write!(text, "\x1b]4;{index};{rgb}{end}")
            }
            (None, _) => Ok(()),
        };
        debug_assert!(written.is_ok(), "a string takes every text");
    }
    text
}

/// DECRPSS.
fn setting_reply(setting: &[u8], modes: &Modes) -> String {
    let value = match setting {
        b"m" => {
            let mut rendition = Vec::new();
            modes.pen().write_rendition(&mut rendition);
            String::from_utf8_lossy(&rendition[2..]).into_owned()
        }
        b"r" => {
            let region = modes.region();
            format!("{};{}r", region.top + 1, region.end)
        }
        b" q" => {
            let style = modes.cursor_style().unwrap_or_default();
            format!("{} q", cursor_style_number(style))
        }
        b"\"p" => "62;1\"p".to_owned(),
        b"\"q" => "0\"q".to_owned(),
        b"t" => format!("{}t", modes.size().rows()),
        _ => return "\x1bP0$r\x1b\\".to_owned(),
    };
    format!("\x1bP1$r{value}\x1b\\")
}

/// One capability: those that programs ask for to find out about colours.
fn capability_reply(name: &str) -> String {
    let value = match decode_hex(name).as_deref() {
        Some("Co" | "colors") => "256",
        Some("TN" | "name") => "xterm-256color",
        Some("RGB") => "8/8/8",
        Some(_) | None => {
            // The name goes back; only hexadecimal digits may reach the program's input.
            let digits: String = name.chars().filter(char::is_ascii_hexdigit).collect();
            return format!("\x1bP0+r{digits}\x1b\\");
        }
    };
    format!("\x1bP1+r{name}={}\x1b\\", encode_hex(value))
}

fn decode_hex(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    String::from_utf8(bytes?).ok()
}

fn encode_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn window_reply(report: u16, size: TerminalSize, cell: Option<CellPixels>) -> Option<String> {
    let (rows, cols) = (u32::from(size.rows()), u32::from(size.cols()));
    let pixels = |number: u8| {
        let CellPixels { width, height } = cell?;
        Some(format!("\x1b[{number};{};{}t", rows * u32::from(height), cols * u32::from(width)))
    };
    match report {
        11 => Some("\x1b[1t".to_owned()),
        14 => pixels(4),
        15 => pixels(5),
        16 => cell.map(|CellPixels { width, height }| format!("\x1b[6;{height};{width}t")),
        18 => Some(format!("\x1b[8;{rows};{cols}t")),
        19 => Some(format!("\x1b[9;{rows};{cols}t")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::{FactKind, Scanner};
    use codeplane_core::Offset;

    /// What a session's terminal answers to `output`.
    fn answer(output: &str) -> String {
        let size = TerminalSize::new(100, 30).unwrap();
        let mut scanner = Scanner::new(size);
        let mut replies = Vec::new();
        scanner.scan(Offset::ZERO, output.as_bytes(), &mut |fact, modes| {
            let context = ReplyContext {
                modes,
                cursor: Some(CursorPosition { row: 6, column: 3 }),
                theme: &Theme::default(),
                cell: Some(CellPixels { width: 8, height: 16 }),
                version: "1.2.3",
            };
            if let FactKind::Query(query) = fact.kind {
                replies.extend(reply_to(&query, &context).unwrap_or_default());
            }
        });
        String::from_utf8(replies).unwrap()
    }

    #[test]
    fn it_presents_itself_as_a_vt220_with_colours() {
        assert_eq!(answer("\x1b[c"), "\x1b[?62;22c");
        assert_eq!(answer("\x1bZ"), "\x1b[?62;22c");
        assert_eq!(answer("\x1b[>c"), "\x1b[>1;300;0c");
        assert_eq!(answer("\x1b[=c"), "\x1bP!|00000000\x1b\\");
        assert_eq!(answer("\x1b[>0q"), "\x1bP>|codeplane(1.2.3)\x1b\\");
        assert_eq!(answer("\x1b[5n"), "\x1b[0n");
        assert_eq!(answer("\x1b]7501;?\x07"), "\x1b]7501;?\x1b\\");
        assert_eq!(answer("\x1b[0x\x1b[1x"), "\x1b[2;1;1;128;128;1;0x\x1b[3;1;1;128;128;1;0x");
    }

    #[test]
    fn the_cursor_is_told_from_one_and_from_the_margin_in_origin_mode() {
        assert_eq!(answer("\x1b[6n\x1b[?6n"), "\x1b[7;4R\x1b[?7;4;1R");
        assert_eq!(answer("\x1b[3;20r\x1b[?6h\x1b[6n"), "\x1b[5;4R");
    }

    #[test]
    fn modes_are_told_as_set_reset_or_unknown() {
        assert_eq!(answer("\x1b[?2026$p\x1b[?2026h"), "\x1b[?2026;2$y");
        assert_eq!(answer("\x1b[?2026h\x1b[?2026$p"), "\x1b[?2026;1$y");
        assert_eq!(answer("\x1b[?2004$p"), "\x1b[?2004;2$y");
        assert_eq!(answer("\x1b[?4711$p\x1b[4$p"), "\x1b[?4711;0$y\x1b[4;2$y");
        assert_eq!(answer("\x1b[?1049h\x1b[?1049$p"), "\x1b[?1049;1$y");
    }

    #[test]
    fn the_keyboard_is_told_as_it_is_on_this_screen() {
        assert_eq!(answer("\x1b[>5u\x1b[?u"), "\x1b[?5u");
        assert_eq!(answer("\x1b[>5u\x1b[?1049h\x1b[?u"), "\x1b[?0u");
        assert_eq!(answer("\x1b[>4;2m\x1b[?4m"), "\x1b[>4;2m");
    }

    #[test]
    fn colours_are_told_with_the_terminator_of_the_question() {
        assert_eq!(answer("\x1b]11;?\x07"), "\x1b]11;rgb:1818/1818/1818\x07");
        assert_eq!(
            answer("\x1b]11;#ffffff\x07\x1b]11;?\x1b\\"),
            "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
        );
        assert_eq!(
            answer("\x1b]4;1;?;2;?\x07"),
            "\x1b]4;1;rgb:cdcd/0000/0000\x07\x1b]4;2;rgb:0000/cdcd/0000\x07"
        );
        assert_eq!(answer("\x1b[?996n"), "\x1b[?997;1n");
    }

    #[test]
    fn settings_are_told_by_the_sequence_that_makes_them() {
        assert_eq!(answer("\x1b[1;38;5;3m\x1bP$qm\x1b\\"), "\x1bP1$r0;1;38;5;3m\x1b\\");
        assert_eq!(answer("\x1b[2;9r\x1bP$qr\x1b\\"), "\x1bP1$r2;9r\x1b\\");
        assert_eq!(answer("\x1b[5 q\x1bP$q q\x1b\\"), "\x1bP1$r5 q\x1b\\");
        assert_eq!(answer("\x1bP$qxyz\x1b\\"), "\x1bP0$r\x1b\\");
    }

    #[test]
    fn capabilities_are_told_in_hexadecimal() {
        assert_eq!(answer("\x1bP+q436f\x1b\\"), "\x1bP1+r436f=323536\x1b\\");
        assert_eq!(answer("\x1bP+q7878\x1b\\"), "\x1bP0+r7878\x1b\\");
        assert_eq!(answer("\x1bP+q; rm\x1b\\"), "\x1bP0+r\x1b\\\x1bP0+r\x1b\\");
    }

    #[test]
    fn the_size_is_told_in_cells_and_pixels() {
        assert_eq!(answer("\x1b[18t\x1b[14t\x1b[16t"), "\x1b[8;30;100t\x1b[4;480;800t\x1b[6;16;8t");
    }

    #[test]
    fn what_would_type_at_the_prompt_or_read_the_clipboard_is_not_answered() {
        assert_eq!(answer("\x1b]2;rm -rf\x07\x1b[21t\x1b[20t"), "");
        assert_eq!(answer("\x1b]52;c;?\x07"), "");
    }
}
