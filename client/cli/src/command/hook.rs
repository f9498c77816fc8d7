//! `cpctl hook`, where it is not taken by the short way past this command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::hook::{Arguments, Provider, answer};

/// Report an agent's event to the daemon and answer the agent; agents' hooks run this
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  cpctl hook claude                  the event on standard input, as the agent's hooks get it
  cpctl hook generic <<'END'
  {"event": "tool_requested", "tool": "Bash", "input": {"command": "ls"}, "cwd": "/tmp"}
  END

Events of the generic dialect: tool_requested asks whether a call may be made, and is answered by
{"decision": "allow" | "deny" | "ask", "reason": …}; exit code 0 is allow, anything else is not. It has
tool, input, tool_use_id and cwd (absolute; default: the session's). These only tell:
  tool_finished           as above, with outcome: succeeded, failed, interrupted, refused; and error
  prompt_submitted        the agent works
  turn_finished           the agent is idle: 'cpctl wait --for idle' ends
  turn_failed             as well, with error
  interrupted             as well
  waiting_for_permission, waiting_for_input, session_started, session_ended, subagent_started,
  subagent_finished
Any other event is denied.

It prints what the daemon says and exits with the code that means it in the agent's dialect. If
there is no answer, what would be asked is denied. It never starts a daemon."#)]
pub(crate) struct Args {
    /// Whose dialect is spoken
    provider: Provider,
    /// The event, where its JSON does not name it
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    event: Option<String>,
    /// The session's token; default: the file that `CODEPLANE_HOOK_TOKEN_FILE` names
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
    /// How many seconds the agent lets its hook run: nobody is waited for longer
    #[arg(long, value_name = "SECONDS")]
    agent_timeout: Option<u64>,
}

pub(crate) fn run(Args { provider, event, token_file, agent_timeout }: Args) -> u8 {
    let agent_timeout = agent_timeout.map(Duration::from_secs);
    answer(Ok(Arguments { provider: Some(provider), event, token_file, agent_timeout }))
}
