//! `cpctl events`.

use codeplane_client::{Client, Error, WatchItem, v1, visible};
use v1::event::Payload;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::select::filter_value;
use crate::text;

/// Show what has happened
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl events
  cpctl events -f --session web
  cpctl events -f --after 1042 --type session.exited -o jsonl

With -f and without --after: only what happens from now on.")]
pub(crate) struct Args {
    /// Go on with what happens
    #[arg(short, long)]
    follow: bool,
    /// Only events after this revision
    #[arg(long, value_name = "REVISION")]
    after: Option<i64>,
    /// Only events of this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only events of this type, such as session.exited
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let filter = filter(&client, &args).await?;
    if args.follow {
        follow(&client, &args, filter, context).await?;
    } else {
        list(&client, &args, filter).await?;
    }
    Ok(Exit::Done)
}

async fn filter(client: &Client, args: &Args) -> Result<String, Failure> {
    let mut terms = Vec::new();
    if let Some(session) = &args.session {
        // Events outlive their session: then only the whole id finds them.
        let id = match client.get_session(session).await {
            Ok(session) => session.id,
            Err(Error::NotFound { .. }) => session.clone(),
            Err(error) => return Err(error.into()),
        };
        terms.push(format!("session={}", filter_value(&id)));
    }
    if let Some(kind) = &args.kind {
        terms.push(format!("type={}", filter_value(kind)));
    }
    Ok(terms.join(" AND "))
}

async fn list(client: &Client, args: &Args, filter: String) -> Result<(), Failure> {
    let mut request = v1::ListEventsRequest {
        page_size: 1000,
        page_token: String::new(),
        filter,
        after_revision: args.after.unwrap_or_default(),
    };
    let mut all = Vec::new();
    loop {
        let page = client.list_events(request.clone()).await?;
        match args.output.format {
            // An array has to be whole.
            Format::Json => all.extend(page.events),
            format => page.events.iter().try_for_each(|event| show(event, format))?,
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if args.output.format == Format::Json {
        output::messages(Format::Json, "Event", &all)?;
    }
    Ok(())
}

async fn follow(
    client: &Client,
    args: &Args,
    filter: String,
    context: &Context,
) -> Result<(), Failure> {
    let request =
        v1::WatchEventsRequest { filter, after_revision: args.after, bookmark_interval: None };
    let mut watch = client.watch_events(request, context.rejoin_telling()).await?;
    loop {
        match watch.next().await? {
            WatchItem::Event(event) => show(&event, args.output.format)?,
            WatchItem::Synced { .. } | WatchItem::Bookmark { .. } => {}
        }
    }
}

fn show(event: &v1::Event, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => output::line(&line(event)),
        Format::Json | Format::Jsonl => output::message(Format::Jsonl, "Event", event),
    }
}

/// Revision, time, session, type, facts.
fn line(event: &v1::Event) -> String {
    let session = if event.session_id.is_empty() { "-" } else { text::short(&event.session_id) };
    let line = format!(
        "{:>6}  {:<27}  {session:<8}  {:<22} {}",
        event.revision,
        text::wire_time(event.time),
        visible(&event.r#type),
        event.payload.as_ref().map(facts).unwrap_or_default(),
    );
    line.trim_end().to_owned()
}

fn facts(payload: &Payload) -> String {
    let status = |status: Option<v1::ExitStatus>| {
        status.and_then(|status| status.status).map(text::exit_status).unwrap_or_default()
    };
    match payload {
        Payload::SessionStarted(started) => format!("run {}", started.incarnation),
        Payload::SessionExited(exited) => status(exited.status),
        Payload::SessionLost(lost) => visible(&lost.cause).into_owned(),
        Payload::SessionFailed(failed) => {
            format!("{}: {}", visible(&failed.step), visible(&failed.message))
        }
        Payload::TerminalResized(resized) => text::size(resized.size),
        Payload::TerminalTitle(title) => visible(&title.title).into_owned(),
        Payload::TerminalNotification(notification) => {
            format!("{} {}", visible(&notification.title), visible(&notification.body))
        }
        Payload::OutputDegraded(degraded) => format!("since {}", text::position(degraded.since)),
        Payload::OutputRestored(restored) => {
            format!("{} to {}", text::position(restored.from), text::position(restored.to))
        }
        Payload::OutputRemoved(removed) => format!("up to {}", text::position(removed.oldest)),
        Payload::DaemonStarted(started) => visible(&started.version).into_owned(),
        Payload::HookReported(report) => {
            visible(&format!("{} {}", report.name, report.tool)).into_owned()
        }
        Payload::DecisionMade(made) => visible(&decision(made)).into_owned(),
        Payload::ApprovalRequested(asked) => {
            let id = text::short(&asked.approval_id);
            visible(&format!("{id} {}: {}", asked.tool, asked.subject)).into_owned()
        }
        Payload::ApprovalResolved(resolved) => {
            let id = text::short(&resolved.approval_id);
            visible(&format!("{id} {} by {}", resolved.state, resolved.decided_by)).into_owned()
        }
        Payload::GrantCreated(grant) => {
            let id = text::short(&grant.grant_id);
            visible(&format!("{id} {} by {}", grant.subject, grant.created_by)).into_owned()
        }
        Payload::GrantRevoked(grant) => {
            visible(&format!("{} by {}", text::short(&grant.grant_id), grant.revoked_by))
                .into_owned()
        }
        Payload::GateChanged(gate) => {
            visible(&format!("{} {}", gate.gate, gate.reason)).into_owned()
        }
        Payload::ActivityChanged(activity) => {
            visible(&format!("{} ({})", activity.activity, activity.source)).into_owned()
        }
        Payload::Violation(violation) => {
            visible(&format!("{}: {}", violation.tool, violation.problem)).into_owned()
        }
        Payload::HooksEdited(edited) => {
            visible(&format!("{}: {}", edited.path, edited.change)).into_owned()
        }
    }
}

fn decision(made: &v1::DecisionMade) -> String {
    let v1::DecisionMade { tool, outcome, source, reason, .. } = made;
    format!("{tool} {outcome} by {source} {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_that_acts_on_no_terminal() {
        let title = v1::TerminalTitle { title: "a\x1b]0;b".into() };
        let event = v1::Event {
            revision: 7,
            time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            session_id: "3f2a0000-0000".into(),
            r#type: "terminal.title".into(),
            payload: Some(Payload::TerminalTitle(title)),
            ..Default::default()
        };

        assert_eq!(
            line(&event),
            "     7  1970-01-01T00:00:00Z         3f2a0000  terminal.title         a\\x1b]0;b"
        );
    }
}
