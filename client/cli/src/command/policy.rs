//! `cpctl policy`.

mod apply;
mod bind;
mod check;
mod diff;
mod edit;
mod show;
mod simulate;

use codeplane_client::{Error, Violation};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{output, text};

/// Say what agents may do: rules, and whom they judge
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Apply(apply::Args),
    Get(show::GetArgs),
    Ls(show::LsArgs),
    Edit(edit::Args),
    Delete(bind::DeleteArgs),
    Bind(bind::BindArgs),
    Unbind(bind::UnbindArgs),
    Bindings(show::BindingsArgs),
    History(show::HistoryArgs),
    Rollback(apply::RollbackArgs),
    Diff(diff::Args),
    Lint(check::LintArgs),
    Test(check::TestArgs),
    Starter(check::StarterArgs),
    Simulate(simulate::Args),
    HelpRules(check::HelpRulesArgs),
}

/// Carries out what needs no daemon; none if it needs one.
pub(crate) fn without_daemon(args: &Args) -> Option<Result<Exit, Failure>> {
    match &args.verb {
        Verb::Simulate(args) => Some(simulate::run(args)),
        Verb::Test(args) => Some(check::test(args)),
        Verb::Starter(args) => Some(check::starter(args)),
        Verb::HelpRules(check::HelpRulesArgs {}) => Some(check::help_rules()),
        Verb::Lint(args) => check::lint_file(args),
        Verb::Apply(_)
        | Verb::Get(_)
        | Verb::Ls(_)
        | Verb::Edit(_)
        | Verb::Delete(_)
        | Verb::Bind(_)
        | Verb::Unbind(_)
        | Verb::Bindings(_)
        | Verb::History(_)
        | Verb::Rollback(_)
        | Verb::Diff(_) => None,
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Apply(args) => apply::run(args, context).await,
        Verb::Get(args) => show::get(args, context).await,
        Verb::Ls(args) => show::ls(args, context).await,
        Verb::Edit(args) => edit::run(args, context).await,
        Verb::Delete(args) => bind::delete(args, context).await,
        Verb::Bind(args) => bind::bind(args, context).await,
        Verb::Unbind(args) => bind::unbind(args, context).await,
        Verb::Bindings(args) => show::bindings(args, context).await,
        Verb::History(args) => show::history(args, context).await,
        Verb::Rollback(args) => apply::roll_back(args, context).await,
        Verb::Diff(args) => diff::run(args, context).await,
        Verb::Lint(args) => check::lint_policy(args, context).await,
        Verb::Test(args) => check::test(&args),
        Verb::Starter(args) => check::starter(&args),
        Verb::HelpRules(check::HelpRulesArgs {}) => check::help_rules(),
        Verb::Simulate(args) => simulate::run(&args),
    }
}

/// The problems of a file, one a line as compilers tell them; none if the error is another one.
fn problems(error: &Error) -> Option<&[Violation]> {
    match error {
        Error::Invalid { violations, .. } if violations.iter().any(is_place) => Some(violations),
        _ => None,
    }
}

/// Whether a field is `FILE:LINE:COLUMN`.
fn is_place(violation: &Violation) -> bool {
    let mut parts = violation.field.rsplitn(3, ':');
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some()
}

/// Tells what is wrong with a file, or hands the error on.
fn told(error: Error) -> Result<Exit, Failure> {
    let Some(problems) = problems(&error) else { return Err(error.into()) };
    for Violation { field, description } in problems {
        output::note(&format!("{field}: {description}"));
    }
    Ok(Exit::Usage)
}

/// How a policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PolicyFormat {
    /// YAML; several documents are divided by `---`.
    Yaml,
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

impl PolicyFormat {
    const fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Json => "json",
        }
    }

    const fn wire(self) -> codeplane_client::v1::PolicyFormat {
        match self {
            Self::Yaml => codeplane_client::v1::PolicyFormat::Yaml,
            Self::Toml => codeplane_client::v1::PolicyFormat::Toml,
            Self::Json => codeplane_client::v1::PolicyFormat::Json,
        }
    }
}

/// `name is at revision 3: changed`.
fn applied_line(applied: &codeplane_client::v1::AppliedPolicy, would: Would) -> String {
    use codeplane_client::v1::PolicyChange;
    let policy = applied.policy.clone().unwrap_or_default();
    let did = match applied.change() {
        PolicyChange::Created => "created",
        PolicyChange::Changed => "changed",
        PolicyChange::Unchanged | PolicyChange::Unspecified => "unchanged",
    };
    let mode = match would {
        Would::BeDone => " (dry run)",
        Would::WasDone => "",
    };
    format!("{} revision {} {did}{mode}", text::printable(&policy.name), policy.revision)
}

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Would {
    BeDone,
    WasDone,
}
