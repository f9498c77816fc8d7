//! `cpctl get`.

use codeplane_client::{v1, visible};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::{output, text};

/// Show everything about a session
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl get web
  cpctl get -o json 3f2a | jq .state")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let session = client.get_session(&args.session).await?;
    match args.output.format {
        Format::Table => print(&session)?,
        format => output::message(format, "Session", &session)?,
    }
    Ok(Exit::Done)
}

fn print(session: &v1::Session) -> Result<(), Failure> {
    let text = |text: &str| visible(text).into_owned();
    let pid = if session.pid == 0 { String::new() } else { session.pid.to_string() };
    let facts = [
        ("id", session.id.clone()),
        ("name", text(&session.name)),
        ("state", text::state_of(session)),
        ("message", text(&session.message)),
        ("agent", agent(session)),
        ("command", text::command(&session.command)),
        ("cwd", text(&session.cwd)),
        ("pid", pid),
        ("size", text::size(session.size)),
        ("title", text(&session.title)),
        ("labels", labels(session)),
        ("policies", policies(session)),
        ("allowed", session.allow.iter().map(|rule| text(rule)).collect::<Vec<_>>().join(" ")),
        ("asks", asks(session).to_owned()),
        ("workspace", text(text::workspace(&session.workspace))),
        ("calls", calls(session)),
        ("provider", text(&session.provider)),
        ("source", text(&session.source)),
        ("parent", session.parent_id.clone()),
        ("run", session.incarnation.to_string()),
        ("created", text::wire_time(session.create_time)),
        ("started", text::wire_time(session.start_time)),
        ("ended", text::wire_time(session.end_time)),
        ("output", printed(session)),
        ("attachments", session.attachment_count.to_string()),
        ("control", session.control_holder.clone()),
    ];
    let told = facts.iter().filter(|(_, value)| !value.is_empty());
    told.into_iter().try_for_each(|(name, value)| output::line(&format!("{name:<12} {value}")))
}

/// What the agent does, why nobody judges it, and how many of its calls wait.
fn agent(session: &v1::Session) -> String {
    let does = Some(text::agent(session)).filter(|does| does != "-");
    let why = Some(visible(&session.gate_reason).into_owned()).filter(|why| !why.is_empty());
    let waits = match session.pending_approvals {
        0 => None,
        1 => Some("1 call waits: see cpctl approvals ls".to_owned()),
        count => Some(format!("{count} calls wait: see cpctl approvals ls")),
    };
    [does, why, waits].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn labels(session: &v1::Session) -> String {
    let mut pairs: Vec<String> = session
        .labels
        .iter()
        .map(|(key, value)| format!("{}={}", visible(key), visible(value)))
        .collect();
    pairs.sort();
    pairs.join(" ")
}

/// The policies that judge it, with their revisions.
fn policies(session: &v1::Session) -> String {
    let shown =
        |policy: &v1::PolicyReference| format!("{}@{}", visible(&policy.name), policy.revision);
    session.policies.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// What becomes of calls that would be asked about, where nobody decides them.
const fn asks(session: &v1::Session) -> &'static str {
    match (session.dangerous, session.unattended) {
        (true, _) => "DANGEROUS: allowed without asking",
        (false, true) => "denied: unattended",
        (false, false) => "",
    }
}

/// How many of its agent's calls were judged; nothing where there were none.
fn calls(session: &v1::Session) -> String {
    match session.seen_calls {
        0 => String::new(),
        seen => format!("{} of {seen} judged", session.judged_calls),
    }
}

fn printed(session: &v1::Session) -> String {
    let (from, to) = (text::position(session.output_start), text::position(session.output_end));
    let degraded = if session.output_degraded { " (not being written: disk full)" } else { "" };
    format!("{from} to {to}{degraded}")
}
