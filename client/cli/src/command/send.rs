//! `cpctl send`.

use std::io::Read;

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Type text into a session
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  cpctl send web 'npm test' --enter
  cpctl send web - < script.txt")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// The text, exactly as it is to be typed; - reads standard input
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// Press Enter after it
    #[arg(short, long)]
    enter: bool,
    /// Type even though somebody else holds control
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut data = if args.text == "-" { read_stdin()? } else { args.text.into_bytes() };
    if args.enter {
        data.push(b'\r');
    }
    let client = context.connect().await?;
    let request = v1::SendInputRequest {
        session: args.session,
        data: data.into(),
        force: args.force,
        ..Default::default()
    };
    client.send_input(request).await?;
    Ok(Exit::Done)
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut data)
        .map_err(Failure::system("cannot read standard input"))?;
    Ok(data)
}
