//! `cpctl policy edit`.

use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use codeplane_client::{Client, Violation, v1};

use super::{Would, applied_line, problems};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{output, text};

/// How the lines begin that tell what is wrong; they are taken out again.
const MARK: &str = "#! ";

/// Edit a policy in $VISUAL or $EDITOR and apply it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy edit team
  EDITOR=nano cpctl policy edit team --note 'allow make'

If something is wrong with it, the editor opens again and tells what; if it leaves that as it is, or there is no
terminal, the problems are printed, the text is kept and cpctl ends with 2. Nothing is applied if nothing was
changed, or if somebody else has changed the policy meanwhile.")]
pub(crate) struct Args {
    /// The policy
    name: String,
    /// Why, for the history
    #[arg(long, default_value = "")]
    note: String,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let policy = client.get_policy(&args.name, 0).await?;
    let draft = Draft::new(&policy)?;
    draft.write(&policy.text)?;
    let mut refused: Option<(String, Vec<Violation>)> = None;
    loop {
        edit(&draft.path)?;
        let text = without_marks(&draft.read()?);
        if text == policy.text {
            output::note("cpctl: nothing was changed, nothing is applied");
            return Ok(Exit::Done);
        }
        // An editor that changes nothing more would be run for ever.
        if let Some((_, problems)) = refused.take_if(|(before, _)| *before == text) {
            return draft.give_up(&text, &problems);
        }
        match apply(&client, &policy, &text, &args.note).await {
            Ok(applied) => {
                output::line(&applied_line(&applied, Would::WasDone))?;
                return Ok(Exit::Done);
            }
            Err(error) => {
                let Some(problems) = problems(&error) else {
                    draft.keep(&text)?;
                    return Err(error.into());
                };
                // Without a person nobody reads what is wrong and writes it anew.
                if !std::io::stdin().is_terminal() {
                    return draft.give_up(&text, problems);
                }
                draft.write(&with_marks(&text, problems))?;
                refused = Some((text, problems.to_vec()));
            }
        }
    }
}

async fn apply(
    client: &Client,
    policy: &v1::Policy,
    text: &str,
    note: &str,
) -> Result<v1::AppliedPolicy, codeplane_client::Error> {
    let request = v1::ApplyPoliciesRequest {
        text: text.to_owned(),
        format: policy.format,
        file_name: policy.name.clone(),
        note: note.to_owned(),
        etags: [(policy.name.clone(), policy.etag.clone())].into(),
        ..Default::default()
    };
    let applied = client.apply_policies(request).await?;
    Ok(applied.policies.into_iter().next().unwrap_or_default())
}

/// The problems above the text, with the lines as they are counted below them.
fn with_marks(text: &str, problems: &[Violation]) -> String {
    let lines = problems.iter().map(|Violation { field, description }| {
        let line = format!("{}: {description}", moved(field, problems.len()));
        format!("{MARK}{}\n", text::printable(&line))
    });
    format!("{}{text}", lines.collect::<String>())
}

/// A place `FILE:LINE:COLUMN`, so many lines further down.
fn moved(place: &str, lines: usize) -> String {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    match (file, line.and_then(|line| line.parse::<usize>().ok()), column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{}:{column}", line + lines),
        _ => place.to_owned(),
    }
}

fn without_marks(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(MARK)).collect()
}

/// Runs the editor; it has this terminal.
fn edit(path: &Path) -> Result<(), Failure> {
    let given = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = given.into_iter().find(|editor| !editor.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program)
        .args(words)
        .arg(path)
        .status()
        .map_err(Failure::system(format!("cannot run the editor {program}: set EDITOR")))?;
    if ended.success() {
        return Ok(());
    }
    Err(Failure::Usage(format!("the editor {program} failed ({ended}): nothing is applied")))
}

/// A file of one's own that is removed in the end, unless it is kept.
struct Draft {
    path: PathBuf,
    kept: std::cell::Cell<bool>,
}

impl Draft {
    fn new(policy: &v1::Policy) -> Result<Self, Failure> {
        let ending = match policy.format() {
            v1::PolicyFormat::Toml => "toml",
            v1::PolicyFormat::Json => "json",
            v1::PolicyFormat::Yaml | v1::PolicyFormat::Unspecified => "yaml",
        };
        let number = std::process::id();
        let name = format!("cpctl-{}-{number}.{ending}", policy.name);
        let path = std::env::temp_dir().join(name);
        // Never over what is there: others can write in that directory.
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(Failure::system(format!("cannot make {}", path.display())))?;
        Ok(Self { path, kept: std::cell::Cell::new(false) })
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&self.path)
            .map_err(self.cannot("write"))?;
        file.write_all(text.as_bytes()).map_err(self.cannot("write"))
    }

    fn read(&self) -> Result<String, Failure> {
        fs::read_to_string(&self.path).map_err(self.cannot("read"))
    }

    fn cannot(&self, what: &str) -> impl FnOnce(std::io::Error) -> Failure {
        Failure::system(format!("cannot {what} {}", self.path.display()))
    }

    /// Keeps what was written, without what was told above it.
    fn keep(&self, text: &str) -> Result<(), Failure> {
        self.write(text)?;
        self.kept.set(true);
        output::note(&format!("cpctl: not applied; what you wrote is in {}", self.path.display()));
        Ok(())
    }

    /// Tells what is wrong and keeps what was written.
    fn give_up(&self, text: &str, problems: &[Violation]) -> Result<Exit, Failure> {
        for Violation { field, description } in problems {
            output::note(&format!("{field}: {description}"));
        }
        self.keep(text)?;
        Ok(Exit::Usage)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept.get() {
            // An editor may have put another file in its place, or taken it away.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_above_a_text_is_taken_out_again() {
        let violation =
            Violation { field: "team:3:1".to_owned(), description: "what is this".to_owned() };
        let text = "# mine\nname: team\n";

        let shown = with_marks(text, &[violation]);

        // The editor counts the line that tells it.
        assert_eq!(shown, "#! team:4:1: what is this\n# mine\nname: team\n");
        assert_eq!(without_marks(&shown), text);
    }
}
