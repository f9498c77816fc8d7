//! Draws the model into cells.

use codeplane_client::v1;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::model::{Drawing, Model, Zoom};
use super::page::{folded, page};
use super::queue::is_pending;
use crate::approval::{self, Line, Tone};
use crate::table::cut;
use crate::text;

/// Above the queue.
const HEADING: &str = "  DENIED        SESSION    TOOL       WHAT";
/// Most columns of a session's name, and of a tool's.
const NAME_COLUMNS: usize = 10;
/// Title, notice and keys.
const FRAME_ROWS: u16 = 3;
const BAR: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws everything; what of the selected approval is there to be read.
pub(super) fn draw(model: &Model, cells: &mut Buffer, now: Timestamp) -> Option<Drawing> {
    let area = *cells.area();
    if area.height <= FRAME_ROWS + 1 || area.width < 20 {
        write(cells, area, (0, "too small a terminal", Style::new()));
        return None;
    }
    let count = model.queue.pending();
    bar(cells, 0, &format!(" approvals: {count} waiting"));
    let top = draw_top(model, cells, now);
    let details = Rect { y: top, height: area.height.saturating_sub(top + 2), ..area };
    let drawing = draw_details(model, cells, details, now);
    let below = drawing.as_ref().map_or(0, |drawing| {
        drawing.rows.saturating_sub(first_row(model, drawing) + drawing.height)
    });
    write(cells, area, (area.height - 2, &notice(model, below), Style::new().fg(Color::Yellow)));
    bar(cells, area.height - 1, &format!(" {}", keys(model)));
    drawing
}

/// The keys that do something now.
fn keys(model: &Model) -> String {
    if model.dialog.is_some() {
        return "Esc goes back".to_owned();
    }
    let decide = match model.queue.selected() {
        None => return "? help  q quit".to_owned(),
        Some(one) if !is_pending(one) => "j next",
        Some(one) if one.kind() == v1::ApprovalKind::Question => "A answer  d deny",
        Some(_) => "a allow  d deny  g remember  e edit",
    };
    let enter = match model.zoom {
        Zoom::Queue => "Enter all",
        Zoom::Details => "Enter back",
    };
    format!("{decide}  Space more  {enter}  ? help  q quit")
}

fn notice(model: &Model, below: usize) -> String {
    match (&model.away, model.notice.as_str(), below) {
        (Some(why), "", _) => format!("{}: waiting", text::printable(why)),
        (_, "", 0) => String::new(),
        (_, "", below) => format!("… {below} more rows: Space"),
        (_, notice, _) => notice.to_owned(),
    }
}

/// The dialog or the queue; the row below it.
fn draw_top(model: &Model, cells: &mut Buffer, now: Timestamp) -> u16 {
    let area = *cells.area();
    // Some of it always stays for what is asked.
    let most = (area.height - FRAME_ROWS) / 2;
    let lines = match (&model.dialog, model.zoom) {
        (Some(dialog), _) => dialog_lines(&dialog.ask.lines(model.closed(dialog)), area),
        (None, Zoom::Details) => return 1,
        (None, Zoom::Queue) => queue_lines(model, usize::from(most.max(1)), now),
    };
    let mut row = 1;
    for line in lines {
        write(cells, area, (row, &line.text, style(line.tone)));
        row += 1;
    }
    if row + 2 < area.height {
        write(cells, area, (row, &"─".repeat(area.width.into()), Style::new().fg(Color::DarkGray)));
        row += 1;
    }
    row
}

/// A dialog's lines, or as many of them, from the cursor on, as have room.
fn dialog_lines(lines: &[Line], area: Rect) -> Vec<Line> {
    let room = (area.height * 2 / 3).min(area.height - FRAME_ROWS).into();
    let rows: Vec<_> = lines.iter().flat_map(|line| folded(line, area.width.into())).collect();
    let cursor = rows.iter().position(|row| row.tone == Tone::Warning).unwrap_or(rows.len());
    let first = cursor.min(rows.len().saturating_sub(room));
    rows.into_iter().skip(first).take(room).collect()
}

/// At most `most` lines around the selected one.
fn queue_lines(model: &Model, most: usize, now: Timestamp) -> Vec<Line> {
    let (approvals, selected) = model.queue.all();
    if approvals.is_empty() {
        let text = "Nothing waits. What is asked appears here by itself.".to_owned();
        return vec![Line { tone: Tone::Plain, text }];
    }
    let most = most.saturating_sub(1).max(1);
    let first = (selected + 1).saturating_sub(most);
    let shown = approvals.iter().enumerate().skip(first).take(most);
    let heading = Line { tone: Tone::Plain, text: HEADING.to_owned() };
    let rows = shown.map(|(i, one)| {
        let ends = if is_pending(one) {
            text::until(one.expire_time, now)
        } else {
            approval::progress(one).to_owned()
        };
        let mark = if i == selected { '>' } else { ' ' };
        let session = cut(&approval::session(one), NAME_COLUMNS);
        let tool = cut(&text::printable(&one.tool), NAME_COLUMNS);
        let what = approval::summary(one);
        Line {
            tone: if i == selected { Tone::Warning } else { Tone::Plain },
            text: format!("{mark} {ends:<13} {session:<10} {tool:<10} {what}"),
        }
    });
    std::iter::once(heading).chain(rows).collect()
}

fn draw_details(model: &Model, cells: &mut Buffer, area: Rect, now: Timestamp) -> Option<Drawing> {
    // A dialog is about the approval it began with.
    let about = model.dialog.as_ref().and_then(|dialog| dialog.about.as_ref());
    let about = about.map(|about| model.queue.find(&about.id).unwrap_or(about));
    let approval = about.or(model.queue.selected())?;
    let page = page(approval, area.width.into(), now);
    let drawing = Drawing {
        id: approval.id.clone(),
        hash: approval.request_hash.clone(),
        rows: page.rows.len(),
        asked: page.asked,
        height: area.height.into(),
    };
    let first = first_row(model, &drawing);
    let rows = page.rows.iter().skip(first).zip(area.y..area.bottom());
    for (line, row) in rows {
        write(cells, area, (row, &line.text, style(line.tone)));
    }
    Some(drawing)
}

fn first_row(model: &Model, drawing: &Drawing) -> usize {
    model.scroll.min(drawing.rows.saturating_sub(drawing.height))
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Heading | Tone::Asked => Style::new().add_modifier(Modifier::BOLD),
        Tone::Allow => Style::new().fg(Color::Green),
        Tone::Ask => Style::new().fg(Color::Yellow),
        Tone::Deny => Style::new().fg(Color::Red),
        Tone::Warning => BAR,
    }
}

fn bar(cells: &mut Buffer, row: u16, text: &str) {
    let area = *cells.area();
    cells.set_style(Rect { y: row, height: 1, ..area }, BAR);
    write(cells, area, (row, text, BAR));
}

fn write(cells: &mut Buffer, area: Rect, (row, text, style): (u16, &str, Style)) {
    cells.set_stringn(area.x, row, text, area.width.into(), style);
}
