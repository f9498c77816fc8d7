//! Records as a table, for programs that take some cells for formulas.

use codeplane_core::audit::AuditRecord;
use codeplane_core::is_printable;
use jiff::Timestamp;

/// The columns.
const COLUMNS: [&str; 8] =
    ["seq", "time", "kind", "principal", "session", "incarnation", "position", "detail"];

/// The first line.
pub(super) fn heading() -> String {
    line(COLUMNS.map(str::to_owned))
}

/// The line of a record.
pub(super) fn row(record: &AuditRecord) -> String {
    let detail: Vec<String> =
        record.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
    line([
        record.seq.to_string(),
        time(record.time.as_micros()),
        record.kind.clone(),
        record.principal.clone(),
        record.session.map(|session| session.to_string()).unwrap_or_default(),
        record.incarnation.map(|incarnation| incarnation.to_string()).unwrap_or_default(),
        record.position.map(|position| position.to_string()).unwrap_or_default(),
        detail.join("; "),
    ])
}

/// RFC 3339, in UTC.
fn time(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| time.to_string())
}

/// RFC 4180, every cell in quotes.
fn line(cells: [String; COLUMNS.len()]) -> String {
    let cells = cells.map(|cell| format!("\"{}\"", neutral(&cell).replace('"', "\"\"")));
    cells.join(",") + "\r\n"
}

/// Text that no spreadsheet takes for a formula and that acts on no terminal.
fn neutral(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text.push('\'');
    }
    for char in cell.chars() {
        if is_printable(char) {
            text.push(char);
        } else {
            text.extend(char.escape_default());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use codeplane_core::audit::{AuditKind, AuditSeq, NewAudit};
    use codeplane_core::{HostId, Timestamp};

    use super::*;

    fn record(fact: &NewAudit) -> String {
        row(&AuditRecord::of(AuditSeq(7), HostId::from_bytes([1; 16]), fact))
    }

    #[test]
    fn a_record_is_one_line_of_cells() {
        let fact = NewAudit::by("uid:1000", Timestamp::from_micros(1), AuditKind::GrantCreated)
            .with("rule", "say \"a\", b")
            .with("for", "session");

        assert_eq!(
            record(&fact),
            "\"7\",\"1970-01-01T00:00:00.000001Z\",\"grant.created\",\"uid:1000\",\"\",\"\",\"\",\
             \"rule=say \"\"a\"\", b; for=session\"\r\n"
        );
        assert_eq!(heading().matches(',').count(), record(&fact).matches("\",\"").count());
    }

    #[test]
    fn no_cell_is_a_formula_or_acts_on_a_terminal() {
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            let cell = neutral(&format!("{start}cmd|' /C calc'!A0"));
            assert!(cell.starts_with('\''), "{cell}");
        }
        assert_eq!(neutral("a\u{1b}[2J\n\u{202e}b"), "a\\u{1b}[2J\\n\\u{202e}b");
        assert_eq!(neutral("é = 1"), "é = 1");
    }
}
