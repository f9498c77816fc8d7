//! `cpctl screen`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::text;

/// Show a session's screen as it is now
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  cpctl screen web
  cpctl screen --ansi --history 100 web
  cpctl screen --json web | jq .cursor")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// With colours and attributes
    #[arg(long)]
    ansi: bool,
    /// Cells with attributes, cursor and title, as JSON
    #[arg(long, conflicts_with = "ansi")]
    json: bool,
    /// Lines of history to show before the screen
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=10_000))]
    history: u32,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let format = match (args.ansi, args.json) {
        (true, _) => v1::ScreenFormat::Ansi,
        (false, true) => v1::ScreenFormat::Cells,
        (false, false) => v1::ScreenFormat::Text,
    };
    let client = context.connect().await?;
    let request = v1::GetScreenRequest {
        session: args.session,
        format: format.into(),
        history_lines: args.history,
    };
    let screen = client.get_screen(request).await?;
    if args.json {
        output::message(Format::Json, "GetScreenResponse", &screen)?;
        return Ok(Exit::Done);
    }
    for line in &screen.lines {
        if args.ansi {
            output::line(line)?;
        } else {
            output::line(&text::printable(line))?;
        }
    }
    Ok(Exit::Done)
}
