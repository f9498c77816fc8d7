//! `cpctl policy get`, `ls`, `history`, `bindings`.

use codeplane_client::{Client, v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::table::Table;
use crate::{output, text};

/// Show a policy as it was written
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy get team
  cpctl policy get team --revision 3 > old.yaml
  cpctl policy get team -o json | jq '.document | fromjson'")]
pub(crate) struct GetArgs {
    /// The policy
    name: String,
    /// One of its revisions [default: the newest]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
    #[command(flatten)]
    output: FormatArgs,
}

/// List policies
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "Examples:
  cpctl policy ls
  cpctl policy ls -o json | jq -r '.[].name'"
)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    output: FormatArgs,
}

/// List what a policy was, newest first; also of one that was deleted
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy history team")]
pub(crate) struct HistoryArgs {
    /// The policy
    name: String,
    #[command(flatten)]
    output: FormatArgs,
}

/// List what policies are bound to
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy bindings
  cpctl policy bindings team")]
pub(crate) struct BindingsArgs {
    /// Only this policy
    name: Option<String>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn get(args: GetArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let policy = client.get_policy(&args.name, args.revision.unwrap_or_default()).await?;
    match args.output.format {
        // To a file byte for byte; to a person without what acts on a terminal.
        Format::Table if output::is_terminal() => policy
            .text
            .lines()
            .try_for_each(|line| output::line(&visible(&line.replace('\t', "    "))))?,
        Format::Table => output::text(&policy.text)?,
        format => output::message(format, "Policy", &policy)?,
    }
    Ok(Exit::Done)
}

pub(super) async fn ls(args: LsArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let policies = client.all_policies().await?;
    match args.output.format {
        Format::Table => listed(&policies, Timestamp::now()).print()?,
        format => output::messages(format, "Policy", &policies)?,
    }
    Ok(Exit::Done)
}

fn listed(policies: &[v1::Policy], now: Timestamp) -> Table {
    let heading =
        vec!["NAME", "REVISION", "RULES", "DEFAULT", "BOUND", "CHANGED", "BY", "DESCRIPTION"];
    let mut table = Table::new(heading, 7);
    for policy in policies {
        table.row(vec![
            visible(&policy.name).into_owned(),
            policy.revision.to_string(),
            policy.rule_count.to_string(),
            effect(policy.default_effect()).to_owned(),
            policy.binding_count.to_string(),
            text::ago(policy.revise_time, now),
            visible(&policy.principal).into_owned(),
            visible(&policy.description).into_owned(),
        ]);
    }
    table
}

pub(super) const fn effect(effect: v1::PolicyEffect) -> &'static str {
    match effect {
        v1::PolicyEffect::Unspecified => "unknown",
        v1::PolicyEffect::Allow => "allow",
        v1::PolicyEffect::Ask => "ask",
        v1::PolicyEffect::Deny => "deny",
    }
}

pub(super) async fn history(args: HistoryArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let revisions = revisions(&client, &args.name).await?;
    match args.output.format {
        Format::Table => past(&revisions, Timestamp::now()).print()?,
        format => output::messages(format, "Policy", &revisions)?,
    }
    Ok(Exit::Done)
}

async fn revisions(client: &Client, name: &str) -> Result<Vec<v1::Policy>, Failure> {
    let mut all = Vec::new();
    let mut request = v1::ListPolicyRevisionsRequest {
        policy: name.to_owned(),
        page_size: 1000,
        page_token: String::new(),
    };
    loop {
        let page = client.list_policy_revisions(request.clone()).await?;
        all.extend(page.revisions);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.page_token = page.next_page_token;
    }
}

fn past(revisions: &[v1::Policy], now: Timestamp) -> Table {
    let mut table = Table::new(vec!["REVISION", "RULES", "CHANGED", "BY", "SHA256", "NOTE"], 5);
    for revision in revisions {
        table.row(vec![
            revision.revision.to_string(),
            revision.rule_count.to_string(),
            text::ago(revision.revise_time, now),
            visible(&revision.principal).into_owned(),
            text::short(&revision.sha256).to_owned(),
            visible(&revision.note).into_owned(),
        ]);
    }
    table
}

pub(super) async fn bindings(args: BindingsArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let bindings = client.all_policy_bindings(&args.name.unwrap_or_default()).await?;
    match args.output.format {
        Format::Table => bound(&bindings, Timestamp::now()).print()?,
        format => output::messages(format, "PolicyBinding", &bindings)?,
    }
    Ok(Exit::Done)
}

fn bound(bindings: &[v1::PolicyBinding], now: Timestamp) -> Table {
    let mut table = Table::new(vec!["POLICY", "TARGET", "BOUND", "BY"], 1);
    for binding in bindings {
        table.row(vec![
            visible(&binding.policy).into_owned(),
            target(binding.target.as_ref()),
            text::ago(binding.bind_time, now),
            visible(&binding.principal).into_owned(),
        ]);
    }
    table
}

/// What a policy is bound to, in words.
pub(super) fn target(target: Option<&v1::PolicyTarget>) -> String {
    use v1::policy_target::Target;
    match target.and_then(|target| target.target.as_ref()) {
        Some(Target::Default(_)) => "every session".to_owned(),
        Some(Target::Workspace(directory)) => {
            format!("workspace {}", visible(text::workspace(directory)))
        }
        Some(Target::Label(label)) => {
            format!("label {}={}", visible(&label.key), visible(&label.value))
        }
        Some(Target::Session(id)) => format!("session {}", visible(text::short(id))),
        None => "nothing".to_owned(),
    }
}
