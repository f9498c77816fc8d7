//! `cpctl policy apply` and `rollback`.

use codeplane_client::v1;

use super::{PolicyFormat, Would, applied_line, told};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::policy_file::{self, PolicyText};
use crate::text;
use crate::{daemon_entry, output};

/// Make every policy of a file the newest revision of its name: all of them or none
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy apply -f team.yaml
  cpctl policy apply -f - < generated.json
  cpctl policy apply -f team.yaml --dry-run
  cpctl policy apply --starter developer

The file must be yours or root's, no symbolic link, and writable by nobody else. What is wrong with it is told
as FILE:LINE:COLUMN, and nothing is applied. Nobody is judged by a policy before it is bound: see
cpctl policy bind.")]
pub(crate) struct Args {
    /// The file; - is standard input
    #[arg(short, long, value_name = "FILE", required_unless_present = "starter")]
    file: Option<String>,
    /// Apply a policy that comes with Codeplane: see cpctl policy starter
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    starter: Option<String>,
    /// How it is written [default: as its name says, else yaml]
    #[arg(long = "format", value_name = "FORMAT")]
    written_in: Option<PolicyFormat>,
    /// Check everything and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for the history
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    output: FormatArgs,
}

/// Go back to an older revision: it becomes the newest one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy rollback team
  cpctl policy rollback team 3 --note 'too strict'")]
pub(crate) struct RollbackArgs {
    /// The policy; also one that was deleted
    name: String,
    /// The revision to go back to [default: the one before the newest]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
    /// Why, for the history
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let PolicyText { text, name } = match (&args.file, &args.starter) {
        (Some(file), _) => policy_file::read(file)?,
        (None, Some(name)) => daemon_entry::starter_policy(name)?,
        (None, None) => return Err(Failure::Usage("name a file with -f".to_owned())),
    };
    let request = v1::ApplyPoliciesRequest {
        text,
        format: args.written_in.map(|format| format.wire().into()).unwrap_or_default(),
        file_name: name,
        dry_run: args.dry_run,
        note: args.note,
        ..Default::default()
    };
    let client = context.connect().await?;
    let applied = match client.apply_policies(request).await {
        Ok(applied) => applied,
        Err(error) => return told(error),
    };
    let would = if args.dry_run { Would::BeDone } else { Would::WasDone };
    match args.output.format {
        Format::Table => tell(&applied, would)?,
        format => output::message(format, "ApplyPoliciesResponse", &applied)?,
    }
    Ok(Exit::Done)
}

fn tell(applied: &v1::ApplyPoliciesResponse, would: Would) -> Result<(), Failure> {
    for policy in &applied.policies {
        output::line(&applied_line(policy, would))?;
    }
    // That a rule has no examples is for who asks lint: it would be told after each change.
    let named = applied.findings.iter().filter(|found| found.code != "no-examples");
    let mut policies: Vec<&str> = named.map(|found| found.policy.as_str()).collect();
    policies.dedup();
    for name in policies {
        let name = text::printable(name);
        output::note(&format!(
            "cpctl: rules of {name} are worth a second look: cpctl policy lint {name}"
        ));
    }
    Ok(())
}

pub(super) async fn roll_back(args: RollbackArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request = v1::RollbackPolicyRequest {
        policy: args.name,
        revision: args.revision.unwrap_or_default(),
        note: args.note,
        ..Default::default()
    };
    let applied = client.rollback_policy(request).await?;
    match args.output.format {
        Format::Table => output::line(&applied_line(&applied, Would::WasDone))?,
        format => output::message(format, "AppliedPolicy", &applied)?,
    }
    Ok(Exit::Done)
}
