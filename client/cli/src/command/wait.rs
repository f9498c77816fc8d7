//! `cpctl wait`.

use std::time::Duration;

use codeplane_client::{Client, v1, visible};
use tokio::task::JoinSet;
use v1::wait_session_request::Condition as Wire;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::parse::{self, Condition, Place};
use crate::select::{Among, Selection, settle};
use crate::text;

/// Wait until something holds for every named session
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl wait web                     until it ends
  cpctl wait web --for output='listening on \\d+' --timeout 30s
  cpctl wait --label team=infra --for quiet=2s
  cpctl wait web --for state=running
  cpctl wait review --for idle       until the agent takes a prompt

Exits with 7 if the time passes first, with 5 if a session ends in another way first.")]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// exit, idle or approval (what the agent does), input (it asks something), quiet=TIME (no output for
    /// so long), output=REGEX (in the text without escape sequences), state=NAME or activity=NAME
    #[arg(long = "for", value_name = "CONDITION", default_value = "exit")]
    condition: Condition,
    /// Where to begin looking for output: start, end, OFFSET or INCARNATION:OFFSET
    #[arg(long, value_name = "POSITION", default_value = "start", allow_hyphen_values = true)]
    from: Place,
    /// Give up after this long
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    timeout: Option<Duration>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let among = if args.condition == Condition::Exit { Among::Live } else { Among::All };
    let mut waits = JoinSet::new();
    let sessions = args.selection.resolve(&client, among).await?;
    // Of several it is one JSON value as well.
    let in_array = args.output.format == Format::Json && sessions.len() > 1;
    for session in sessions {
        let request = request(&client, session, &args).await?;
        let client = client.clone();
        waits.spawn(async move { client.wait_session(request).await });
    }
    let (mut results, mut answers) = (Vec::new(), Vec::new());
    while let Some(wait) = waits.join_next().await {
        let waited = wait.map_err(|error| Failure::Daemon(error.to_string()))?;
        results.push(match waited {
            Ok(answer) if in_array => {
                answers.push(answer);
                Ok(())
            }
            Ok(answer) => tell(&answer, args.output.format),
            Err(error) => Err(error.into()),
        });
    }
    if in_array {
        results.push(output::messages(args.output.format, "WaitSessionResponse", &answers));
    }
    Ok(settle(results))
}

async fn request(
    client: &Client,
    session: String,
    args: &Args,
) -> Result<v1::WaitSessionRequest, Failure> {
    let condition = match &args.condition {
        Condition::Exit => Wire::Exit(v1::WaitForExit {}),
        Condition::Quiet(time) => Wire::Quiet(parse::wire(*time)),
        Condition::State(state) => Wire::State((*state).into()),
        Condition::Activity(activity) => Wire::Activity((*activity).into()),
        Condition::Output(regex) => {
            let from = position(client, &session, args.from).await?;
            Wire::Output(v1::WaitForOutput { regex: regex.clone(), from })
        }
    };
    let timeout = args.timeout.map(parse::wire);
    Ok(v1::WaitSessionRequest { session, condition: Some(condition), timeout })
}

/// The start is the daemon's default; other places are those of the run there is now.
async fn position(
    client: &Client,
    session: &str,
    place: Place,
) -> Result<Option<v1::OutputPosition>, Failure> {
    Ok(match place {
        Place::Start => None,
        Place::Position(position) => Some(position),
        Place::End => client.get_session(session).await?.output_end,
        Place::Offset(offset) => {
            let incarnation = client.get_session(session).await?.incarnation;
            Some(v1::OutputPosition { incarnation, offset })
        }
    })
}

fn tell(answer: &v1::WaitSessionResponse, format: Format) -> Result<(), Failure> {
    match (format, &answer.session) {
        (Format::Table, Some(_)) if !answer.matched.is_empty() => {
            output::line(&visible(&answer.matched))
        }
        (Format::Table, Some(session)) => {
            output::line(&format!("{} {}", text::called(session), text::state_of(session)))
        }
        (Format::Table, None) => Ok(()),
        (format, _) => output::message(format, "WaitSessionResponse", answer),
    }
}
