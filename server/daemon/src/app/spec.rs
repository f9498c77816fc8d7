//! What a client asks for, checked; and the environment its program gets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use codeplane_core::{Labels, SessionId, SessionName, TerminalSize, Violations};

use super::create::Create;
use super::error::Error;
use super::policy::own_rule;
use crate::config::SessionsConfig;

/// Most bytes of all arguments, and of the whole environment: the kernel takes more, but no
/// person writes more, and each is held in memory several times while a session starts.
const STRINGS_BYTES: usize = 128 << 10;

/// Longest name of what creates a session, or of a kind of terminal.
const WORD_BYTES: usize = 64;

/// Most policies bound to one session when it is created.
const POLICIES: usize = 64;
/// Most rules of a session's own, and the longest in bytes.
const ALLOW_RULES: usize = 256;
const ALLOW_BYTES: usize = 4096;

/// Where programs are looked up when nobody says.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A request that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) command: Vec<String>,
    pub(super) cwd: PathBuf,
    pub(super) env: Vec<(String, String)>,
    pub(super) size: TerminalSize,
    pub(super) name: Option<SessionName>,
    pub(super) labels: Labels,
}

impl Spec {
    /// The value of a variable.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        lookup(&self.env, name)
    }

    /// Sets a variable, whatever it was.
    pub(super) fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(key, _)| key != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }
}

