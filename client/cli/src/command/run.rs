//! `cpctl run`.

use std::path::{Path, PathBuf};

use codeplane_client::{AttachOptions, Client, Error, Queries, v1};

use super::attach::{AttachFlags, enter};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::parse::Pair;
use crate::terminal::{AtEnd, Role};
use crate::{os, output, parse, text};

/// Run a command in a session of its own, and attach to it
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  cpctl run bash
  cpctl run -d --name web --cwd ~/site -e PORT=8080 -- npm run dev
  cpctl run --label team=infra --size 120x40 claude
  cpctl run --policy developer --allow 'Bash(make:*)' claude
  cpctl run -- sort < words          the end of the file is the end of its input

What is read from a file or pipe goes through the session's terminal: it is echoed with the
output, and control characters act as keys.

Exits with the command's own code (128+n for a signal), 0 when detached, 125 when cpctl itself
failed, 126 or 127 when the command could not be run; --result tells them apart.")]
pub(crate) struct Args {
    /// Do not attach: print the id and return
    #[arg(short, long, conflicts_with = "result")]
    pub(crate) detach: bool,
    /// A name, unique among the sessions that exist
    #[arg(long)]
    name: Option<String>,
    /// Directory to start in [default: this one]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Set an environment variable; without a value, take this process's own. Of these only what a terminal
    /// needs is taken by itself (PATH, HOME, LANG, `SSH_AUTH_SOCK` and the like), no key of an agent
    #[arg(short, long, value_name = "KEY=VALUE")]
    env: Vec<String>,
    /// Attach a label
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<Pair>,
    /// Size of the terminal [default: this terminal's, or 80x24]
    #[arg(long, value_name = "COLSxROWS", value_parser = parse::size)]
    size: Option<v1::TerminalSize>,
    /// Leave alone what the command leaves running, instead of ending it after 10 s
    #[arg(long)]
    keep: bool,
    /// The adapter that has the agent report its tool calls: claude, codex or generic; with none they are
    /// not judged [default: told from the command]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Ask in the agent's own dialog, instead of holding a call until it is decided
    #[arg(long)]
    agent_dialog: bool,
    /// Bind a policy to it before it starts; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Let it do this without being asked about, unless a policy asks or denies: a rule such as
    /// 'Bash(git log:*)', or one in JSON
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Nobody will be asked: deny what would be
    #[arg(long)]
    unattended: bool,
    /// Allow everything that no rule denies, without asking anybody; needs the role admin
    #[arg(long, conflicts_with = "unattended")]
    dangerous: bool,
    #[command(flatten)]
    attach: AttachFlags,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let flags = args.attach.clone();
    flags.begin_result()?;
    flags.recorded(Box::pin(create(args, context)).await)
}

async fn create(args: Args, context: &Context) -> Result<Exit, Failure> {
    let request = request(&args)?;
    let client = context.connect().await?;
    let created = match client.create_session_answer(request).await {
        Ok(created) => created,
        Err(error) => return could_not_run(in_flags(error, &args.allow), &args.attach),
    };
    for notice in &created.notices {
        output::note(&format!("cpctl: {}", codeplane_client::visible(notice)));
    }
    let session = created.session.unwrap_or_default();
    if session.state() == v1::SessionState::Failed {
        let step = text::state_of(&session);
        let message = codeplane_client::visible(&session.message).into_owned();
        output::note(&format!("cpctl: {}: {step}: {message}", text::called(&session)));
        args.attach.write_result("failed", Some(COULD_NOT_EXECUTE))?;
        return Ok(Exit::Code(COULD_NOT_EXECUTE));
    }
    if args.detach {
        output::line(text::short(&session.id))?;
        return Ok(Exit::Done);
    }
    let options = options(&session, &args, context);
    attach(client, options, session, &args).await
}

/// What a shell answers for a command that cannot be executed, and for one that is not there.
pub(super) const COULD_NOT_EXECUTE: u8 = 126;
const NOT_FOUND: u8 = 127;

async fn attach(
    client: Client,
    options: AttachOptions,
    session: v1::Session,
    args: &Args,
) -> Result<Exit, Failure> {
    let attachment = client.attach(options).await?;
    let plan = args.attach.plan(Role::Control, AtEnd::EndsInput);
    enter(client, attachment, &session, (plan, &args.attach)).await
}

fn options(session: &v1::Session, args: &Args, context: &Context) -> AttachOptions {
    let start = v1::output_from::From::Start(v1::LogStart {});
    AttachOptions {
        from: v1::OutputFrom { from: Some(start) },
        mode: v1::AttachMode::Control,
        // Asked for explicitly, the size stays until the terminal's changes.
        size: if args.size.is_some() { None } else { os::terminal_size() },
        queries: if output::is_terminal() && os::stdin_is_terminal() {
            Queries::AnsweredByClient
        } else {
            Queries::AnsweredByDaemon
        },
        rejoin: context.rejoin(),
        ..AttachOptions::session(&session.id)
    }
}

