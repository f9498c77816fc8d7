//! `cpctl hook-trial`: tries the gate and becomes the agent if it holds.
//!
//! The daemon starts an agent by it, within the agent's session: only there are its hooks believed. It runs the very command of
//! the gating hook once, with a call that nobody makes, and wants the daemon's own refusal: a hook that could not ask
//! refuses as well, but in other words. Then the process becomes the agent, so that its id, terminal and end are the agent's.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::output;

/// The exit code of a program that is there and cannot be started.
const CANNOT_START: u8 = 126;
/// The exit code of a program that is not there.
const NOT_THERE: u8 = 127;

/// What to try, and what to become.
struct Trial<'a> {
    /// The exit code of a refusal.
    code: &'a OsStr,
    /// What the refusal says.
    says: &'a OsStr,
    /// The hook's standard input.
    input: &'a OsStr,
    hook: &'a [OsString],
    agent: &'a [OsString],
}

/// Tries the gate and becomes the agent, if `arguments`, those of the process with its name, say so. Comes back with an exit
/// code where the agent must not, or cannot, be started.
pub(crate) fn trial(arguments: &[OsString]) -> Option<u8> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    if verb != "hook-trial" {
        return None;
    }
    let Some(trial) = Trial::read(rest) else {
        output::note("cpctl: hook-trial is what the daemon starts agents by: use 'cpctl run'");
        return Some(CANNOT_START);
    };
    if let Err(problem) = trial.run() {
        let agent = trial.agent[0].display();
        output::note(&format!(
            "cpctl: {agent} is not started, because its calls would not be judged: {problem}"
        ));
        return Some(CANNOT_START);
    }
    let error = Command::new(&trial.agent[0]).args(&trial.agent[1..]).exec();
    output::note(&format!("cpctl: cannot start {}: {error}", trial.agent[0].display()));
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    Some(if is_missing { NOT_THERE } else { CANNOT_START })
}

impl<'a> Trial<'a> {
    /// `CODE REFUSAL INPUT COUNT`, so many words of the hook, and the agent's.
    fn read(words: &'a [OsString]) -> Option<Self> {
        let [code, says, input, count, rest @ ..] = words else { return None };
        let count: usize = count.to_str()?.parse().ok()?;
        let (hook, agent) = rest.split_at_checked(count)?;
        let is_whole = !hook.is_empty() && !agent.is_empty();
        is_whole.then_some(Self { code, says, input, hook, agent })
    }

    fn run(&self) -> Result<(), String> {
        let name = self.hook[0].display();
        let failed = |error: std::io::Error| format!("the hook {name} cannot be run: {error}");
        let mut hook = Command::new(&self.hook[0])
            .args(&self.hook[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = hook.stdin.take() {
            // It may have ended already: then its answer says why.
            drop(stdin.write_all(self.input.as_encoded_bytes()));
        }
        let done = hook.wait_with_output().map_err(failed)?;
        let text = [done.stdout, done.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let says = self.says.to_str().is_some_and(|says| text.contains(says));
        let code = done.status.code().map(|code| code.to_string());
        if says && code.as_deref().map(OsStr::new) == Some(self.code) {
            return Ok(());
        }
        let said = text.trim();
        let said = if said.is_empty() { "nothing" } else { said };
        Err(format!("a trial of the hook {name} ended with {} and said: {said}", done.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(code: &str, says: &str, script: &str) -> Result<(), String> {
        let words = [code, says, "the call", "3", "sh", "-c", script, "agent", "--flag"];
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let trial = Trial::read(&words).unwrap();
        assert_eq!(trial.agent, ["agent", "--flag"]);
        trial.run()
    }

    #[test]
    fn a_gate_that_refuses_in_the_daemons_words_holds() {
        assert_eq!(tried("2", "a trial", "read call; echo \"$call: a trial\" >&2; exit 2"), Ok(()));
        assert_eq!(tried("0", "the call", "cat"), Ok(()));
    }

    #[test]
    fn a_gate_that_does_not_answer_so_does_not_hold() {
        for (script, said) in [
            ("exit 0", "exit status: 0 and said: nothing"),
            ("echo a trial; exit 0", "exit status: 0 and said: a trial"),
            ("echo no daemon >&2; exit 2", "exit status: 2 and said: no daemon"),
            ("kill -9 $$", "signal: 9"),
        ] {
            let problem = tried("2", "a trial", script).unwrap_err();
            assert!(problem.contains(said), "{script}: {problem}");
        }
    }

    #[test]
    fn other_words_are_no_trial() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();

        assert_eq!(trial(&words(&["cpctl", "hook", "claude"])), None);
        assert_eq!(trial(&words(&["cpctl"])), None);
        assert_eq!(trial(&words(&["cpctl", "hook-trial", "2", "a", "b", "9", "sh"])), Some(126));
        assert_eq!(trial(&words(&["cpctl", "hook-trial", "2", "a", "b", "1", "sh"])), Some(126));
        let missing = ["cpctl", "hook-trial", "0", "b", "b", "1", "cat", "/there/is/none"];
        assert_eq!(trial(&words(&missing)), Some(127));
    }
}
