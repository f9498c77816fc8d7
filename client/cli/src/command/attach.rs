//! `cpctl attach`, and the part of it that `run` shares.

use std::fs;
use std::path::PathBuf;

use codeplane_client::{AttachOptions, Attachment, Client, Queries, v1};

use super::run::COULD_NOT_EXECUTE;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::terminal::{AtEnd, DEFAULT_KEYS, DetachKeys, Ending, Plan, Role, show};
use crate::{os, output, text};

/// Attach to a session: see its screen, type into it
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  cpctl attach web
  cpctl attach --observe 3f2a        look, do not touch; ctrl-c leaves
  cpctl attach --history 1000 --detach-keys ctrl-p,ctrl-q web

Takes control from whoever has it. Without a terminal it types what it reads and shows what is
printed until the session ends; to type something and go, use cpctl send. Exits with the session's own code (128+n for a signal), 0 when
detached, 125 when cpctl itself failed; --result tells them apart.")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// Look only
    #[arg(long)]
    observe: bool,
    /// Refuse if another client has control
    #[arg(long, conflicts_with = "observe")]
    no_steal: bool,
    /// Lines of history to show before the screen
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=10_000))]
    history: u32,
    /// End with the present run instead of going on with the next
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    flags: AttachFlags,
}

/// Flags of everything that attaches.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AttachFlags {
    /// Keys that detach, in this order
    #[arg(long, value_name = "KEYS", default_value = DEFAULT_KEYS)]
    detach_keys: DetachKeys,
    /// Write how it ended to this file, as JSON: {"outcome": "exited", "code": 0, "signal": null}
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
}

impl AttachFlags {
    /// How to show it.
    pub(super) fn plan(&self, role: Role, at_end: AtEnd) -> Plan {
        Plan { role, keys: self.detach_keys.clone(), at_end }
    }

    /// Tells scripts what the exit code alone does not.
    pub(super) fn write_result(&self, outcome: &str, code: Option<u8>) -> Result<(), Failure> {
        self.write_status(outcome, code, None)
    }

    fn write_status(
        &self,
        outcome: &str,
        code: Option<u8>,
        signal: Option<i32>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.result else { return Ok(()) };
        let result = serde_json::json!({ "outcome": outcome, "code": code, "signal": signal });
        fs::write(path, format!("{result}\n"))
            .map_err(Failure::system(format!("cannot write {}", path.display())))
    }

    /// Finds out whether the result can be written, before anything is started; what an earlier
    /// one says is gone then.
    pub(super) fn begin_result(&self) -> Result<(), Failure> {
        self.write_result("unknown", None)
    }

    /// Records a failure of our own as well.
    pub(super) fn recorded(&self, done: Result<Exit, Failure>) -> Result<Exit, Failure> {
        if done.is_err() {
            self.write_result("error", None)?;
        }
        done
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let flags = args.flags.clone();
    flags.begin_result()?;
    flags.recorded(Box::pin(attach(args, context)).await)
}

async fn attach(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let session = client.get_session(&args.session).await?;
    let role = if args.observe { Role::Observe } else { Role::Control };
    let mode = match role {
        Role::Observe => v1::AttachMode::Observe,
        Role::Control if args.no_steal => v1::AttachMode::ControlIfFree,
        Role::Control => v1::AttachMode::Control,
    };
    let snapshot = v1::SnapshotStart { history_lines: args.history };
    let options = AttachOptions {
        from: v1::OutputFrom { from: Some(v1::output_from::From::Snapshot(snapshot)) },
        mode,
        size: os::terminal_size(),
        queries: if role == Role::Control && output::is_terminal() && os::stdin_is_terminal() {
            Queries::AnsweredByClient
        } else {
            Queries::AnsweredByDaemon
        },
        once: args.once,
        rejoin: context.rejoin(),
        ..AttachOptions::session(&session.id)
    };
    let attachment = client.attach(options).await?;
    let plan = args.flags.plan(role, AtEnd::Nothing);
    enter(client, attachment, &session, (plan, &args.flags)).await
}

/// Shows an attachment to its end and says how it ended.
pub(super) async fn enter(
    client: Client,
    attachment: Attachment,
    session: &v1::Session,
    (plan, flags): (Plan, &AttachFlags),
) -> Result<Exit, Failure> {
    match show(client, attachment, plan).await? {
        Ending::Detached => {
            if os::stdin_is_terminal() && output::is_terminal() {
                // What the program painted below would stand in the middle of what comes now.
                drop(os::write_stdout(b"\x1b[0m\x1b[J"));
            }
            tell(&format!(
                "[detached from {}] attach again: cpctl attach {}",
                text::called(session),
                text::reference(session)
            ));
            flags.write_result("detached", None)?;
            Ok(Exit::Done)
        }
        Ending::Unread => {
            output::note(&format!(
                "cpctl: standard output was closed; {} goes on: cpctl attach {}",
                text::called(session),
                text::reference(session)
            ));
            flags.write_result("detached", None)?;
            Ok(Exit::Done)
        }
        Ending::Deleted => {
            tell(&format!("[{} was removed]", text::called(session)));
            flags.write_result("deleted", None)?;
            Ok(Exit::OWN_FAILURE)
        }
        Ending::Exited(exited) => ended(session, &exited, flags),
    }
}

fn ended(session: &v1::Session, exited: &v1::Exited, flags: &AttachFlags) -> Result<Exit, Failure> {
    let called = text::called(session);
    let message = codeplane_client::visible(&exited.message).into_owned();
    let (outcome, code, said) = match exited.status.and_then(|status| status.status) {
        Some(status) => ("exited", shell_code(status), text::exit_status(status)),
        None if exited.state() == v1::SessionState::Failed => {
            ("failed", COULD_NOT_EXECUTE, format!("could not be started: {message}"))
        }
        None => ("lost", Exit::OWN_FAILURE.code(), format!("was lost: {message}")),
    };
    let failed = outcome != "exited";
    if failed {
        output::note(&format!("cpctl: {called} {said}"));
    } else {
        tell(&format!("[{called} exited with {said}]"));
    }
    let signal = match exited.status.and_then(|status| status.status) {
        Some(v1::exit_status::Status::Signal(signal)) => Some(signal),
        Some(v1::exit_status::Status::Code(_)) | None => None,
    };
    flags.write_status(outcome, Some(code), signal)?;
    Ok(Exit::Code(code))
}

/// What a shell shows for it: the code, or 128 plus the signal.
fn shell_code(status: v1::exit_status::Status) -> u8 {
    let code = match status {
        v1::exit_status::Status::Code(code) => code,
        v1::exit_status::Status::Signal(signal) => 128 + signal,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// A line for the person at the terminal; scripts have the exit code.
fn tell(text: &str) {
    if os::stdin_is_terminal() {
        output::note(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_told_as_shells_tell_them() {
        assert_eq!(shell_code(v1::exit_status::Status::Code(3)), 3);
        assert_eq!(shell_code(v1::exit_status::Status::Signal(9)), 137);
    }

    #[test]
    fn the_result_file_tells_outcomes_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result");
        let flags =
            AttachFlags { detach_keys: DEFAULT_KEYS.parse().unwrap(), result: Some(path.clone()) };

        flags.write_status("exited", Some(137), Some(9)).unwrap();

        let written = fs::read_to_string(path).unwrap();
        assert_eq!(written, "{\"code\":137,\"outcome\":\"exited\",\"signal\":9}\n");
    }
}
