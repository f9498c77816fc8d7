//! `cpctl stop`.

use std::time::Duration;

use codeplane_client::{Client, v1};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::parse;
use crate::select::{Among, Selection, settle};

/// Ask sessions to end, ever more firmly: SIGHUP, SIGTERM, SIGKILL
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl stop web
  cpctl stop --label team=infra --wait
  cpctl stop --all --hangup-grace 0 --terminate-grace 30s")]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Time between SIGHUP and SIGTERM; 0 skips SIGHUP [default: the daemon's setting]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    hangup_grace: Option<Duration>,
    /// Time between SIGTERM and SIGKILL [default: the daemon's setting]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    terminate_grace: Option<Duration>,
    /// Return only when they have ended
    #[arg(short, long)]
    wait: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let sessions = args.selection.resolve(&client, Among::Live).await?;
    // All are told before any is waited for.
    let mut results = Vec::new();
    for session in &sessions {
        results.push(stop(&client, session, &args).await);
    }
    if args.wait {
        for (session, told) in sessions.iter().zip(&mut results) {
            if told.is_ok() {
                *told = wait_for_end(&client, session).await;
            }
        }
    }
    Ok(settle(results))
}

async fn stop(client: &Client, session: &str, args: &Args) -> Result<(), Failure> {
    let request = v1::StopSessionRequest {
        session: session.to_owned(),
        hangup_grace: args.hangup_grace.map(parse::wire),
        terminate_grace: args.terminate_grace.map(parse::wire),
        ..Default::default()
    };
    client.stop_session(request).await?;
    Ok(())
}

async fn wait_for_end(client: &Client, session: &str) -> Result<(), Failure> {
    let request = v1::WaitSessionRequest {
        session: session.to_owned(),
        condition: Some(v1::wait_session_request::Condition::Exit(v1::WaitForExit {})),
        ..Default::default()
    };
    client.wait_session(request).await?;
    Ok(())
}
