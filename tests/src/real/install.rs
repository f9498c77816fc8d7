//! Agents from npm, in versions that are pinned.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use crate::{Finished, binaries::build_directory, run};

/// How long npm may take for one agent, which is some 170 MB to fetch.
const NPM_PATIENCE: Duration = Duration::from_secs(600);

/// Which agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Claude,
    Codex,
}

/// An agent's command line that is installed.
#[derive(Clone, Debug)]
pub struct RealAgent {
    pub(super) kind: Kind,
    directory: PathBuf,
}

impl RealAgent {
    /// Claude Code; nothing, and a message, if npm or its registry cannot be reached.
    ///
    /// # Panics
    /// If it cannot be installed although the registry answers.
    #[must_use]
    pub fn claude() -> Option<Self> {
        static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
        Self::installed(Kind::Claude, &INSTALLED)
    }

    /// Codex; nothing, and a message, if npm or its registry cannot be reached.
    ///
    /// # Panics
    /// If it cannot be installed although the registry answers.
    #[must_use]
    pub fn codex() -> Option<Self> {
        static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
        Self::installed(Kind::Codex, &INSTALLED)
    }

    /// The directory in which its command lies, under its usual name: for PATH.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// Its command.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn installed(kind: Kind, once: &OnceLock<Option<PathBuf>>) -> Option<Self> {
        let directory = once.get_or_init(|| match install(kind) {
            Ok(directory) => Some(directory),
            Err(Unreachable(why)) => {
                tell(&format!("SKIPPED: every test of the real {}: {why}", kind.name()));
                None
            }
        });
        Some(Self { kind, directory: directory.clone()? })
    }
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Claude => "@anthropic-ai/claude-code",
            Self::Codex => "@openai/codex",
        }
    }

    /// The versions whose hooks and dialogs the daemon's adapters were written for.
    const fn version(self) -> &'static str {
        match self {
            Self::Claude => "2.1.329",
            Self::Codex => "0.169.0",
        }
    }

    /// Where npm has put the command. No script of a package is run, so that Claude Code's own
    /// installer has not yet copied its program out of the package for this platform.
    fn program(self, modules: &Path) -> PathBuf {
        match self {
            Self::Claude => {
                let packages = fs::read_dir(modules.join("@anthropic-ai")).expect("npm made it");
                let mut programs = packages.flatten().map(|entry| entry.path().join("claude"));
                programs.find(|path| path.is_file()).expect("npm has it for this platform")
            }
            Self::Codex => modules.join(".bin/codex"),
        }
    }
}

/// Why no agent can be had, which is no fault of this project.
struct Unreachable(String);

/// The directory of an agent; installs it, unless a run before has. Tests of other processes wait
/// meanwhile, and find a directory that is complete or none.
fn install(kind: Kind) -> Result<PathBuf, Unreachable> {
    let all = build_directory().join("agents");
    fs::create_dir_all(&all).expect("the build directory can be written");
    let name = format!("{}-{}", kind.name(), kind.version());
    let lock = File::create(all.join(format!("{name}.lock"))).expect("it can be written");
    lock.lock().expect("files can be locked");
    let directory = all.join(&name);
    if directory.exists() {
        return Ok(directory);
    }
    let unfinished = all.join(format!("{name}.unfinished"));
    // Of a run that was killed.
    fs::remove_dir_all(&unfinished).ok();
    fs::create_dir_all(unfinished.join("home")).expect("the build directory can be written");
    let npm = Npm { prefix: &unfinished };
    npm.reach_registry()?;
    npm.install(&format!("{}@{}", kind.package(), kind.version()));
    finish(kind, &unfinished);
    fs::rename(&unfinished, &directory).expect("it is on the same file system");
    Ok(directory)
}

/// Names the command, sees that it runs, and removes what was needed for that only.
fn finish(kind: Kind, prefix: &Path) {
    let program = kind.program(&prefix.join("node_modules"));
    let relative = program.strip_prefix(prefix).expect("it was found there");
    let bin = prefix.join("bin");
    fs::create_dir_all(&bin).expect("it can be written");
    let command = bin.join(kind.name());
    symlink(Path::new("..").join(relative), &command).expect("it can be written");
    let mut version = Command::new(&command);
    version.arg("--version").env_clear().env("HOME", prefix.join("home")).env("PATH", path());
    let version = run(&mut version, b"", NPM_PATIENCE).success();
    assert!(version.contains(kind.version()), "npm installed {version} of {}", kind.name());
    for needless in ["home", "cache"] {
        fs::remove_dir_all(prefix.join(needless)).expect("it is ours");
    }
}

/// npm with settings, home and cache of its own.
struct Npm<'a> {
    prefix: &'a Path,
}

/// What of this machine's environment says how to reach the registry. Its npm settings are
/// private to whoever works here and are not read.
const NETWORK: [&str; 8] = [
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "npm_config_registry",
    "npm_config_cafile",
];

/// How npm names what stands between it and a registry.
const NO_WAY: [&str; 9] = [
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
    "FETCH_ERROR",
];

impl Npm<'_> {
    /// Asks whether the registry is there.
    fn reach_registry(&self) -> Result<(), Unreachable> {
        if !env::split_paths(&path()).any(|directory| directory.join("npm").is_file()) {
            return Err(Unreachable("there is no npm in PATH".into()));
        }
        let ping = self.run(&["ping"]);
        let is_code = |line: &&str| {
            let code = line.strip_prefix("npm error code ");
            code.is_some_and(|code| NO_WAY.contains(&code.trim()))
        };
        match ping.stderr.lines().find(is_code) {
            Some(line) if ping.code != 0 => {
                Err(Unreachable(format!("npm cannot reach its registry ({line})")))
            }
            // Some registries know no ping; whether they have the package will be seen.
            _ => Ok(()),
        }
    }

    fn install(&self, package: &str) {
        fs::write(self.prefix.join("package.json"), "{\"private\": true}").expect("it is ours");
        tell(&format!("installing {package} for the tests of real agents"));
        let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
        let done = self.run(&[&["install"][..], &flags, &[package]].concat());
        assert_eq!(
            done.code, 0,
            "npm cannot install {package}, though its registry answers: {}{}",
            done.stdout, done.stderr
        );
    }

    fn run(&self, args: &[&str]) -> Finished {
        let own = |name: &str| self.prefix.join("home").join(name);
        let mut settings: BTreeMap<&str, OsString> = BTreeMap::from([
            ("PATH", path()),
            ("HOME", self.prefix.join("home").into()),
            ("TMPDIR", self.prefix.join("home").into()),
            ("npm_config_cache", self.prefix.join("cache").into()),
            ("npm_config_prefix", self.prefix.into()),
            ("npm_config_userconfig", own("user").into()),
            ("npm_config_globalconfig", own("global").into()),
            ("npm_config_update_notifier", "false".into()),
            ("npm_config_fetch_retries", "2".into()),
            ("npm_config_fetch_retry_mintimeout", "1000".into()),
            ("npm_config_fetch_retry_maxtimeout", "5000".into()),
            ("npm_config_loglevel", "error".into()),
        ]);
        settings.extend(NETWORK.iter().filter_map(|name| Some((*name, env::var_os(name)?))));
        let mut npm = Command::new("npm");
        npm.args(args).current_dir(self.prefix).env_clear().envs(settings);
        run(&mut npm, b"", NPM_PATIENCE)
    }
}

fn path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// Says something that is read also when no test fails: the test runner keeps what is printed by the
/// usual means to itself.
fn tell(what: &str) {
    writeln!(io::stderr(), "{what}").ok();
}
