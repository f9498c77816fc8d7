//! From a request to its units.

use super::bash;
use super::facts::Questions;
use super::json::Value;
use super::limits;
use super::path::{absolute, looks_like_path};
use super::request::{Access, Analysis, Mention, Request, Shell, Subject, Unit, Wildcards};
use super::shorthand::FILE_TOOLS;
use super::url::{self, BareHosts};

/// Longest command that is looked at, in bytes.
pub(crate) const COMMAND_BYTES: usize = 64 * 1024;

/// Takes a request apart. Pure: what it needs to know of files it asks for.
#[must_use]
pub fn analyse(request: &Request) -> Analysis {
    let (mut units, malformed) = match units(request) {
        Ok(units) => (units, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    limits::hold_mentions(&mut units);
    let mut questions = questions(&units, request);
    limits::hold_questions(&mut questions, &mut units);
    Analysis { units, malformed, questions }
}

fn units(request: &Request) -> Result<Vec<Unit>, String> {
    let input = match &request.input {
        Some(Ok(input)) => input,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err("no input".to_owned()),
    };
    if let Some(flaw) = input.flaw() {
        return Err(flaw.to_owned());
    }
    if !matches!(input, Value::Map(_)) {
        return Err("the input is no object".to_owned());
    }
    if request.tool == "Bash" {
        let command = text(input, "command")?.ok_or("'command' is missing")?;
        if command.len() > COMMAND_BYTES {
            return Err(format!("a command of more than {COMMAND_BYTES} bytes"));
        }
        return Ok(bash::units(command, request));
    }
    if request.tool == "WebFetch" {
        let url = text(input, "url")?.ok_or("'url' is missing")?;
        return Ok(vec![web(url, request)]);
    }
    if let Some((_, field)) = FILE_TOOLS.iter().find(|(tool, _)| *tool == request.tool) {
        let path = match text(input, field)? {
            Some(path) => path,
            None if *field == "path" => request.cwd.as_deref().unwrap_or("."),
            None => return Err(format!("'{field}' is missing")),
        };
        return Ok(vec![file(path, request)]);
    }
    Ok(vec![whole(input, request)])
}

fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    match input.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| format!("'{name}' is no string")),
    }
}

fn unit(request: &Request, text: &str, subject: Subject) -> Unit {
    Unit {
        tool: request.tool.clone(),
        text: text.to_owned(),
        subject,
        from_shell: Shell::Outside,
        opaque: Vec::new(),
        mentions: Vec::new(),
        hosts: Vec::new(),
    }
}

fn file(path: &str, request: &Request) -> Unit {
    let access = match request.tool.as_str() {
        "Read" | "NotebookRead" => Access::Read,
        "Grep" | "Glob" | "LS" => Access::Search,
        _ => Access::Write,
    };
    let known = absolute(path, Some(request.base()), &request.home);
    let mut unit =
        unit(request, path, Subject::File { paths: known.into_iter().collect(), access });
    if absolute(path, request.known_cwd(), &request.home).is_none() {
        unit.opaque.push("a relative path, and no directory it starts from".to_owned());
    }
    unit
}

fn web(url: &str, request: &Request) -> Unit {
    let destination = url::destination(url);
    let mut unit = unit(request, url, Subject::Web(destination.clone()));
    unit.opaque.extend(destination.doubt.map(str::to_owned));
    unit.hosts.push(destination);
    unit
}

/// A tool of which only the name is known, and the paths and URLs among its strings.
fn whole(input: &Value, request: &Request) -> Unit {
    let mut unit = unit(request, &request.tool, Subject::Whole);
    for text in input.strings() {
        let path = text.strip_prefix("file://").unwrap_or(text);
        if looks_like_path(path) && !path.contains("://") {
            let path = absolute(path, Some(request.base()), &request.home);
            unit.mentions.extend(path.map(|path| Mention {
                path,
                globs: Vec::new(),
                bare: false,
                argument: false,
                wildcards: Wildcards::Shell,
            }));
        } else if text.contains("://") && !text.trim().contains(char::is_whitespace) {
            unit.hosts.extend(url::hosts_in(text.trim(), BareHosts::DoNotCount));
        }
    }
    unit
}

/// What makes a directory a repository without `.git`, as git finds it (`is_git_directory` in its
/// setup.c).
pub(crate) fn repository_parts(directory: &str) -> [String; 3] {
    let directory = directory.trim_end_matches('/');
    ["HEAD", "objects", "refs"].map(|name| format!("{directory}/{name}"))
}

fn questions(units: &[Unit], request: &Request) -> Questions {
    let mut questions = Questions::default();
    questions.paths.extend(request.workspace.clone());
    questions.paths.extend(request.cwd.clone());
    for unit in units {
        for mention in &unit.mentions {
            if mention.globs.is_empty() {
                questions.paths.push(mention.path.clone());
            } else if mention.wildcards == Wildcards::Shell {
                questions.globs.push(mention.path.clone());
            }
        }
        match &unit.subject {
            Subject::File { paths, .. } | Subject::ChangeDirectory { paths, .. } => {
                questions.paths.extend(paths.iter().cloned());
            }
            Subject::Command(command) => {
                questions.paths.extend(command.directories.iter().map(|(_, path)| path.clone()));
                let parts = command.repositories.iter().flat_map(|at| repository_parts(at));
                questions.paths.extend(parts);
                let below = command.below.iter().map(|below| below.directory.clone());
                questions.below.extend(below);
            }
            Subject::Web(_) | Subject::Whole => {}
        }
    }
    questions
}
