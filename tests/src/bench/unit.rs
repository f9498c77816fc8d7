//! The bulk output: 16 MiB that look like what agents print, the same in every run.
//!
//! Log lines, SGR colours of 16, 256 and 16 million, UTF-8 of two to four bytes, progress bars with
//! carriage returns, and redraws with cursor movements, as terminal user interfaces do them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Stream;

/// Its size before the terminal expands line ends.
pub const UNIT_BYTES: usize = 16 << 20;

const SEED: u64 = 20_261_120;
const WORDS: [&str; 20] = [
    "the",
    "agent",
    "wrote",
    "test",
    "file",
    "src/main.rs",
    "cargo",
    "build",
    "error",
    "warning",
    "expected",
    "found",
    "lifetime",
    "async",
    "tokio",
    "stream",
    "session",
    "token",
    "0x1f",
    "ok",
];
const GLYPHS: [&str; 10] = ["é", "ü", "→", "✓", "█", "中文", "日本", "🚀", "│", "─"];

/// The two files.
#[derive(Clone, Debug)]
pub struct UnitFiles {
    /// What the program writes.
    pub written: PathBuf,
    /// What a terminal makes of it.
    pub expected: PathBuf,
}

impl UnitFiles {
    /// Makes the files in `directory`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let files =
            Self { written: directory.join("unit.bin"), expected: directory.join("unit.crlf") };
        let unit = unit();
        fs::write(&files.expected, expand_line_ends(&unit))?;
        fs::write(&files.written, unit)?;
        Ok(files)
    }
}

/// What the program writes, over and over.
#[must_use]
pub fn unit() -> Vec<u8> {
    let mut random = Stream::new(SEED);
    let mut bytes = Vec::with_capacity(UNIT_BYTES + 4096);
    while bytes.len() < UNIT_BYTES {
        bytes.extend_from_slice(piece(&mut random).as_bytes());
    }
    // The cut may fall inside a character or an escape sequence: end with a plain line instead.
    bytes.truncate(UNIT_BYTES - 512);
    bytes.extend_from_slice(&[b'.'; 511]);
    bytes.push(b'\n');
    bytes
}

/// What a terminal with ONLCR makes of `bytes`.
#[must_use]
pub fn expand_line_ends(bytes: &[u8]) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for byte in bytes {
        if *byte == b'\n' {
            expanded.push(b'\r');
        }
        expanded.push(*byte);
    }
    expanded
}

fn piece(random: &mut Stream) -> String {
    let words = 3 + random.below(14);
    let text: Vec<&str> = (0..words).map(|_| WORDS[random.below(WORDS.len())]).collect();
    let text = text.join(" ");
    let (head, tail) = text.split_at(text.len().min(20));
    match random.below(100) {
        0..45 => format!("{text}\n"),
        45..70 => format!(
            "\x1b[1;3{}m{head}\x1b[0m {tail} \x1b[38;5;{}m{}\x1b[39m\n",
            1 + random.below(7),
            16 + random.below(240),
            random.below(1 << 30),
        ),
        70..80 => format!(
            "\x1b[38;2;{};{};{}m+ {text}\x1b[0m\n",
            random.below(256),
            random.below(256),
            random.below(256),
        ),
        80..92 => {
            let glyphs: String = (0..8).map(|_| GLYPHS[random.below(GLYPHS.len())]).collect();
            format!("{} {text} {glyphs}\n", GLYPHS[random.below(GLYPHS.len())])
        }
        92..97 => progress_bar(),
        _ => redraw(&text),
    }
}

fn progress_bar() -> String {
    let steps = (0..=20).step_by(4).map(|done| {
        format!("\r\x1b[2K[{}{}] {}%", "█".repeat(done), " ".repeat(20 - done), done * 5)
    });
    steps.collect::<String>() + "\n"
}

fn redraw(text: &str) -> String {
    let wide = &text[..text.len().min(60)];
    let narrow = &text[..text.len().min(40)];
    format!(
        "\x1b[3A\x1b[2K\x1b[36m⠋\x1b[0m {wide}\n\x1b[2K{narrow}\x1b[10G*\n\
         \x1b[2K\x1b[7m INPUT \x1b[27m >\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;

    #[test]
    fn the_unit_is_the_same_in_every_run() {
        let unit = unit();

        assert_eq!(unit.len(), UNIT_BYTES);
        assert_eq!(sha256(&unit), sha256(super::unit()));
        assert!(String::from_utf8(unit).is_ok());
    }

    #[test]
    fn a_terminal_adds_a_carriage_return_to_each_line_end() {
        assert_eq!(expand_line_ends(b"a\nb\n"), b"a\r\nb\r\n");
    }
}
