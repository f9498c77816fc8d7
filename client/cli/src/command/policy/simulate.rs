//! `cpctl policy simulate`.

use std::io::{self, Read};

use crate::exit::{Exit, Failure};
use crate::{daemon_entry, os, output, text};

/// Judge one tool call by rules, both read from standard input; needs no daemon
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Example:
  echo '{"rules": [{"effect": "allow", "tool": "Bash(git log:*)"}], "default": "ask",
    "request": {"tool": "Bash", "input": {"command": "git log -3"}, "cwd": "/tmp"}}' |
    cpctl policy simulate --json

Ends with 0 whatever the decision is, and with 2 if rules or request cannot be read."#)]
pub(crate) struct Args {
    /// Print the verdict as one JSON document, which is the only form there is.
    #[arg(long, required = true)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let Args { json: _ } = args;
    if os::stdin_is_terminal() {
        output::note("cpctl: type rules and a request as JSON, then ctrl-d; see --help");
    }
    let mut document = Vec::new();
    io::stdin().read_to_end(&mut document).map_err(Failure::system("cannot read the request"))?;
    let verdict = daemon_entry::simulate_policy(&document)
        .map_err(|problem| Failure::Usage(text::printable(&problem).to_string()))?;
    output::line(&verdict)?;
    Ok(Exit::Done)
}
