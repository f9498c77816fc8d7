//! What the analyser says a line runs, against what bash runs.
//!
//! Bash itself is the second reader: programs are looked up in vain, and its handler for that
//! writes down the words it was given. Each line is either opaque to us, or both agree on every
//! command and every word.

use std::fs;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::kit::{bash, judge, ready, rule, rules};

/// No names of builtins, no slash, tilde or glob: nothing runs, and words stay what they are.
const PIECES: &[&str] = &[
    "aa",
    "bb",
    "cc",
    "-x",
    "--y=z",
    "1",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "$",
    "`",
    "{",
    "}",
    ",",
    "..",
    "(",
    ")",
    ";",
    "|",
    "&&",
    "\n",
    " ",
    " ",
    " ",
    " ",
    "\t",
    "#",
    "=",
    "]",
    "!",
    "é",
    "^",
    "@",
    "+",
    "<<E\n",
    "\nE\n",
    "<<'E'\n",
    "\\\n",
    "$'",
    "a b",
    "''",
    "\"\"",
    "\r",
    "-",
    "\"a'b\"",
    "'a\"b'",
    "\"$(cat <<'E'\n",
    "\nE\n)\"",
];

const HANDLER: &str = r#"
command_not_found_handle() { printf '%s\0' "$#" "$@" >&3; return 0; }
cat() { while IFS= read -r text; do printf '%s\n' "$text"; done; }
files=(*.sh)
set -f
for file in "${files[@]}"; do
  IFS= read -r -d '' line < "$file"
  eval "$line" </dev/null 2>/dev/null
  printf '%s\0' . >&3
done 3>ran
"#;

fn command() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..14)
        .prop_map(|pieces| format!("aa {}", pieces.concat()))
}

/// Whether a line is worth comparing: what stands behind `||` does not run here, what
/// stands before a single `&` runs at any time, and a here-document alone runs nothing.
fn is_understood(command: &str) -> bool {
    let verdict = judge(&ready(rules(&["allow Bash"])), &bash(command));
    let runs_all = !command.contains("||")
        && !command.contains("\\&&")
        && verdict.units.iter().all(|unit| unit.text != "<<");
    runs_all && !verdict.reasons.iter().any(|reason| reason.contains("opaque"))
}

/// The words of every command that bash runs, line by line; none where there is no bash.
fn run_by_bash(commands: &[String]) -> Option<Vec<Vec<Vec<String>>>> {
    let home = tempfile::tempdir().ok()?;
    for (at, command) in commands.iter().enumerate() {
        fs::write(home.path().join(format!("{at:05}.sh")), command).ok()?;
    }
    // What a line reads from, where an escaped `<` leaves one of `<<E`.
    fs::write(home.path().join("E"), "").ok()?;
    let status = Command::new("/bin/bash")
        .args(["--norc", "--noprofile", "-c", HANDLER.trim_start()])
        .env_clear()
        .env("PATH", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .ok()?;
    assert!(status.success(), "bash: {status}");
    let ran = String::from_utf8(fs::read(home.path().join("ran")).ok()?).ok()?;
    let mut fields = ran.split('\0');
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while let Some(field) = fields.next().filter(|field| !field.is_empty()) {
        if field == "." {
            lines.push(std::mem::take(&mut line));
        } else {
            let count: usize = field.parse().ok()?;
            line.push(fields.by_ref().take(count).map(str::to_owned).collect());
        }
    }
    Some(lines)
}

fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    quoted.join(" ")
}

/// A rule that allows these words and no others.
fn exactly(words: &[String], at: usize) -> codeplane_core::policy::Rule {
    let text = quoted(words).replace('\\', "\\\\").replace('"', "\\\"");
    let text = text.replace('\n', "\\n").replace('\t', "\\t");
    rule(&format!(r#"{{"effect":"allow","command":"{text}"}}"#), at).unwrap()
}

/// What bash and the analyser disagree about in a line.
fn disagreement(command: &str, ran: &[Vec<String>]) -> Option<String> {
    let reads = rule("allow Read", ran.len()).unwrap();
    let allowed = ran.iter().enumerate().map(|(at, words)| exactly(words, at));
    let verdict = judge(&ready(allowed.chain([reads]).collect()), &bash(command));
    let commands = verdict.units.iter().filter(|unit| unit.tool == "Bash").count();
    let agrees = verdict.decision.name() == "allow" && commands == ran.len();
    (!agrees).then(|| format!("{command:?}: bash ran {ran:?}: {:?}", verdict.reasons))
}

#[test]
fn bash_runs_what_was_understood() {
    let mut runner = TestRunner::deterministic();
    let strategy = command();
    let mut commands: Vec<String> = Vec::new();
    while commands.len() < 2000 {
        let command = strategy.new_tree(&mut runner).unwrap().current();
        if is_understood(&command) {
            commands.push(command);
        }
    }
    let Some(ran) = run_by_bash(&commands) else {
        println!("skipped: there is no bash to compare with");
        return;
    };

    assert_eq!(ran.len(), commands.len());
    let wrong: Vec<String> =
        commands.iter().zip(&ran).filter_map(|(line, ran)| disagreement(line, ran)).collect();
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}
