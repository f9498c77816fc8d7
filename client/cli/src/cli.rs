//! The command line as a whole; each verb's arguments are with the verb.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::command::{
    approvals, attach, audit, backup, completions, daemon, decisions, doctor, drain, events,
    explain, get, grants, hook, keys, kill, label, ls, man, policy, redraw, rename, resize, rm,
    run, screen, send, stop, tail, version, wait,
};
use crate::context::DaemonFlags;

/// Runs coding agents, and anything else, in terminals that nothing can lose.
///
/// A session is a command in a terminal of its own. It goes on when you detach, when the daemon is
/// killed and when it is upgraded. Sessions are named by id, by the beginning of the id, or by name.
#[derive(Debug, Parser)]
#[command(name = "cpctl", version, max_term_width = 100)]
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
    Approvals(approvals::Args),
    Grants(grants::Args),
    Decisions(decisions::Args),
    Explain(explain::Args),
    Policy(policy::Args),
    Audit(audit::Args),
    Hook(hook::Args),
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
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// Prints what can be asked for to standard error, where nothing was: of the verb that `arguments` name, if they do.
pub(crate) fn print_help(arguments: &[OsString]) -> std::io::Result<()> {
    let mut command = Cli::command();
    command.build();
    for word in arguments.iter().skip(1) {
        if let Some(verb) = command.find_subcommand(word) {
            command = verb.clone();
        }
    }
    let help = command.render_help();
    std::io::Write::write_all(&mut std::io::stderr(), help.to_string().as_bytes())
}

/// What is wrong with the command line and what to do, without the pages around it. `arguments` are
/// those of the process, with its name.
pub(crate) fn in_one_line(error: &clap::Error, arguments: &[OsString]) -> String {
    let rendered = error.render().to_string();
    let lines = rendered
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .take_while(|line| !line.starts_with("Usage:"));
    let mut said = String::new();
    for line in lines {
        // A sentence of its own.
        let separator = if line.starts_with("tip: ") { "; " } else { " " };
        said.push_str(if said.is_empty() { "" } else { separator });
        said.push_str(line);
    }
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    format!("{said}: {}", usage(arguments))
}

/// The usage of the verb that was named. Not as the error has it, with whatever flags were given and
/// with those that the environment set.
fn usage(arguments: &[OsString]) -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut verb = cli;
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(inner) = verb.find_subcommand(argument) {
            verb = inner.clone();
        }
    }
    let usage = verb.render_usage().to_string();
    usage.trim().replacen("Usage: ", "usage: ", 1)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_mistake_is_told_in_one_line_with_what_is_right() {
        let told = |args: &[&str]| {
            let arguments: Vec<OsString> = args.iter().map(OsString::from).collect();
            in_one_line(&Cli::try_parse_from(args).unwrap_err(), &arguments)
        };

        assert_eq!(
            told(&["cpctl", "run"]),
            "the following required arguments were not provided: <COMMAND>...: \
             usage: cpctl run [OPTIONS] <COMMAND>..."
        );
        assert_eq!(
            told(&["cpctl", "--state-dir", "x", "get", "-x", "y"]),
            "unexpected argument '-x' found; tip: to pass '-x' as a value, use '-- -x': \
             usage: cpctl get [OPTIONS] <SESSION>"
        );
        assert!(told(&["cpctl", "lss"]).contains("'ls'"), "{}", told(&["cpctl", "lss"]));
        assert!(told(&["cpctl", "resize", "x", "1x1"]).contains("2 to 1000 columns"));
    }
}
