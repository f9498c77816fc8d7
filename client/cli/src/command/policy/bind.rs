//! `cpctl policy bind`, `unbind`, `delete`.

use std::path::PathBuf;

use codeplane_client::v1::policy_target::Target;
use codeplane_client::{Error, Violation, v1};

use super::show;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::parse::Pair;
use crate::{output, text};

/// Have sessions judged by a policy, those that run as well
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy bind read-only --default
  cpctl policy bind developer --workspace ~/site
  cpctl policy bind ci --label team=infra
  cpctl policy bind careful --session web

A session is judged by all policies that are bound to it, its labels, its workspace and every session: a deny of
any of them holds.")]
pub(crate) struct BindArgs {
    /// The policy
    name: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: FormatArgs,
}

/// Have sessions judged by a policy no more
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy unbind read-only --default
  cpctl policy unbind developer --workspace ~/site")]
pub(crate) struct UnbindArgs {
    /// The policy
    name: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// Delete a policy; its history stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy delete old
  cpctl policy delete old --force")]
pub(crate) struct DeleteArgs {
    /// The policy
    name: String,
    /// Unbind it first
    #[arg(long)]
    force: bool,
}

/// What a policy is bound to.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct TargetArgs {
    /// Every session
    #[arg(long)]
    default: bool,
    /// The sessions in a directory, beneath it, or in another worktree of its repository
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The sessions with a label
    #[arg(long, value_name = "KEY=VALUE")]
    label: Option<Pair>,
    /// One session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
}

impl TargetArgs {
    fn wire(self) -> Result<v1::PolicyTarget, Failure> {
        let target = match self {
            Self { workspace: Some(directory), .. } => {
                let path = std::path::absolute(&directory)
                    .map_err(Failure::system("cannot find the directory"))?;
                Target::Workspace(path.into_os_string().into_string().map_err(|path| {
                    Failure::Usage(format!("the directory {} is not UTF-8", path.display()))
                })?)
            }
            Self { label: Some(Pair { key, value }), .. } => {
                Target::Label(v1::PolicyLabelTarget { key, value })
            }
            Self { session: Some(session), .. } => Target::Session(session),
            Self { default: _, workspace: None, label: None, session: None } => {
                Target::Default(v1::PolicyDefaultTarget {})
            }
        };
        Ok(v1::PolicyTarget { target: Some(target) })
    }
}

pub(super) async fn bind(args: BindArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Some(args.target.wire()?);
    let client = context.connect().await?;
    let request = v1::BindPolicyRequest { policy: args.name, target, ..Default::default() };
    let binding = client.bind_policy(request).await.map_err(in_flags)?;
    match args.output.format {
        Format::Table => {
            let target = show::target(binding.target.as_ref());
            output::line(&format!("{} judges {target}", text::printable(&binding.policy)))?;
        }
        format => output::message(format, "PolicyBinding", &binding)?,
    }
    Ok(Exit::Done)
}

pub(super) async fn unbind(args: UnbindArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Some(args.target.wire()?);
    let client = context.connect().await?;
    let (policy, from) = (text::printable(&args.name), show::target(target.as_ref()));
    let request = v1::UnbindPolicyRequest { policy: args.name, target, ..Default::default() };
    client.unbind_policy(request).await.map_err(in_flags)?;
    output::line(&format!("{policy} judges {from} no more"))?;
    Ok(Exit::Done)
}

pub(super) async fn delete(args: DeleteArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let policy = text::printable(&args.name);
    let request =
        v1::DeletePolicyRequest { policy: args.name, force: args.force, ..Default::default() };
    client.delete_policy(request).await?;
    output::line(&format!("{policy} deleted: cpctl policy rollback {policy} brings it back"))?;
    Ok(Exit::Done)
}

/// A target that is none, by the option it was given with.
fn in_flags(error: Error) -> Failure {
    let Error::Invalid { violations, .. } = &error else { return error.into() };
    let [Violation { field, description }] = violations.as_slice() else { return error.into() };
    match field.strip_prefix("target.") {
        Some(option) => Failure::Usage(format!("--{option}: {description}")),
        None => error.into(),
    }
}
