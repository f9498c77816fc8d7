//! The only place that prints.

use std::io::{self, IsTerminal, Write};

use codeplane_client::is_printable;

use crate::exit::Failure;
use crate::{json, text};

/// What a command prints its result as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON value: an array for lists. Fields are named as in the `.proto` files.
    Json,
    /// One JSON value a line.
    Jsonl,
}

/// The `-o` of every command that shows something.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct FormatArgs {
    /// What to print.
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
}

/// One line on standard output. A reader that has gone away wants no more.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Text as it is on standard output.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Bytes as they are on standard output.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// One message as JSON, indented for `json`, on one line for `jsonl`.
pub(crate) fn message<M: prost::Message>(
    format: Format,
    kind: &str,
    message: &M,
) -> Result<(), Failure> {
    value(format, &json::of(kind, message))
}

/// One JSON value.
pub(crate) fn value(format: Format, value: &serde_json::Value) -> Result<(), Failure> {
    match format {
        Format::Jsonl => line(&escaped(&value.to_string())),
        Format::Json | Format::Table => line(&escaped(&format!("{value:#}"))),
    }
}

/// The same JSON with everything as `\u` that could act on a terminal or mislead its reader: JSON
/// leaves DEL, C1 and characters of direction as they are, and what they stand in may be a
/// session's title.
fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for char in json.chars() {
        // The line feeds are ours: one in a string is escaped already.
        if char == '\n' || is_printable(char) {
            shown.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    shown
}

/// A list of messages: an array for `json`, a line each for `jsonl`.
pub(crate) fn messages<M: prost::Message>(
    format: Format,
    kind: &str,
    messages: &[M],
) -> Result<(), Failure> {
    let values = messages.iter().map(|message| json::of(kind, message));
    match format {
        Format::Jsonl => values.into_iter().try_for_each(|message| value(format, &message)),
        Format::Json | Format::Table => value(format, &serde_json::Value::from_iter(values)),
    }
}

/// One line for people on standard error, where it does not mix with results.
///
/// It is printed without anything that acts on a terminal: errors quote what they were given.
pub(crate) fn note(text: &str) {
    // Nobody may be there to read it.
    drop(writeln!(io::stderr().lock(), "{}", text::printable(text)));
}

/// Why the command failed, in one line.
pub(crate) fn failure(failure: &Failure) {
    let told = match failure {
        // What the system says of a socket that is not there tells nobody more.
        Failure::Call(error @ codeplane_client::Error::NoDaemon { .. }) => error.to_string(),
        Failure::Call(_)
        | Failure::About { .. }
        | Failure::Paths(_)
        | Failure::Usage(_)
        | Failure::Daemon(_)
        | Failure::System { .. } => with_causes(failure),
    };
    note(&format!("cpctl: {told}"));
}

/// Whether colours may be used on standard output.
pub(crate) fn colours() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !forbidden && !dumb && io::stdout().is_terminal()
}

/// Whether a person looks at standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The error, and what lies beneath it in parentheses, without saying anything twice.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let below = error.to_string();
        // The number of a system's error says nothing that its words do not.
        let below = below.split(" (os error").next().unwrap_or_default().to_owned();
        if !below.is_empty() && !text.contains(&below) && !causes.contains(&below) {
            causes.push(below);
        }
        cause = error.source();
    }
    if !causes.is_empty() {
        text.push_str(&format!(" ({})", causes.join(": ")));
    }
    text.replace('\n', " ")
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::system("cannot write to standard output")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_and_has_nothing_that_acts_on_a_terminal() {
        let title = "a\u{9b}\u{85}\u{7f}\u{202e}\u{2066}\u{200f}\u{2028}\u{e0041}\u{1b}\n\\é日👍";
        let value = serde_json::json!({ "title": title, title: [1] });

        for json in [value.to_string(), format!("{value:#}")] {
            let shown = escaped(&json);

            assert!(shown.chars().all(|char| char == '\n' || is_printable(char)), "{shown:?}");
            assert!(shown.contains("\\u202e") && shown.contains("é日👍"), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn a_cause_is_told_once_and_in_words() {
        let source = io::Error::from_raw_os_error(libc::ENOENT);
        let failure =
            Failure::from(codeplane_client::Error::NoDaemon { socket: "/s".into(), source });

        assert_eq!(
            with_causes(&failure),
            "no daemon answers on /s: start one with 'cpctl daemon start' \
             (No such file or directory)"
        );
    }
}