/// Checks everything there is to check before anything is made.
///
/// # Errors
/// All violations at once; [`Error::CannotRun`] among them if the program is not there.
pub(super) fn check(
    create: &Create,
    id: SessionId,
    config: &SessionsConfig,
    own_env: &[(String, String)],
) -> Result<Spec, Error> {
    let mut violations = Violations::none();
    check_strings(create, &mut violations);
    let env = environment(create, id, config, own_env);
    let bytes: usize = env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    if bytes > STRINGS_BYTES {
        violations
            .add("env", format!("the environment has {bytes} bytes: at most {STRINGS_BYTES}"));
    }
    let cwd = violations.check("cwd", directory(create.cwd.as_deref(), &env));
    let (cols, rows) = create.size;
    let size = violations.check("size", TerminalSize::new(cols, rows));
    let name = match create.name.as_deref() {
        None | Some("") => Some(None),
        Some(name) => violations.check("name", SessionName::new(name)).map(Some),
    };
    let labels = match Labels::new(create.labels.clone()) {
        Ok(labels) => Some(labels),
        Err(bad) => {
            for violation in bad.as_slice() {
                violations.add(violation.field.clone(), &violation.description);
            }
            None
        }
    };
    let missing = match (create.command.first(), &cwd) {
        (Some(program), Some(cwd)) if !program.is_empty() && !program.contains('\0') => {
            find_program(program, cwd, &env).err()
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    if let Some(missing) = missing {
        violations.add("command[0]", &missing);
        return Err(Error::CannotRun { missing, violations });
    }
    match (cwd, size, name, labels) {
        (Some(cwd), Some(size), Some(name), Some(labels)) if violations.is_empty() => {
            Ok(Spec { command: create.command.clone(), cwd, env, size, name, labels })
        }
        _ => Err(Error::Invalid(violations)),
    }
}

fn check_strings(create: &Create, violations: &mut Violations) {
    check_command(&create.command, violations);
    check_env(&create.env, "env", violations);
    check_env(&create.client_env, "client_env", violations);
    check_word(create.source.as_deref(), "source", violations);
    check_word(create.term.as_deref(), "term", violations);
    if create.policies.len() > POLICIES {
        violations.add("policies", format!("at most {POLICIES}"));
    }
    check_allow(&create.allow, violations);
}

fn check_allow(allow: &[String], violations: &mut Violations) {
    if allow.len() > ALLOW_RULES {
        violations.add("allow", format!("at most {ALLOW_RULES} rules: put them in a policy"));
        return;
    }
    for (i, rule) in allow.iter().enumerate() {
        let field = format!("allow[{i}]");
        if rule.len() > ALLOW_BYTES {
            violations.add(field, format!("has {} bytes: at most {ALLOW_BYTES}", rule.len()));
        } else {
            violations.check(field, own_rule(rule));
        }
    }
}

fn check_command(command: &[String], violations: &mut Violations) {
    match command.first() {
        None => violations.add("command", "must name a program"),
        Some(program) if program.is_empty() => violations.add("command[0]", "must name a program"),
        Some(_) => {}
    }
    for (i, argument) in command.iter().enumerate() {
        if argument.contains('\0') {
            violations.add(format!("command[{i}]"), "must not contain NUL");
        }
    }
    let bytes: usize = command.iter().map(|argument| argument.len() + 1).sum();
    if bytes > STRINGS_BYTES {
        violations.add("command", format!("has {bytes} bytes: at most {STRINGS_BYTES}"));
    }
}

fn check_env(env: &[(String, String)], field: &str, violations: &mut Violations) {
    for (i, (name, value)) in env.iter().enumerate() {
        if name.is_empty() || name.contains(['=', '\0']) {
            violations.add(format!("{field}[{i}].name"), "must not be empty or contain '=' or NUL");
        }
        if value.contains('\0') {
            violations.add(format!("{field}[{i}].value"), "must not contain NUL");
        }
    }
}

/// Something that is printed as it is and says what it is: the name of a program, of a terminal.
fn check_word(word: Option<&str>, field: &str, violations: &mut Violations) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/:@".contains(&byte);
    if word.is_some_and(|word| word.len() > WORD_BYTES || !word.bytes().all(fits)) {
        violations.add(field, "must be at most 64 ASCII letters, digits and '-_.+/:@'");
    }
}

/// What the program gets: the allow-listed part of the client's environment (or the daemon's, if
/// the client sent none), what every session has, and above all what was asked for explicitly.
fn environment(
    create: &Create,
    id: SessionId,
    config: &SessionsConfig,
    own_env: &[(String, String)],
) -> Vec<(String, String)> {
    let inherited = if create.client_env.is_empty() { own_env } else { &create.client_env };
    let mut env: BTreeMap<&str, String> = inherited
        .iter()
        .filter(|(name, _)| config.env_allow.iter().any(|pattern| allows(pattern, name)))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    env.entry("PATH").or_insert_with(|| DEFAULT_PATH.to_owned());
    // What the emulator behind GetScreen understands; fixed, so that a session looks the same to
    // whoever attaches.
    env.insert("TERM", create.term.clone().unwrap_or_else(|| "xterm-256color".to_owned()));
    env.insert("COLORTERM", "truecolor".to_owned());
    env.extend(create.env.iter().map(|(name, value)| (name.as_str(), value.clone())));
    // Not to be forged: nothing inside a session starts a daemon.
    env.insert("CODEPLANE_SESSION", id.to_string());
    env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `LC_*` allows every name that begins with `LC_`.
fn allows(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

fn directory(cwd: Option<&str>, env: &[(String, String)]) -> Result<PathBuf, String> {
    let path = match cwd {
        None | Some("") => PathBuf::from(lookup(env, "HOME").unwrap_or("/")),
        Some(path) => PathBuf::from(path),
    };
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err("must not contain NUL".to_owned());
    }
    if !path.is_absolute() {
        return Err(format!("{} is not an absolute path", path.display()));
    }
    match fs::metadata(&path) {
        Ok(facts) if facts.is_dir() => Ok(path),
        Ok(_) => Err(format!("{} is not a directory", path.display())),
        Err(error) => Err(format!("{}: {}", path.display(), plain(&error))),
    }
}

/// The program is not there or cannot be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// What a shell answers with 127.
    #[error("no program '{0}' in the session's PATH: give a path or set PATH with env")]
    NotFound(String),
    /// What a shell answers with 126.
    #[error("'{0}' is not executable: run chmod +x on it or name an interpreter")]
    NotExecutable(String),
}

fn find_program(program: &str, cwd: &Path, env: &[(String, String)]) -> Result<(), Missing> {
    let shown = program.escape_debug().to_string();
    let paths = lookup(env, "PATH").unwrap_or(DEFAULT_PATH);
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![cwd.join(program)]
    } else {
        paths.split(':').map(|dir| cwd.join(dir).join(program)).collect()
    };
    let mut found = false;
    for candidate in candidates {
        match fs::metadata(&candidate) {
            Ok(facts) if facts.is_file() && facts.permissions().mode() & 0o111 != 0 => {
                return Ok(());
            }
            Ok(_) => found = true,
            Err(_) => {}
        }
    }
    if found { Err(Missing::NotExecutable(shown)) } else { Err(Missing::NotFound(shown)) }
}

