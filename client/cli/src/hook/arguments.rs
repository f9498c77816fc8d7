//! The command line of a hook, read by hand: the parser of the others takes longer than the answer.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// Whose dialect is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Provider {
    /// Claude Code
    Claude,
    /// Codex
    Codex,
    /// Any other program
    Generic,
}

impl Provider {
    /// The daemon's name for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Generic => "generic",
        }
    }

    fn named(name: &OsStr) -> Option<Self> {
        [Self::Claude, Self::Codex, Self::Generic].into_iter().find(|one| name == one.name())
    }
}

/// What a hook is told on its command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// None only in what a [`Mistake`] leaves.
    pub(crate) provider: Option<Provider>,
    pub(crate) event: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    /// How long the agent lets this hook run.
    pub(crate) agent_timeout: Option<Duration>,
}

/// A command line that is none. The agent gets a refusal, in as much of its dialect as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) understood: Arguments,
    pub(crate) problem: String,
}

impl Arguments {
    /// Reads what follows `hook`.
    pub(crate) fn parse(words: &[OsString]) -> Result<Self, Mistake> {
        let mut understood = Self::default();
        let mut problem = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            // The first mistake is told; what comes after may still say how to refuse.
            if let Err(mistake) = understood.take(word, &mut words) {
                problem.get_or_insert(mistake);
            }
        }
        if understood.provider.is_none() {
            problem.get_or_insert_with(|| "no provider is named".to_owned());
        }
        match problem {
            None => Ok(understood),
            Some(problem) => {
                let problem = format!(
                    "{problem}: write 'cpctl hook claude|codex|generic [--event NAME] [--token-file PATH] \
                     [--agent-timeout SECONDS]'"
                );
                Err(Mistake { understood, problem })
            }
        }
    }

    fn take<'a>(
        &mut self,
        word: &OsStr,
        rest: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), String> {
        let (flag, glued) = match word.to_str().and_then(|word| word.split_once('=')) {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(OsString::from(value))),
            _ => (word.to_str().unwrap_or_default(), None),
        };
        let value = || glued.or_else(|| rest.next().cloned()).ok_or("has no value");
        let is_new = match flag {
            "--event" => {
                let event = value()
                    .and_then(|event| event.into_string().or(Err("is not text")))
                    .and_then(|event| {
                        Some(event).filter(|event| !event.is_empty()).ok_or("is empty")
                    })
                    .map_err(|what| format!("--event {what}"))?;
                self.event.replace(event).is_none()
            }
            "--token-file" => {
                let path = value().map_err(|what| format!("--token-file {what}"))?;
                self.token_file.replace(path.into()).is_none()
            }
            "--agent-timeout" => {
                let seconds = value().and_then(|text| {
                    let text = text.to_str().ok_or("is not text")?;
                    text.parse().or(Err("is no number of seconds"))
                });
                let seconds = seconds.map_err(|what| format!("--agent-timeout {what}"))?;
                self.agent_timeout.replace(Duration::from_secs(seconds)).is_none()
            }
            _ => {
                let unknown = || format!("'{}' is not known", word.display());
                let provider = Provider::named(word).ok_or_else(unknown)?;
                self.provider.replace(provider).is_none()
            }
        };
        is_new.then_some(()).ok_or_else(|| format!("'{}' is one too many", word.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, Mistake> {
        Arguments::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_told_is_read() {
        let all = Arguments {
            provider: Some(Provider::Codex),
            event: Some("PreToolUse".into()),
            token_file: Some("/t".into()),
            agent_timeout: Some(Duration::from_secs(90)),
        };
        let apart =
            ["codex", "--event", "PreToolUse", "--token-file", "/t", "--agent-timeout", "90"];
        let glued = ["--token-file=/t", "codex", "--event=PreToolUse", "--agent-timeout=90"];

        assert_eq!(parse(&apart).unwrap(), all);
        assert_eq!(parse(&glued).unwrap(), all);
        assert_eq!(parse(&["generic"]).unwrap().provider, Some(Provider::Generic));
    }

    #[test]
    fn nonsense_leaves_what_is_needed_to_refuse() {
        for (words, told) in [
            (&["claude", "--event", "Stop", "--bogus"][..], "'--bogus' is not known"),
            (&["claude", "--event", "Stop", "codex2"], "'codex2' is not known"),
            (&["claude", "--event", "Stop", "--token-file"], "--token-file has no value"),
            (&["claude", "--event", "Stop", "--event="], "--event is empty"),
            (&["claude", "--event", "Stop", "claude"], "'claude' is one too many"),
            (&["claude", "--event", "X", "--event", "Stop"], "'--event' is one too many"),
            (
                &["claude", "--event", "Stop", "--agent-timeout", "1h"],
                "--agent-timeout is no number of seconds",
            ),
            (&["-x", "claude", "--event", "Stop"], "'-x' is not known"),
        ] {
            let mistake = parse(words).unwrap_err();

            assert!(mistake.problem.starts_with(told), "{words:?}: {}", mistake.problem);
            assert_eq!(mistake.understood.provider, Some(Provider::Claude), "{words:?}");
            assert_eq!(mistake.understood.event.as_deref(), Some("Stop"), "{words:?}");
        }
        assert!(parse(&[]).unwrap_err().problem.starts_with("no provider is named"));
        assert_eq!(parse(&["cluade"]).unwrap_err().understood, Arguments::default());
    }
}
