//! The command line of Claude Code 2.1.329, as far as it decides how hooks are given.

use super::super::launch::basename;

/// Options that take the next argument whatever it looks like; of variadic ones the first.
const VALUED: &[&str] = &[
    "--add-dir",
    "--agent",
    "--agents",
    "--allowedTools",
    "--allowed-tools",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--autocompact",
    "--betas",
    "--debug-file",
    "--disallowedTools",
    "--disallowed-tools",
    "--effort",
    "--environment",
    "--fallback-model",
    "--file",
    "--input-format",
    "--json-schema",
    "--max-budget-usd",
    "--max-turns",
    "--mcp-config",
    "--model",
    "-n",
    "--name",
    "--output-format",
    "--permission-mode",
    "--permission-prompts",
    "--permission-prompt-tool",
    "--plugin-dir",
    "--plugin-url",
    "--remote-control-session-name-prefix",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--system-prompt",
    "--system-prompt-file",
    "--system-prompt-snapshot",
    "--tools",
];

/// Options that take the next argument unless it begins with a dash.
const MAY_HAVE_VALUE: &[&str] = &[
    "-d",
    "--debug",
    "-r",
    "--resume",
    "--from-pr",
    "--cloud",
    "--teleport",
    "-w",
    "--worktree",
    "--remote-control",
    "--prompt-suggestions",
];

/// Commands that start no conversation here.
const COMMANDS: &[&str] = &[
    "agents",
    "attach",
    "auth",
    "auto-mode",
    "doctor",
    "gateway",
    "import",
    "install",
    "logs",
    "mcp",
    "plugin",
    "plugins",
    "purge",
    "respawn",
    "rm",
    "setup-token",
    "stop",
    "kill",
    "ultrareview",
    "update",
    "upgrade",
];

/// Options under which hooks do not run, or the conversation runs elsewhere.
const UNGATED: &[(&str, &str)] = &[
    ("--bare", "--bare switches hooks off"),
    ("--safe-mode", "--safe-mode switches hooks off"),
    ("--bg", "--bg runs the conversation outside this session"),
    ("--background", "--background runs the conversation outside this session"),
    ("--tmux", "--tmux runs the conversation outside this session"),
    ("--cloud", "--cloud runs the conversation elsewhere"),
    ("--environment", "--environment runs the conversation elsewhere"),
    ("--desktop", "--desktop runs the conversation elsewhere"),
];

/// What the arguments behind the program say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// All but the settings.
    pub(super) rest: Vec<String>,
    /// The settings the user gave: a file or JSON. Of several the last, as the agent does it.
    pub(super) settings: Option<String>,
    /// Options by their long names, in order, with their values.
    pub(super) options: Vec<(String, Option<String>)>,
    /// The command, where one is given.
    pub(super) command: Option<String>,
}

impl Arguments {
    /// Reads them.
    pub(super) fn read(arguments: &[String]) -> Self {
        let mut read = Self::default();
        let mut rest = arguments.iter();
        let mut positional = false;
        while let Some(argument) = rest.next() {
            if argument == "--" {
                read.rest.push(argument.clone());
                read.rest.extend(rest.cloned());
                break;
            }
            if argument.len() < 2 || !argument.starts_with('-') {
                if !positional && COMMANDS.contains(&argument.as_str()) {
                    read.command = Some(argument.clone());
                }
                positional = true;
                read.rest.push(argument.clone());
                continue;
            }
            let (names, glued) = split(argument);
            let last = names.last().cloned().unwrap_or_default();
            let next = || rest.clone().next().filter(|next| !next.starts_with('-'));
            let value = match glued {
                Some(value) => Some(value),
                None if VALUED.contains(&last.as_str()) => rest.next().cloned(),
                None if MAY_HAVE_VALUE.contains(&last.as_str()) && next().is_some() => {
                    rest.next().cloned()
                }
                None => None,
            };
            read.option(argument, names, value);
        }
        read
    }

    fn option(&mut self, argument: &str, names: Vec<String>, value: Option<String>) {
        if argument == "--settings" || argument.starts_with("--settings=") {
            self.settings = value;
            return;
        }
        self.rest.push(argument.to_owned());
        let glued = value.as_ref().is_some_and(|value| argument.ends_with(value.as_str()));
        if let (Some(value), false) = (&value, glued) {
            self.rest.push(value.clone());
        }
        self.options.extend(names.into_iter().map(|name| (long(&name), value.clone())));
    }

    /// The value of an option, where it was given; of several the last.
    pub(super) fn option_named(&self, name: &str) -> Option<Option<&str>> {
        let found = self.options.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_deref())
    }

    /// Whether one of the options was given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.option_named(name).is_some())
    }

    /// Why hooks do not reach us, if the arguments say so.
    pub(super) fn ungated(&self) -> Option<String> {
        let option = UNGATED.iter().find(|(name, _)| self.has(&[name]));
        option.map(|(_, why)| (*why).to_owned())
    }
}

/// An argument's options and the value glued to it: `--name=value`, `-abc`, `-rvalue`.
fn split(argument: &str) -> (Vec<String>, Option<String>) {
    if argument.starts_with("--") {
        return match argument.split_once('=') {
            Some((name, value)) => (vec![name.to_owned()], Some(value.to_owned())),
            None => (vec![argument.to_owned()], None),
        };
    }
    let mut names = Vec::new();
    let letters = &argument[1..];
    for (at, letter) in letters.char_indices() {
        let name = format!("-{letter}");
        let rest = &letters[at + letter.len_utf8()..];
        let takes = VALUED.contains(&name.as_str()) || MAY_HAVE_VALUE.contains(&name.as_str());
        names.push(name);
        if takes && !rest.is_empty() {
            return (names, Some(rest.to_owned()));
        }
    }
    (names, None)
}

fn long(name: &str) -> String {
    let long = match name {
        "-c" => "--continue",
        "-d" => "--debug",
        "-h" => "--help",
        "-n" => "--name",
        "-p" => "--print",
        "-r" => "--resume",
        "-v" => "--version",
        "-w" => "--worktree",
        other => other,
    };
    long.to_owned()
}

/// How many words of a command are the program: 1, or more where a runner is certain to start Claude Code.
pub(in super::super) fn program_end(command: &[String]) -> Option<usize> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let package = |word: &str| {
        word == "@anthropic-ai/claude-code" || word.starts_with("@anthropic-ai/claude-code@")
    };
    match words.as_slice() {
        [program, ..] if matches!(basename(program), "claude" | "claude.exe") => Some(1),
        [runner, word, ..] if matches!(basename(runner), "npx" | "bunx") && package(word) => {
            Some(2)
        }
        [runner, "-y" | "--yes", word, ..] if basename(runner) == "npx" && package(word) => Some(3),
        [runner, "dlx", word, ..] if basename(runner) == "pnpm" && package(word) => Some(3),
        [node, script, ..] if basename(node) == "node" => {
            script.ends_with("/@anthropic-ai/claude-code/cli.js").then_some(2)
        }
        _ => None,
    }
}
