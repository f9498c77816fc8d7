//! The command line as a whole; each verb's arguments are with the verb.

use clap::{Parser, Subcommand};

use crate::command::{
    attach, backup, completions, daemon, doctor, drain, events, get, keys, kill, label, ls, man,
    redraw, rename, resize, rm, run, screen, send, stop, tail, version, wait,
};
use crate::context::DaemonFlags;

/// Runs coding agents, and anything else, in terminals that nothing can lose.
///
/// A session is a command in a terminal of its own. It goes on when you detach, when the daemon is
/// killed and when it is upgraded. Sessions are named by id, by the beginning of the id, or by name.
#[derive(Debug, Parser)]
#[command(name = "cpctl", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Examples:
  cpctl run bash                 run bash and attach; ctrl-\\ ctrl-d detaches
  cpctl run -d --name web -- npm run dev
  cpctl ls
  cpctl attach web

Exit codes: 0 done, 1 a check said no, 2 usage, 3 not found, 4 not allowed, 5 wrong state or
conflict, 6 daemon unavailable, 7 timed out; run and attach: the session's own code.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) daemon: DaemonFlags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Args),
    Attach(attach::Args),
    Ls(ls::Args),
    Get(get::Args),
    Send(send::Args),
    Keys(keys::Args),
    Tail(tail::Args),
    Screen(screen::Args),
    Resize(resize::Args),
    Redraw(redraw::Args),
    Wait(wait::Args),
    Stop(stop::Args),
    Kill(kill::Args),
    Rm(rm::Args),
    Rename(rename::Args),
    Label(label::Args),
    Events(events::Args),
    Daemon(daemon::Args),
    Backup(backup::Args),
    Drain(drain::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Man(man::Args),
    Version(version::Args),
}

/// Reads the command line; help, version and mistakes are errors here.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    Cli::try_parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_help_with_examples() {
        for verb in Cli::command().get_subcommands_mut() {
            let name = verb.get_name().to_owned();
            let help = verb.render_long_help().to_string();
            assert!(help.contains("Example") || verb.has_subcommands(), "{name}");
        }
    }

    #[test]
    fn flags_of_the_command_are_not_ours() {
        let cli = Cli::try_parse_from(["cpctl", "run", "-d", "ls", "-l", "--help"]).unwrap();

        let Command::Run(args) = cli.command else { panic!("not run") };
        assert_eq!(args.command, ["ls", "-l", "--help"]);
    }
}
