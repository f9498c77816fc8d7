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
    let mut labels: Vec<_> = session.labels.iter().collect();
    labels.sort();
    let labels: Vec<String> = labels
        .into_iter()
        .map(|(key, value)| format!("{}={}", visible(key), visible(value)))
        .collect();
    let from = text::position(session.output_start);
    let to = text::position(session.output_end);
    let facts = [
        ("id", session.id.clone()),
        ("name", visible(&session.name).into_owned()),
        ("state", text::state_of(session)),
        ("message", visible(&session.message).into_owned()),
        ("command", text::command(&session.command)),
        ("cwd", visible(&session.cwd).into_owned()),
        (
            "pid",
            Some(session.pid)
                .filter(|pid| *pid != 0)
                .map(|pid| pid.to_string())
                .unwrap_or_default(),
        ),
        ("size", text::size(session.size)),
        ("title", visible(&session.title).into_owned()),
        ("labels", labels.join(" ")),
        ("provider", visible(&session.provider).into_owned()),
        ("source", visible(&session.source).into_owned()),
        ("parent", session.parent_id.clone()),
        ("run", session.incarnation.to_string()),
        ("created", text::wire_time(session.create_time)),
        ("started", text::wire_time(session.start_time)),
        ("ended", text::wire_time(session.end_time)),
        (
            "output",
            format!(
                "{from} to {to}{}",
                if session.output_degraded { " (not being written: disk full)" } else { "" }
            ),
        ),
        ("attachments", session.attachment_count.to_string()),
        ("control", session.control_holder.clone()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        output::line(&format!("{name:<12} {value}"))?;
    }
    Ok(())
}
