//! `cpctl daemon`.

mod logs;
mod process;

use clap::Subcommand;
use codeplane_client::{Client, Error, v1, visible};

use crate::autostart::{Autostart, start};
use crate::context::Context;
use crate::daemon_entry::Settings;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::text;

/// Run and control the daemon; sessions go on without it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do with it.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Be the daemon, in the foreground, until told to stop
    #[command(after_help = "Example:
  cpctl daemon run --config /etc/codeplane/config.toml --set log.level=debug")]
    Run(RunArgs),
    /// Start one in the background, unless one runs
    Start,
    /// Stop it; sessions go on, and the next daemon finds them again
    Stop,
    /// Say whether it runs, and where; ends with 6 if not
    #[command(after_help = "Examples:
  cpctl daemon status
  cpctl daemon status -o json | jq .pid")]
    Status(FormatArgs),
    /// Stop it and start one of this version
    Restart,
    /// Show the log of a daemon that was started in the background
    #[command(after_help = "Examples:
  cpctl daemon logs -n 20
  cpctl daemon logs -f")]
    Logs(logs::Args),
    /// Say whether the configuration can be used
    CheckConfig(CheckArgs),
}

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Leave the terminal's session
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

/// Flags of `check-config`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) settings: Settings,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Start => start_one(context).await,
        Verb::Stop => stop(context).await,
        Verb::Status(FormatArgs { format }) => status(context, format).await,
        Verb::Restart => {
            if context.connect_only().await.is_ok() {
                stop(context).await?;
            }
            start_one(context).await
        }
        Verb::Logs(args) => logs::run(args, context).await,
        // Carried out before there was a runtime.
        Verb::Run(_) | Verb::CheckConfig(_) => Ok(Exit::Done),
    }
}

async fn start_one(context: &Context) -> Result<Exit, Failure> {
    match context.connect_only().await {
        Ok(client) => return told("runs already", &client).await,
        Err(Failure::Call(error @ Error::NoDaemon { .. })) => match context.autostart {
            // The flag forbids what nobody asked for; here it was asked for.
            Autostart::Allowed | Autostart::Forbidden => {}
            Autostart::InsideSession | Autostart::ForeignDaemon => {
                return Err(context.autostart.refusal(error));
            }
        },
        Err(failure) => return Err(failure),
    }
    let client = start(&context.directories).await?;
    told("started", &client).await
}

async fn told(what: &str, client: &Client) -> Result<Exit, Failure> {
    let info = client.server_info().await?;
    output::line(&format!(
        "the daemon {what}: pid {}, {} of {} sessions run",
        info.pid, info.live_sessions, info.sessions
    ))?;
    Ok(Exit::Done)
}

async fn stop(context: &Context) -> Result<Exit, Failure> {
    let client = context.connect_only().await?;
    let info = client.server_info().await?;
    let Some(socket) = context.endpoint.socket_path().map(ToOwned::to_owned) else {
        return Err(Failure::Usage("only a daemon on this machine can be stopped".to_owned()));
    };
    let pid = info.pid;
    // It waits for the end of a process, which blocks.
    let stopped = tokio::task::spawn_blocking(move || process::stop(&socket, pid)).await;
    stopped.map_err(|error| Failure::Daemon(error.to_string()))??;
    output::line(&format!("the daemon stopped; {} sessions go on", info.live_sessions))?;
    Ok(Exit::Done)
}

async fn status(context: &Context, format: Format) -> Result<Exit, Failure> {
    let client = context.connect_only().await?;
    let info = client.server_info().await?;
    match format {
        Format::Table => show(&info)?,
        format => output::message(format, "GetServerInfoResponse", &info)?,
    }
    Ok(Exit::Done)
}

fn show(info: &v1::GetServerInfoResponse) -> Result<(), Failure> {
    let tier = match info.isolation_tier.as_str() {
        "C" => "C: same user, no security boundary".to_owned(),
        other => visible(other).into_owned(),
    };
    let facts = [
        ("pid", info.pid.to_string()),
        ("version", visible(&info.version).into_owned()),
        ("started", text::wire_time(info.start_time)),
        (
            "sessions",
            format!(
                "{} run, {} exist, at most {}",
                info.live_sessions, info.sessions, info.max_sessions
            ),
        ),
        ("draining", if info.draining { "yes: no new sessions" } else { "no" }.to_owned()),
        ("state", visible(&info.state_dir).into_owned()),
        ("sockets", visible(&info.runtime_dir).into_owned()),
        ("isolation", tier),
        ("shim", visible(&info.shim).into_owned()),
        ("host", info.host_id.clone()),
        ("you", text::caller(info)),
    ];
    facts.iter().try_for_each(|(name, value)| output::line(&format!("{name:<10} {value}")))
}
