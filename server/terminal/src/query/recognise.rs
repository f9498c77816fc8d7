//! Which sequences are questions.

use super::{ColourQuery, Query};
use crate::modes::PaletteEntry;
use crate::stream::{Csi, Terminator, Token};

const ENQ: u8 = 0x05;

impl Query {
    /// The question a sequence asks, if it asks one.
    pub(crate) fn of(token: &Token<'_>) -> Option<Self> {
        match *token {
            Token::Control(ENQ) => Some(Self::Enquiry),
            Token::Escape { intermediates: [], last: b'Z' } => Some(Self::PrimaryAttributes),
            Token::Csi(csi) => Self::of_csi(&csi),
            Token::Osc { payload, terminator } => Self::of_osc(payload, terminator),
            Token::Dcs { head, payload } => Self::of_dcs(&head, payload),
            Token::Apc { payload } => is_graphics_query(payload).then_some(Self::Other),
            Token::Control(_)
            | Token::Embedded(_)
            | Token::Escape { .. }
            | Token::Ignored
            | Token::Overlong => None,
        }
    }

    fn of_csi(csi: &Csi<'_>) -> Option<Self> {
        let first = csi.values().next().unwrap_or(0);
        let query = match csi.function() {
            (0, b"", b'c') if first == 0 => Self::PrimaryAttributes,
            (b'>', b"", b'c') if first == 0 => Self::SecondaryAttributes,
            (b'=', b"", b'c') if first == 0 => Self::TertiaryAttributes,
            (b'>', b"", b'q') if first == 0 => Self::Version,
            (0, b"", b'n') => match first {
                5 => Self::Status,
                6 => Self::CursorPosition,
                _ => return None,
            },
            (b'?', b"", b'n') => match first {
                6 => Self::ExtendedCursorPosition,
                number => Self::DeviceStatus(number),
            },
            (0, b"$", b'p') => Self::AnsiMode(first),
            (b'?', b"$", b'p') => Self::PrivateMode(first),
            (b'?', b"", b'u') => Self::KeyboardFlags,
            (b'?', b"", b'm') => Self::KeyModifiers(first),
            (0, b"", b't') => match first {
                20 => Self::IconTitle,
                21 => Self::WindowTitle,
                11 | 13..=16 | 18 | 19 => Self::Window(first),
                _ => return None,
            },
            (0, b"", b'x') if first <= 1 => Self::TerminalParameters(first),
            (b'?', b"", b'S') => Self::Graphics(first),
            // Checksum, presentation state, supplemental set, displayed extent, locator, terminal
            // state; colour stack, graphic rendition, kitty's multiple cursors.
            (_, b"*", b'y')
            | (_, b"$", b'u' | b'w')
            | (_, b"&", b'u')
            | (_, b"\"", b'v')
            | (_, b"'", b'|')
            | (_, b"#", b'R' | b'|')
            | (b'>', b" ", b'q') => Self::Other,
            _ => return None,
        };
        Some(query)
    }

    fn of_dcs(head: &Csi<'_>, payload: &[u8]) -> Option<Self> {
        match head.function() {
            (_, b"$", b'q') => Some(Self::Setting(payload.to_vec())),
            (_, b"+", b'q') => {
                let names = payload.split(|byte| *byte == b';');
                let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
                Some(Self::Capabilities(names.take(64).collect()))
            }
            _ => None,
        }
    }

    fn of_osc(payload: &[u8], terminator: Terminator) -> Option<Self> {
        let mut parts = payload.split(|byte| *byte == b';');
        let code = parts.next().and_then(number)?;
        let mut asks = || parts.any(is_question_mark);
        match code {
            4 => colours_of_palette(payload, terminator),
            10..=19 => dynamic_colours(code, payload, terminator),
            52 => asks().then_some(Self::Clipboard),
            7501 => asks().then_some(Self::ProgramStatus),
            3 | 5 | 6 | 50 => asks().then_some(Self::Other),
            // kitty's colours and mouse pointers; its clipboard; xterm's lists of what is allowed.
            21 | 22 => payload.contains(&b'?').then_some(Self::Other),
            60 | 61 | 5522 => Some(Self::Other),
            99 => is_notification_query(payload).then_some(Self::Other),
            1337 => is_iterm_query(payload).then_some(Self::Other),
            _ => None,
        }
    }
}

/// Whether `code` is of an OSC that can ask something; the filter passes others on at once.
pub(crate) fn can_ask(code: &[u8]) -> bool {
    matches!(
        number(code),
        Some(3..=6 | 10..=19 | 21 | 22 | 50 | 52 | 60 | 61 | 99 | 1337 | 5522 | 7501)
    )
}

/// The number of an OSC. Leading zeros count for nothing, as in terminals.
pub(crate) fn number(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    text.parse().ok()
}

fn is_question_mark(part: &[u8]) -> bool {
    part == b"?"
}

fn colours_of_palette(payload: &[u8], terminator: Terminator) -> Option<Query> {
    let parts: Vec<_> = payload.split(|byte| *byte == b';').skip(1).collect();
    let asked = parts.chunks_exact(2).filter(|pair| is_question_mark(pair[1]));
    let indexes = asked.map(|pair| number(pair[0]).and_then(|index| u8::try_from(index).ok()));
    let indexes: Vec<_> = indexes.collect();
    if indexes.is_empty() {
        return None;
    }
    let colour = |index| ColourQuery { entry: PaletteEntry::Indexed(index), dynamic: None };
    Some(Query::Colours(indexes.into_iter().flatten().map(colour).collect(), terminator))
}

fn dynamic_colours(first: u16, payload: &[u8], terminator: Terminator) -> Option<Query> {
    let parts = payload.split(|byte| *byte == b';').skip(1);
    let asked: Vec<_> = (first..)
        .zip(parts)
        .filter(|(_, part)| is_question_mark(part))
        .map(|(code, _)| code)
        .collect();
    if asked.is_empty() {
        return None;
    }
    let colour =
        |code| PaletteEntry::dynamic(code).map(|entry| ColourQuery { entry, dynamic: Some(code) });
    Some(Query::Colours(asked.into_iter().filter_map(colour).collect(), terminator))
}

/// kitty asks with `p=?` among the notification's metadata.
fn is_notification_query(payload: &[u8]) -> bool {
    let metadata = payload.split(|byte| *byte == b';').nth(1).unwrap_or_default();
    metadata.split(|byte| *byte == b':').any(|pair| pair == b"p=?")
}

fn is_iterm_query(payload: &[u8]) -> bool {
    let argument = payload.split(|byte| *byte == b';').nth(1).unwrap_or_default();
    ITERM_QUERIES.iter().any(|query| argument.starts_with(query))
}

/// Beginnings of iTerm2's own sequences that it answers.
pub(crate) const ITERM_QUERIES: [&[u8]; 4] =
    [b"ReportCellSize", b"ReportVariable", b"Capabilities", b"RequestUpload"];

/// kitty's graphics ask with the action `q`.
pub(crate) fn is_graphics_query(payload: &[u8]) -> bool {
    let Some(control) = payload.strip_prefix(b"G") else { return false };
    let control = control.split(|byte| *byte == b';').next().unwrap_or_default();
    control.split(|byte| *byte == b',').any(|pair| pair == b"a=q")
}