/// A command that is not there is no failure of ours, but of the command.
fn could_not_run(error: Error, flags: &AttachFlags) -> Result<Exit, Failure> {
    let Error::Invalid { reason, .. } = &error else { return Err(error.into()) };
    let code = match reason.as_str() {
        "COMMAND_NOT_FOUND" => NOT_FOUND,
        "COMMAND_NOT_EXECUTABLE" => COULD_NOT_EXECUTE,
        _ => return Err(error.into()),
    };
    output::failure(&error.into());
    flags.write_result("failed", Some(code))?;
    Ok(Exit::Code(code))
}

/// A rule that is none, by what was typed instead of by the field of the call.
fn in_flags(error: Error, allow: &[String]) -> Error {
    let Error::Invalid { reason, mut violations, mut message } = error else { return error };
    for violation in &mut violations {
        let number = violation.field.strip_prefix("allow[").and_then(|end| end.strip_suffix(']'));
        let rule = number.and_then(|number| allow.get(number.parse::<usize>().ok()?));
        if let Some(rule) = rule {
            violation.field = format!("--allow '{rule}'");
            let told = format!("'{rule}': ");
            if let Some(rest) = violation.description.strip_prefix(&told) {
                violation.description = rest.to_owned();
            }
            // It says the same with the names of fields.
            message.clear();
        }
    }
    Error::Invalid { reason, violations, message }
}

fn request(args: &Args) -> Result<v1::CreateSessionRequest, Failure> {
    Ok(v1::CreateSessionRequest {
        command: args.command.clone(),
        cwd: directory(args.cwd.as_deref())?,
        env: args.env.iter().map(|pair| variable(pair)).collect::<Result<_, _>>()?,
        client_env: client_env(),
        size: args.size.or_else(os::terminal_size),
        name: args.name.clone().unwrap_or_default(),
        labels: args.label.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
        parent: std::env::var("CODEPLANE_SESSION").unwrap_or_default(),
        keep: args.keep,
        provider: args.provider.clone().unwrap_or_default(),
        agent_dialog: args.agent_dialog,
        source: "cli".to_owned(),
        term: term(),
        policies: args.policy.clone(),
        allow: args.allow.clone(),
        unattended: args.unattended,
        dangerous: args.dangerous,
        ..Default::default()
    })
}

fn directory(cwd: Option<&Path>) -> Result<String, Failure> {
    let path = match cwd {
        Some(path) => std::path::absolute(path),
        None => std::env::current_dir(),
    };
    let path =
        path.map_err(Failure::system("cannot find the directory to start in: pass --cwd"))?;
    path.into_os_string().into_string().map_err(|path| {
        Failure::Usage(format!("the directory {} is not UTF-8: pass --cwd", path.display()))
    })
}

fn variable(pair: &str) -> Result<v1::EnvVar, Failure> {
    if let Some((name, value)) = pair.split_once('=') {
        return Ok(v1::EnvVar { name: name.to_owned(), value: value.to_owned() });
    }
    match std::env::var(pair) {
        Ok(value) => Ok(v1::EnvVar { name: pair.to_owned(), value }),
        Err(_) => Err(Failure::Usage(format!("{pair} is not set here: write {pair}=VALUE"))),
    }
}

/// All of this process's environment that is text; the daemon takes what its allow-list names.
fn client_env() -> Vec<v1::EnvVar> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some(v1::EnvVar { name: name.into_string().ok()?, value: value.into_string().ok()? })
    };
    // A name without a `=` before it cannot be set by anybody; bash's functions are not for agents.
    std::env::vars_os().filter_map(text).filter(|pair| !pair.name.is_empty()).collect()
}

/// The kind of this terminal, if there is one that can do anything.
fn term() -> String {
    let named = std::env::var("TERM").ok().filter(|term| !term.is_empty() && term != "dumb");
    named.filter(|_| os::stdin_is_terminal()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use codeplane_client::Violation;

    use super::*;

    #[test]
    fn a_rule_that_is_none_is_told_as_it_was_typed() {
        let error = Error::Invalid {
            reason: String::new(),
            violations: vec![Violation {
                field: "allow[1]".into(),
                description: "'bash(ls:*)': is it Bash(ls:*)?".into(),
            }],
            message: "invalid".into(),
        };

        let told = in_flags(error, &["Read".to_owned(), "bash(ls:*)".to_owned()]).to_string();

        assert!(told.contains("--allow 'bash(ls:*)': is it Bash(ls:*)?"), "{told}");
    }
}