fn lookup<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
    env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// An error of the operating system without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn create(command: &[&str]) -> Create {
        Create {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            cwd: Some("/".to_owned()),
            ..Create::default()
        }
    }

    fn checked(create: &Create) -> Result<Spec, Error> {
        check(create, SessionId::from_bytes([1; 16]), &SessionsConfig::default(), &[])
    }

    fn fields(error: Error) -> Vec<String> {
        let violations = match error {
            Error::Invalid(violations) | Error::CannotRun { violations, .. } => violations,
            other => panic!("{other}"),
        };
        violations.as_slice().iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let bad = Create {
            command: vec!["sh".to_owned(), "a\0b".to_owned()],
            cwd: Some("/no/such/directory".to_owned()),
            env: vec![pair("A=B", "x"), pair("C", "\0")],
            size: (1, 24),
            name: Some("a b".to_owned()),
            labels: BTreeMap::from([pair("k", "a\nb")]),
            source: Some("\u{202e}cli".to_owned()),
            term: Some("x".repeat(65)),
            ..Create::default()
        };

        assert_eq!(
            fields(checked(&bad).unwrap_err()),
            [
                "command[1]",
                "env[0].name",
                "env[1].value",
                "source",
                "term",
                "cwd",
                "size",
                "name",
                "labels[k]"
            ]
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_cannot_be_executed() {
        let unknown = checked(&create(&["no-such-program"])).unwrap_err();
        assert!(matches!(unknown, Error::CannotRun { missing: Missing::NotFound(_), .. }));

        let plain_file = checked(&create(&["/etc/passwd"])).unwrap_err();
        assert!(matches!(plain_file, Error::CannotRun { missing: Missing::NotExecutable(_), .. }));

        let directory = checked(&create(&["/etc"])).unwrap_err();
        assert!(matches!(directory, Error::CannotRun { missing: Missing::NotExecutable(_), .. }));
        assert_eq!(fields(checked(&create(&[])).unwrap_err()), ["command"]);
    }

    #[test]
    fn a_file_is_no_directory_to_start_in() {
        let mut bad = create(&["sh"]);
        bad.cwd = Some("/etc/passwd".to_owned());
        assert_eq!(fields(checked(&bad).unwrap_err()), ["cwd"]);
        bad.cwd = Some("relative".to_owned());
        assert_eq!(fields(checked(&bad).unwrap_err()), ["cwd"]);
    }

    #[test]
    fn only_what_is_allowed_is_inherited_and_explicit_pairs_win() {
        let mut create = create(&["sh"]);
        create.client_env = vec![
            pair("PATH", "/bin"),
            pair("LC_ALL", "C"),
            pair("AWS_SECRET_ACCESS_KEY", "x"),
            pair("TERM", "dumb"),
            pair("CODEPLANE_SESSION", "forged"),
        ];
        create.env = vec![pair("LC_ALL", "C.UTF-8"), pair("OWN", "1")];

        let env = checked(&create).unwrap().env;

        let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["CODEPLANE_SESSION", "COLORTERM", "LC_ALL", "OWN", "PATH", "TERM"]);
        assert_eq!(lookup(&env, "LC_ALL"), Some("C.UTF-8"));
        assert_eq!(lookup(&env, "TERM"), Some("xterm-256color"));
        assert_eq!(lookup(&env, "CODEPLANE_SESSION"), Some("01010101-0101-0101-0101-010101010101"));
    }
}
