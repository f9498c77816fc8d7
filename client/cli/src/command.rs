//! The verbs, one file each.

pub(crate) mod approvals;
pub(crate) mod attach;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod daemon;
pub(crate) mod decisions;
pub(crate) mod doctor;
pub(crate) mod drain;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod grants;
pub(crate) mod hook;
pub(crate) mod keys;
pub(crate) mod kill;
pub(crate) mod label;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod redraw;
pub(crate) mod rename;
pub(crate) mod resize;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod screen;
pub(crate) mod send;
pub(crate) mod stop;
pub(crate) mod tail;
pub(crate) mod version;
pub(crate) mod wait;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{daemon_entry, os, output};

/// Carries the command out.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let command = match before_runtime(cli) {
        Ok(command) => command,
        Err(code) => return code,
    };
    let Cli { daemon, command } = command;
    // Where the session's own code takes all others.
    let is_sessions = match &command {
        Command::Run(args) => !args.detach,
        other => matches!(other, Command::Attach(_)),
    };
    let own_failure = is_sessions.then_some(Exit::OWN_FAILURE);
    let done = Context::new(&daemon).and_then(|context| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::system("cannot start"))?;
        let done = runtime.block_on(carry_out(command, &context));
        // Whatever still blocks must not hold up the end.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            own_failure.unwrap_or_else(|| failure.exit()).into()
        }
    }
}

/// What needs no runtime, or makes one of its own.
fn before_runtime(cli: Cli) -> Result<Cli, ExitCode> {
    use daemon::Verb;
    let places = daemon_entry::Places {
        state: cli.daemon.state_dir.clone(),
        runtime: cli.daemon.runtime_dir.clone(),
    };
    match cli.command {
        Command::Daemon(daemon::Args { verb: Verb::Run(args) }) => {
            if args.detached {
                os::detach_process();
            }
            Err(daemon_entry::daemon(args.settings, places))
        }
        Command::Daemon(daemon::Args { verb: Verb::CheckConfig(args) }) => {
            Err(daemon_entry::check_config(args.settings, places))
        }
        Command::Hook(args) => Err(Exit::Code(hook::run(args)).into()),
        Command::Policy(args) => match policy::without_daemon(&args) {
            Some(done) => Err(ended(done)),
            None => Ok(Cli { daemon: cli.daemon, command: Command::Policy(args) }),
        },
        Command::Completions(args) => Err(ended(completions::run(&args))),
        Command::Man(args) => Err(ended(man::run(&args))),
        command => Ok(Cli { daemon: cli.daemon, command }),
    }
}

fn ended(done: Result<Exit, Failure>) -> ExitCode {
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit().into()
        }
    }
}

async fn carry_out(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(args, context).await,
        Command::Attach(args) => attach::run(args, context).await,
        Command::Ls(args) => ls::run(args, context).await,
        Command::Get(args) => get::run(args, context).await,
        Command::Send(args) => send::run(args, context).await,
        Command::Keys(args) => keys::run(args, context).await,
        Command::Tail(args) => tail::run(args, context).await,
        Command::Screen(args) => screen::run(args, context).await,
        Command::Resize(args) => resize::run(args, context).await,
        Command::Redraw(args) => redraw::run(args, context).await,
        Command::Wait(args) => wait::run(args, context).await,
        Command::Stop(args) => stop::run(args, context).await,
        Command::Kill(args) => kill::run(args, context).await,
        Command::Rm(args) => rm::run(args, context).await,
        Command::Rename(args) => rename::run(args, context).await,
        Command::Label(args) => label::run(args, context).await,
        Command::Events(args) => events::run(args, context).await,
        Command::Approvals(args) => approvals::run(args, context).await,
        Command::Grants(args) => grants::run(args, context).await,
        Command::Decisions(args) => decisions::run(args, context).await,
        Command::Explain(args) => explain::run(args, context).await,
        Command::Audit(args) => audit::run(args, context).await,
        Command::Daemon(args) => daemon::run(args, context).await,
        Command::Backup(args) => backup::run(args, context).await,
        Command::Drain(args) => drain::run(args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Version(args) => version::run(args, context).await,
        // Never here: it needs no runtime of ours.
        Command::Hook(args) => Ok(Exit::Code(hook::run(args))),
        Command::Policy(args) => policy::run(args, context).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
