//! `cpctl tail`.

use codeplane_client::{Client, OutputTail, TerminalEvent, TextFilter, v1};
use v1::output_from::From;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::parse::Place;

/// How far back the last lines are looked for.
const LOOK_BACK_BYTES: u64 = 256 * 1024;

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
        None => From::Position(last_lines(&client, &session, args.lines, &mut printer).await?),
    };
    let request = v1::TailOutputRequest {
        session: session.id,
        from: Some(v1::OutputFrom { from: Some(from) }),
        follow: args.follow,
        once: false,
    };
    let tail = client.tail_output(request, context.rejoin()).await?;
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

/// Prints the last lines there are now and tells where they end.
async fn last_lines(
    client: &Client,
    session: &v1::Session,
    lines: usize,
    printer: &mut Printer,
) -> Result<v1::OutputPosition, Failure> {
    let end = session.output_end.unwrap_or_default();
    let mut next = v1::OutputPosition { offset: end.offset.saturating_sub(LOOK_BACK_BYTES), ..end };
    let mut data = Vec::new();
    while (next.incarnation, next.offset) < (end.incarnation, end.offset) {
        let wanted = end.offset.saturating_sub(next.offset);
        let request = v1::ReadOutputRequest {
            session: session.id.clone(),
            from: Some(next),
            max_bytes: u32::try_from(wanted).unwrap_or(u32::MAX),
        };
        let answer = client.read_output(request).await?;
        if answer.data.is_empty() {
            break;
        }
        data.extend_from_slice(&answer.data);
        next = answer.next.unwrap_or(end);
    }
    printer.print(last(&data, lines))?;
    Ok(next)
}

/// The last `lines` lines; one that has not ended yet counts.
fn last(data: &[u8], lines: usize) -> &[u8] {
    let body = data.strip_suffix(b"\n").unwrap_or(data);
    let start = match lines.checked_sub(1) {
        None => data.len(),
        Some(before) => body
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(before)
            .map_or(0, |(index, _)| index + 1),
    };
    &data[start..]
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
            assert_eq!(last(data.as_bytes(), lines), expected.as_bytes(), "{data:?} {lines}");
        }
    }
}
