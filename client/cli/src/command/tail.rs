//! `cpctl tail`.

use codeplane_client::{Client, OutputTail, TerminalEvent, TextFilter, v1};
use v1::output_from::From;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::parse::Place;

/// How much is looked through at a time for the beginning of the last lines.
const PIECE_BYTES: u64 = 256 * 1024;

/// Show what a session has printed
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  cpctl tail web                     the last 10 lines
  cpctl tail -f web                  and what follows, also across restarts of the daemon
  cpctl tail --from start --raw web > session.log

Without --raw, escape sequences are left out.")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// Go on with what follows, until the session ends
    #[arg(short, long)]
    follow: bool,
    /// Begin here instead: start, end, OFFSET or INCARNATION:OFFSET
    #[arg(long, value_name = "POSITION", conflicts_with = "lines")]
    from: Option<Place>,
    /// How many of the last lines
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: usize,
    /// The bytes as they were printed, escape sequences and all
    #[arg(long)]
    raw: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let session = client.get_session(&args.session).await?;
    let mut printer = Printer { text: (!args.raw).then(TextFilter::default) };
    let from = match args.from {
        Some(place) => place_of(place, &session),
        None => From::Position(last_lines(&client, &session, args.lines).await?),
    };
    let request = v1::TailOutputRequest {
        session: session.id,
        from: Some(v1::OutputFrom { from: Some(from) }),
        follow: args.follow,
        once: false,
    };
    let tail = client.tail_output(request, context.rejoin_telling()).await?;
    follow(tail, &mut printer).await?;
    printer.finish()?;
    Ok(Exit::Done)
}

async fn follow(mut tail: OutputTail, printer: &mut Printer) -> Result<(), Failure> {
    while let Some(event) = tail.next().await? {
        match event {
            TerminalEvent::Output { data, .. } => printer.print(&data)?,
            TerminalEvent::Gap { from, to } => {
                let missing = to.offset.saturating_sub(from.offset);
                output::note(&format!("cpctl: {missing} bytes are no longer there"));
            }
            TerminalEvent::Attached(_)
            | TerminalEvent::Snapshot(_)
            | TerminalEvent::Resized { .. }
            | TerminalEvent::ControlChanged(_)
            | TerminalEvent::InputRefused { .. }
            | TerminalEvent::StateChanged { .. }
            | TerminalEvent::Exited(_)
            | TerminalEvent::Pong { .. }
            | TerminalEvent::Reconnecting { .. }
            | TerminalEvent::Reconnected { .. }
            | TerminalEvent::End { .. } => {}
        }
    }
    Ok(())
}

fn place_of(place: Place, session: &v1::Session) -> From {
    match place {
        Place::Start => From::Start(v1::LogStart {}),
        Place::End => From::End(v1::LogEnd {}),
        Place::Position(position) => From::Position(position),
        Place::Offset(offset) => {
            From::Position(v1::OutputPosition { incarnation: session.incarnation, offset })
        }
    }
}

/// Where the last lines begin that there are now; one that has not ended yet counts.
async fn last_lines(
    client: &Client,
    session: &v1::Session,
    lines: usize,
) -> Result<v1::OutputPosition, Failure> {
    let end = session.output_end.unwrap_or_default();
    let mut counter = LastLines::new(lines);
    let mut from = end.offset;
    while from > 0 {
        let to = from;
        from = to.saturating_sub(PIECE_BYTES);
        let piece = read(client, session, v1::OutputPosition { offset: from, ..end }, to).await?;
        if let Some(index) = counter.find(&piece.data) {
            let offset = piece.from + index as u64;
            return Ok(v1::OutputPosition { offset, ..end });
        }
        if piece.from > from {
            // What lies before is gone.
            return Ok(v1::OutputPosition { offset: piece.from, ..end });
        }
    }
    Ok(v1::OutputPosition { offset: 0, ..end })
}

/// A part of the output.
struct Piece {
    /// Where it begins: later than asked for, if what lies before is gone.
    from: u64,
    data: Vec<u8>,
}

async fn read(
    client: &Client,
    session: &v1::Session,
    from: v1::OutputPosition,
    to: u64,
) -> Result<Piece, Failure> {
    let mut piece = Piece { from: from.offset, data: Vec::new() };
    let mut next = from;
    while next.incarnation == from.incarnation && next.offset < to {
        let request = v1::ReadOutputRequest {
            session: session.id.clone(),
            from: Some(next),
            max_bytes: u32::try_from(to - next.offset).unwrap_or(u32::MAX),
        };
        let answer = client.read_output(request).await?;
        if answer.data.is_empty() {
            break;
        }
        let begin = answer.position.unwrap_or(next).offset;
        if begin > next.offset {
            piece = Piece { from: begin.min(to), data: Vec::new() };
        }
        // Behind a gap it may be more than was asked for.
        let wanted = usize::try_from(to.saturating_sub(begin)).unwrap_or(usize::MAX);
        let data = &answer.data[..answer.data.len().min(wanted)];
        piece.data.extend_from_slice(data);
        next = v1::OutputPosition { offset: begin + answer.data.len() as u64, ..from };
    }
    Ok(piece)
}

/// Looks for the last lines from behind.
struct LastLines {
    /// How many line ends are still to be passed.
    left: usize,
    is_end: bool,
}

impl LastLines {
    const fn new(lines: usize) -> Self {
        Self { left: lines, is_end: true }
    }

    /// Where the last lines begin in this piece, which lies before those that were looked at; none
    /// if they begin before it.
    fn find(&mut self, piece: &[u8]) -> Option<usize> {
        if self.left == 0 {
            return Some(piece.len());
        }
        // The end of the last line is the end of no line before it.
        let is_end = self.is_end;
        self.is_end &= piece.is_empty();
        let body = if is_end { piece.strip_suffix(b"\n").unwrap_or(piece) } else { piece };
        for (index, _) in body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            self.left -= 1;
            if self.left == 0 {
                return Some(index + 1);
            }
        }
        None
    }
}

struct Printer {
    /// None prints the bytes themselves.
    text: Option<TextFilter>,
}

impl Printer {
    fn print(&mut self, data: &[u8]) -> Result<(), Failure> {
        match &mut self.text {
            Some(filter) => output::text(&filter.pass(data)),
            None => output::bytes(data),
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.text {
            Some(filter) => output::text(&filter.finish()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_include_one_that_has_not_ended() {
        for (data, lines, expected) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 2, "b\nc"),
            ("a\nb", 5, "a\nb"),
            ("a\nb\n", 0, ""),
            ("", 3, ""),
            ("\n\n\n", 1, "\n"),
        ] {
            for cut in 0..=data.len() {
                let (before, behind) = data.split_at(cut);
                let mut last = LastLines::new(lines);
                let found = last.find(behind.as_bytes()).map(|index| cut + index);
                let start = found.or_else(|| last.find(before.as_bytes())).unwrap_or(0);
                assert_eq!(&data[start..], expected, "{data:?} {lines} {cut}");
            }
        }
    }
}
