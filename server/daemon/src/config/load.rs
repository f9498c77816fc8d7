//! Where settings come from: defaults, then the file, then the environment, then flags.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// Prefix of environment variables that carry a setting: `CODEPLANE_SET_SESSIONS_MAX=5`.
const ENV_PREFIX: &str = "CODEPLANE_SET_";

/// What settings are read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The configuration file; none: only defaults.
    pub file: Option<PathBuf>,
    /// The environment, as pairs.
    pub env: Vec<(String, String)>,
    /// `section.key=value`, as given with `--set`; the last one wins.
    pub flags: Vec<String>,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not a configuration.
    #[error("{origin}: {message}")]
    Invalid {
        /// File, variable or flag.
        origin: String,
        /// What is wrong.
        message: String,
    },
}

/// Reads, merges and checks the settings.
///
/// # Errors
/// [`ConfigError`], naming the file and line, the variable or the flag; nothing is half-applied.
pub(crate) fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut table = Table::new();
    let mut origin = "configuration".to_owned();
    if let Some(path) = &sources.file {
        origin = path.display().to_string();
        table = read(path)?;
    }
    // The file is checked alone first, so that its errors carry its line numbers.
    for (name, value) in &sources.env {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        let Some((section, key)) = rest.split_once('_') else {
            return Err(invalid(name, format!("names no setting: write {ENV_PREFIX}SECTION_KEY")));
        };
        set(&mut table, &section.to_lowercase(), &key.to_lowercase(), value);
        check(&table, name)?;
    }
    for flag in &sources.flags {
        let named = flag.split_once('=').and_then(|(path, value)| {
            path.split_once('.').map(|(section, key)| (section, key, value))
        });
        let Some((section, key, value)) = named else {
            return Err(invalid(&format!("--set {flag}"), "write section.key=value".to_owned()));
        };
        set(&mut table, section, key, value);
        check(&table, &format!("--set {flag}"))?;
    }
    let file = sources.file.as_deref().and_then(|path| std::path::absolute(path).ok());
    let config = Config { file, ..check(&table, &origin)? };
    match config.problems().as_slice() {
        [] => Ok(config),
        problems => Err(invalid(&origin, problems.join("; "))),
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let bad = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        invalid(&format!("{}:{line}", path.display()), error.message().to_owned())
    };
    toml::from_str::<Config>(&text).map_err(bad)?;
    toml::from_str::<Table>(&text).map_err(bad)
}

fn check(table: &Table, origin: &str) -> Result<Config, ConfigError> {
    Config::deserialize(table.clone()).map_err(|error| invalid(origin, error.message().to_owned()))
}

/// Sets one value; what is not TOML is taken as text, so that nobody has to quote in a shell.
fn set(table: &mut Table, section: &str, key: &str, value: &str) {
    let parsed = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut one| one.remove("v"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    match entry {
        Value::Table(section) => {
            section.insert(key.to_owned(), parsed);
        }
        other => *other = parsed,
    }
}

/// What is in a file may be anything, and is told on a terminal.
fn invalid(origin: &str, message: String) -> ConfigError {
    let is_control = |text: &str| text.chars().any(char::is_control);
    let told = if is_control(&message) { message.escape_debug().to_string() } else { message };
    ConfigError::Invalid { origin: origin.to_owned(), message: told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Bytes;

    fn from_file(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cpd.toml");
        std::fs::write(&path, text).unwrap();
        load(&Sources { file: Some(path.clone()), ..Sources::default() })
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        assert_eq!(load(&Sources::default()).unwrap(), Config::default());
        assert_eq!(Config::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn the_documented_example_is_the_defaults() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/config/cpd.toml");
        let config = load(&Sources { file: Some(example.into()), ..Sources::default() }).unwrap();

        assert_eq!(Config { file: None, ..config }, Config::default());
    }

    #[test]
    fn what_is_wrong_is_told_without_controls() {
        let error = from_file("[log]\n\"\\u001b[31mred\" = 1\n").unwrap_err();

        assert!(error.contains("red") && !error.chars().any(char::is_control), "{error:?}");
    }

    #[test]
    fn every_setting_is_in_the_documented_example() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/config/cpd.toml");
        let text = std::fs::read_to_string(example).unwrap();
        // What a refused key is told are all the keys of its section.
        for section in
            ["log", "sessions", "output", "input", "events", "approvals", "audit", "server"]
        {
            let wrong = format!("[{section}]\nno_such_key = 1\n");
            let error = from_file(&wrong).unwrap_err();
            let (_, keys) = error.split_once("expected ").unwrap();
            for key in keys.split('`').skip(1).step_by(2) {
                let documented = text
                    .lines()
                    .any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = ")));
                assert!(documented, "{section}.{key}");
            }
        }
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cpd.toml");
        std::fs::write(&path, "[sessions]\nmax = 1\n[output]\nsession_limit = \"64MiB\"\n")
            .unwrap();

        let config = load(&Sources {
            file: Some(path),
            env: vec![
                ("CODEPLANE_SET_SESSIONS_MAX".to_owned(), "2".to_owned()),
                ("CODEPLANE_SET_OUTPUT_SEGMENT_SIZE".to_owned(), "8MiB".to_owned()),
                ("PATH".to_owned(), "/bin".to_owned()),
            ],
            flags: vec!["sessions.max=3".to_owned()],
        })
        .unwrap();

        assert_eq!(config.sessions.max, 3);
        assert_eq!(config.output.session_limit, Bytes(64 << 20));
        assert_eq!(config.output.segment_size, Bytes(8 << 20));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = from_file("[sessions]\nmax = 1\ncolour = \"red\"\n").unwrap_err();
        assert!(error.starts_with("FILE:3: unknown field `colour`"), "{error}");

        let error = from_file("[roles]\n0 = [\"agent\"]\n").unwrap_err();
        assert!(error.starts_with("FILE:2: 'agent' is no role to give"), "{error}");

        let error = from_file("[roles]\n\"no one\" = [\"viewer\"]\n").unwrap_err();
        assert!(error.contains("roles.no one: no user of this name"), "{error}");

        let error = from_file("[output]\nsession_limit = \"5 apples\"\n").unwrap_err();
        assert!(error.starts_with("FILE:2: '5 apples' is not a size"), "{error}");

        let error = from_file("[output]\nsession_limit = \"1MiB\"\n").unwrap_err();
        assert!(error.contains("output.session_limit: must be at least two segments"), "{error}");
    }

    #[test]
    fn a_mistake_in_a_flag_or_variable_names_it() {
        let flag = Sources { flags: vec!["sessions.max=many".to_owned()], ..Sources::default() };
        assert!(load(&flag).unwrap_err().to_string().starts_with("--set sessions.max=many:"));

        let variable = Sources {
            env: vec![("CODEPLANE_SET_LOG_LEVEL".to_owned(), "loud".to_owned())],
            ..Sources::default()
        };
        assert!(load(&variable).unwrap_err().to_string().starts_with("CODEPLANE_SET_LOG_LEVEL:"));
    }
}
