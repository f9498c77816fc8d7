//! Telling the user something while a program has the screen.

use codeplane_client::v1;

use crate::{os, output, text};

/// Writes `text` over the last line of the terminal, where the program will paint it away, and puts
/// cursor and pen back; without a terminal, a line on standard error.
pub(crate) fn over_screen(text: &str) {
    match os::terminal_size() {
        Some(v1::TerminalSize { rows, cols }) if output::is_terminal() => {
            let width = usize::try_from(cols).unwrap_or(usize::MAX);
            let text: String = text::printable(text).chars().take(width).collect();
            let painted = format!("\x1b7\x1b[{rows};1H\x1b[0m\x1b[K\x1b[7m{text}\x1b[0m\x1b8");
            // A terminal that is gone is found out by whoever writes next.
            drop(os::write_stdout(painted.as_bytes()));
        }
        Some(_) | None => output::note(text),
    }
}
