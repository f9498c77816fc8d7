//! The command line of Codex 0.169.0, as far as it decides whether hooks run.

use super::super::launch::basename;

/// Options that take the next argument.
const VALUED: &[&str] = &[
    "-c",
    "--config",
    "--enable",
    "--disable",
    "--remote",
    "--remote-auth-token-env",
    "-i",
    "--image",
    "-m",
    "--model",
    "--local-provider",
    "-p",
    "--profile",
    "-s",
    "--sandbox",
    "-C",
    "--cd",
    "--add-dir",
    "-a",
    "--ask-for-approval",
    "-o",
    "--output-last-message",
    "--output-schema",
    "--color",
];

/// Commands that hold a conversation here.
const CONVERSATIONS: &[&str] = &["exec", "e", "resume", "fork", "review"];

/// Commands that hold none.
const COMMANDS: &[&str] = &[
    "agents",
    "login",
    "logout",
    "mcp",
    "mcp-server",
    "plugin",
    "app-server",
    "remote-control",
    "completion",
    "update",
    "doctor",
    "sandbox",
    "debug",
    "apply",
    "a",
    "queue",
    "archive",
    "delete",
    "migrate-rollouts",
    "migrate-nfs-db",
    "unarchive",
    "cloud",
    "exec-server",
    "features",
    "help",
];

/// What the arguments behind the program say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// Options with their values, in order.
    options: Vec<(String, Option<String>)>,
    /// The command, where one is given.
    command: Option<String>,
}

impl Arguments {
    /// Reads them.
    pub(super) fn read(arguments: &[String]) -> Self {
        let mut read = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                break;
            }
            if argument.len() < 2 || !argument.starts_with('-') {
                read.command.get_or_insert_with(|| argument.clone());
                continue;
            }
            let (name, glued) = split(argument);
            let valued = VALUED.contains(&name.as_str());
            let value = glued.or_else(|| if valued { rest.next().cloned() } else { None });
            read.options.push((name, value));
        }
        read
    }

    /// Whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(other, _)| other == name)
    }

    /// Whether anything but help or a version is wanted.
    pub(super) fn starts(&self) -> bool {
        !["-h", "--help", "-V", "--version"].iter().any(|name| self.has(name))
    }

    /// Why hooks do not reach us, if the arguments say so.
    pub(super) fn ungated(&self) -> Option<String> {
        let command = self.command.as_deref().filter(|command| COMMANDS.contains(command));
        if let Some(command) = command {
            return Some(format!("'codex {command}' holds no conversation here"));
        }
        self.options.iter().find_map(|(name, value)| {
            let value = value.as_deref().unwrap_or_default();
            match name.as_str() {
                "--remote" => Some("--remote runs the conversation elsewhere".to_owned()),
                "--disable" if matches!(value, "hooks" | "codex_hooks") => {
                    Some(format!("--disable {value} switches hooks off"))
                }
                "-c" | "--config" => overrides(value),
                _ => None,
            }
        })
    }

    /// Whether the command is one that runs without a screen.
    pub(super) fn is_screenless(&self) -> bool {
        let command = self.command.as_deref();
        command.is_some_and(|command| CONVERSATIONS[..2].contains(&command) || command == "review")
    }
}

/// Keys of the configuration that say which hooks run; ours come first on the command line, and the last one counts.
fn overrides(pair: &str) -> Option<String> {
    let key = pair.split('=').next().unwrap_or_default().trim();
    let root = key.split('.').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
    let about_hooks = root == "hooks" || key == "features" || key.contains("hooks");
    about_hooks.then(|| format!("-c {} changes which hooks run", key.escape_debug()))
}

/// An option and the value glued to it: `--name=value`, `-cvalue`.
fn split(argument: &str) -> (String, Option<String>) {
    if argument.starts_with("--") {
        return match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument.to_owned(), None),
        };
    }
    let end = 1 + argument[1..].chars().next().map_or(0, char::len_utf8);
    let (name, value) = argument.split_at(end);
    let value = value.strip_prefix('=').unwrap_or(value);
    (name.to_owned(), (!value.is_empty()).then(|| value.to_owned()))
}

/// How many words of a command are the program: 1, or more where a runner is certain to start Codex.
pub(in super::super) fn program_end(command: &[String]) -> Option<usize> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let package = |word: &str| word == "@openai/codex" || word.starts_with("@openai/codex@");
    match words.as_slice() {
        [program, ..] if basename(program) == "codex" => Some(1),
        [runner, word, ..] if matches!(basename(runner), "npx" | "bunx") && package(word) => {
            Some(2)
        }
        [runner, "-y" | "--yes", word, ..] if basename(runner) == "npx" && package(word) => Some(3),
        [runner, "dlx", word, ..] if basename(runner) == "pnpm" && package(word) => Some(3),
        [node, script, ..] if basename(node) == "node" => {
            script.ends_with("/@openai/codex/bin/codex.js").then_some(2)
        }
        _ => None,
    }
}
