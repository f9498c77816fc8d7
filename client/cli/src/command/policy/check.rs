//! `cpctl policy lint`, `test`, `starter` and `help-rules`.

use codeplane_client::v1;

use super::PolicyFormat;
use crate::context::Context;
use crate::daemon_entry::{self, Finding, Problem};
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::policy_file::{self, PolicyText};

/// Look for rules that allow more than their words say, and for rules that change nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy lint -f team.yaml        needs no daemon
  cpctl policy lint team

Ends with 1 if anything is found, and with 2 if the file cannot be read.")]
pub(crate) struct LintArgs {
    /// The policy
    #[arg(required_unless_present = "file")]
    name: Option<String>,
    /// A file; - is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "name")]
    file: Option<String>,
    /// How it is written [default: as its name says, else yaml]
    #[arg(long = "format", value_name = "FORMAT", requires = "file")]
    written_in: Option<PolicyFormat>,
    #[command(flatten)]
    output: FormatArgs,
}

/// Read a policy file, try the examples of its rules and lint it; needs no daemon
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy test -f team.yaml

Ends with 1 if something is found, and with 2 if the file cannot be read as a policy or an example fails.")]
pub(crate) struct TestArgs {
    /// The file; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: String,
    /// How it is written [default: as its name says, else yaml]
    #[arg(long)]
    format: Option<PolicyFormat>,
}

/// List the policies that come with Codeplane, or print one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy starter
  cpctl policy starter developer > team.yaml")]
pub(crate) struct StarterArgs {
    /// The one to print
    name: Option<String>,
}

/// Say how rules are written: members, patterns, and which rule wins
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl policy help-rules | less")]
pub(crate) struct HelpRulesArgs {}

/// How rules are written, for people.
const RULES: &str = include_str!("../../../../../deploy/policies/rules.md");

pub(super) fn help_rules() -> Result<Exit, Failure> {
    output::text(RULES)?;
    Ok(Exit::Done)
}

/// None if it is about a policy of the daemon.
pub(super) fn lint_file(args: &LintArgs) -> Option<Result<Exit, Failure>> {
    let file = args.file.as_ref()?;
    Some(policy_file::read(file).and_then(|file| {
        match daemon_entry::check_policies(
            &file.text,
            args.written_in.map(PolicyFormat::word),
            &file.name,
        ) {
            Ok(checked) => tell(&file.name, &checked.findings, args.output.format),
            Err(problems) => Ok(told(&problems)),
        }
    }))
}

pub(super) async fn lint_policy(args: LintArgs, context: &Context) -> Result<Exit, Failure> {
    let name = args.name.unwrap_or_default();
    let client = context.connect().await?;
    let request = v1::LintPolicyRequest { policy: name.clone(), ..Default::default() };
    let findings: Vec<Finding> =
        client.lint_policy(request).await?.into_iter().map(Finding::from).collect();
    tell(&name, &findings, args.output.format)
}

pub(super) fn test(args: &TestArgs) -> Result<Exit, Failure> {
    let PolicyText { text, name } = policy_file::read(&args.file)?;
    let format = args.format.map(PolicyFormat::word);
    let checked = match daemon_entry::check_policies(&text, format, &name) {
        Ok(checked) => checked,
        Err(problems) => return Ok(told(&problems)),
    };
    for (policy, rules) in &checked.policies {
        let rules = if *rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") };
        output::line(&format!("{policy}: {rules}, every example holds"))?;
    }
    tell(&name, &checked.findings, Format::Table)
}

pub(super) fn starter(args: &StarterArgs) -> Result<Exit, Failure> {
    match &args.name {
        Some(name) => output::text(&daemon_entry::starter_policy(name)?.text)?,
        None => daemon_entry::starter_policies().iter().try_for_each(|(name, description)| {
            output::line(&format!("{name:<12} {description}"))
        })?,
    }
    Ok(Exit::Done)
}

/// One finding a line, as compilers tell warnings.
fn tell(file: &str, findings: &[Finding], format: Format) -> Result<Exit, Failure> {
    let exit = if findings.is_empty() { Exit::Done } else { Exit::No };
    let value = |found: &Finding| {
        let Finding { policy, rule, line, code, message } = found;
        serde_json::json!({
            "policy": policy, "rule": rule, "line": line, "code": code, "message": message,
        })
    };
    match format {
        Format::Table => {}
        Format::Json => {
            output::value(format, &findings.iter().map(value).collect())?;
            return Ok(exit);
        }
        Format::Jsonl => {
            findings.iter().try_for_each(|found| output::value(format, &value(found)))?;
            return Ok(exit);
        }
    }
    for Finding { policy, rule, line, code, message } in findings {
        let text = format!("{file}:{line}: {policy}/{rule}: {message} [{code}]");
        output::line(crate::text::printable(&text).to_string().as_str())?;
    }
    Ok(exit)
}

fn told(problems: &[Problem]) -> Exit {
    for Problem { place, message } in problems {
        output::note(&format!("{place}: {message}"));
    }
    Exit::Usage
}
