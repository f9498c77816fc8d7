//! `cpctl approvals allow`.

use std::io::Read;

use codeplane_client::{Client, v1};
use v1::decide_approval_request::Answer;

use super::decide::decide;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::select::settle;
use crate::text;

/// Allow what is asked
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl approvals allow 3f2a
  cpctl approvals allow 3f2a --grant session
  cpctl approvals allow 3f2a --grant workspace --pattern 'Bash(git push:*)'
  cpctl approvals allow 3f2a --input '{\"command\": \"git push --dry-run\"}'

What may be granted is in 'cpctl approvals show'. Other input is judged again.")]
pub(crate) struct Args {
    /// Ids, or beginnings of ids
    #[arg(value_name = "APPROVAL", required = true)]
    approvals: Vec<String>,
    /// Remember the answer, for this session or for every session in this workspace
    #[arg(long, value_name = "SCOPE")]
    grant: Option<Scope>,
    /// Remember it for all that this pattern matches, not only for this request; once for each part
    #[arg(long, value_name = "PATTERN", requires = "grant")]
    pattern: Vec<String>,
    /// Allow it with this input instead: JSON, or @FILE (@- for standard input)
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "grant")]
    input: Option<String>,
    /// Allow it only if this is the hash of its request
    #[arg(long, value_name = "SHA256")]
    hash: Option<String>,
}

/// How far an answer is remembered.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Scope {
    Session,
    Workspace,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let is_about_one = !args.pattern.is_empty() || args.input.is_some() || args.hash.is_some();
    if is_about_one && args.approvals.len() > 1 {
        let why = "--pattern, --input and --hash are for one approval: name one";
        return Err(Failure::Usage(why.to_owned()));
    }
    let scope = match args.grant {
        None => v1::GrantScope::Unspecified,
        Some(Scope::Session) => v1::GrantScope::Session,
        Some(Scope::Workspace) => v1::GrantScope::Workspace,
    };
    let answer = v1::AllowAnswer {
        updated_input: args.input.as_deref().map(read_input).transpose()?.unwrap_or_default(),
        grant_scope: scope.into(),
        grant_patterns: args.pattern,
    };
    let client = context.connect().await?;
    let mut results = Vec::new();
    for id in args.approvals {
        results.push(allow(&client, &id, args.hash.clone(), answer.clone()).await);
    }
    Ok(settle(results))
}

async fn allow(
    client: &Client,
    id: &str,
    hash: Option<String>,
    answer: v1::AllowAnswer,
) -> Result<(), Failure> {
    let approval = client.get_approval(id).await?;
    let waits = approval.state() == v1::ApprovalState::Pending;
    // Leave to go on would answer nothing.
    let is_question = approval.kind() == v1::ApprovalKind::Question;
    if waits && is_question && answer.updated_input.is_empty() {
        let id = text::short(&approval.id);
        let why = format!("{id} is a question: answer it with 'cpctl approvals answer {id} …'");
        return Err(Failure::Usage(why));
    }
    if let Some(strange) = answer.grant_patterns.iter().find(|one| !offers(&approval, one)) {
        return Err(Failure::Usage(not_offered(&approval, strange)));
    }
    decide(client, approval, hash, Answer::Allow(answer)).await
}

fn offers(approval: &v1::Approval, pattern: &String) -> bool {
    approval.grant_patterns.contains(pattern)
}

fn not_offered(approval: &v1::Approval, pattern: &str) -> String {
    let offered: Vec<_> =
        approval.grant_patterns.iter().map(|one| format!("'{}'", text::printable(one))).collect();
    let offered = match &offered[..] {
        [] => "only this exact request can be granted: leave --pattern out".to_owned(),
        [_, ..] => format!("{} can be granted", offered.join(", ")),
    };
    format!("--pattern '{}' was not offered: {offered}", text::printable(pattern))
}

/// The text of the input, which is JSON.
fn read_input(named: &str) -> Result<String, Failure> {
    let input = match named.strip_prefix('@') {
        None => named.to_owned(),
        Some("-") => {
            let mut input = String::new();
            let read = std::io::stdin().read_to_string(&mut input);
            read.map_err(Failure::system("cannot read standard input"))?;
            input
        }
        Some(path) => {
            let cannot = format!("cannot read '{}'", text::printable(path));
            std::fs::read_to_string(path).map_err(Failure::system(cannot))?
        }
    };
    check_input(&input).map_err(|why| Failure::Usage(format!("--input {why}")))?;
    Ok(input)
}

/// Whether it can be a tool's input; else why not.
pub(super) fn check_input(input: &str) -> Result<(), String> {
    match serde_json::from_str::<serde_json::Value>(input) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err("is not a JSON object: write {\"name\": value, …}".to_owned()),
        Err(error) => Err(format!("is not JSON ({error}): write {{\"name\": value, …}}")),
    }
}
