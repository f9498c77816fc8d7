//! `cpctl version`.

use codeplane_client::{Error, v1};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::{output, text};

/// Print the version of this client, and of the daemon if one answers
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl version -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    output: FormatArgs,
}

/// The version of this executable.
pub(super) const CLIENT: &str = env!("CARGO_PKG_VERSION");

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let daemon = daemon_version(context).await;
    match args.output.format {
        Format::Table => {
            output::line(&format!("cpctl  {CLIENT}"))?;
            let shown = match &daemon {
                Ok(version) => version.clone(),
                Err(Failure::Call(Error::NoDaemon { .. })) => "does not run".to_owned(),
                Err(failure) => output::with_causes(failure),
            };
            output::line(&format!("daemon {}", text::printable(&shown)))?;
        }
        format => {
            output::value(format, &serde_json::json!({ "client": CLIENT, "daemon": daemon.ok() }))?;
        }
    }
    Ok(Exit::Done)
}

async fn daemon_version(context: &Context) -> Result<String, Failure> {
    let client = context.connect_only().await?;
    let v1::GetServerInfoResponse { version, .. } = client.server_info().await?;
    Ok(version)
}
