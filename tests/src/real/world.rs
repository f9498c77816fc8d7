//! One agent, one model, one daemon.

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{RealAgent, claude, codex, home::Home, install::Kind};
use crate::{
    AGENT_PATIENCE, DaemonOptions, TestDaemon,
    model::{Model, Turn},
    pause,
    processes::TAG,
    wait_until,
};

/// Between two looks at a screen, each of which is a `cpctl` of its own.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Looks at a screen for what a key does, before it is pressed again.
const LOOKS_PER_KEY: usize = 20;

/// Everything a test of a real agent needs. If the test fails, it says what was on the screens of all
/// sessions, first-run dialogs included, and what the model was asked.
///
/// Dropped: the agents and all they have started are ended, and their directories removed.
#[derive(Debug)]
pub struct World {
    // First: nobody asks the model any more when it goes.
    /// The daemon in which the agent runs.
    pub daemon: TestDaemon,
    /// What the agent thinks with.
    pub model: Model,
    agent: RealAgent,
    home: Home,
}

impl World {
    /// A world with Claude Code; nothing, and a message, if it cannot be had.
    #[must_use]
    pub fn claude() -> Option<Self> {
        Some(Self::of(RealAgent::claude()?, DaemonOptions::default()))
    }

    /// A world with Codex; nothing, and a message, if it cannot be had.
    #[must_use]
    pub fn codex() -> Option<Self> {
        Some(Self::of(RealAgent::codex()?, DaemonOptions::default()))
    }

    /// A world with this agent and a daemon that is set up like this.
    #[must_use]
    pub fn of(agent: RealAgent, options: DaemonOptions) -> Self {
        let daemon = TestDaemon::start_with(options);
        let model = Model::start();
        let home = Home::make(daemon.directory(), &agent, &model.url());
        Self { daemon, model, agent, home }
    }

    /// The directory in which the agent works, which it trusts.
    #[must_use]
    pub fn work(&self) -> &Path {
        &self.home.work
    }

    /// The agent's home directory, where its settings are.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home.home
    }

    /// The agent's program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.agent.bin().join(self.agent.name())
    }

    /// A tool call that runs a line of shell, as this agent's model makes it.
    #[must_use]
    pub fn shell(&self, command: &str) -> Turn {
        match self.agent.kind {
            Kind::Claude => claude::bash(command),
            Kind::Codex => codex::shell(command),
        }
    }

    /// Starts the agent in a session with these arguments, its calls judged; returns the session's id.
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        self.run_with(&[], arguments)
    }

    /// As [`Self::run`], with nobody to judge what the agent does.
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn run_ungated(&self, arguments: &[&str]) -> String {
        self.run_with(&["--provider=none"], arguments)
    }

    /// Waits until a tool call of a session waits for a person; returns the approval.
    ///
    /// # Panics
    /// At the deadline of [`AGENT_PATIENCE`], with what there is.
    #[track_caller]
    pub fn expect_approval(&self, session: &str) -> serde_json::Value {
        wait_until("a call to wait for a person", AGENT_PATIENCE, || {
            let asked = self.daemon.cpctl(["approvals", "ls", "-o", "json", "--session", session]);
            let list: Vec<serde_json::Value> = serde_json::from_str(&asked.stdout)
                .map_err(|error| format!("{error}: {asked:?}"))?;
            list.into_iter().next().ok_or_else(|| self.screen(session))
        })
    }

    /// What is known of a session, as JSON.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn session(&self, session: &str) -> serde_json::Value {
        let got = self.daemon.cpctl(["get", "-o", "json", session]);
        serde_json::from_str(&got.stdout).unwrap_or_else(|error| panic!("{error}: {got:?}"))
    }

    /// As [`Self::run`], with further `options` of `cpctl run`.
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn run_with(&self, options: &[&str], arguments: &[&str]) -> String {
        let mut run: Vec<String> =
            ["run", "-d", "--size", "120x40", "--cwd"].map(Into::into).into();
        run.push(self.home.work.display().to_string());
        let tag = self.daemon.environment().into_iter().find(|(name, _)| name == TAG);
        let tag = tag.map(|(_, value)| (TAG, value.to_string_lossy().into_owned()));
        let environment = self.home.environment(&self.agent, &self.model.url());
        for (name, value) in environment.into_iter().chain(tag) {
            run.push(format!("--env={name}={value}"));
        }
        run.extend(options.iter().map(|&option| option.to_owned()));
        run.extend(["--".to_owned(), self.agent.name().to_owned()]);
        match self.agent.kind {
            Kind::Claude => {}
            Kind::Codex => run.push(codex::ALWAYS.to_owned()),
        }
        run.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self.daemon.cpctl(run).success().trim().to_owned()
    }

    /// What is on the screen of a session.
    #[must_use]
    pub fn screen(&self, session: &str) -> String {
        let seen = self.daemon.cpctl(["screen", session]);
        format!("{}{}", seen.stdout, seen.stderr)
    }

    /// Waits until the screen of a session shows `text`; returns the screen.
    ///
    /// # Panics
    /// At the deadline of [`AGENT_PATIENCE`], with the screen.
    #[track_caller]
    pub fn expect_screen(&self, session: &str, text: &str) -> String {
        wait_until(&format!("{text:?} on the screen"), AGENT_PATIENCE, || {
            let has_ended = self.has_ended(session);
            let screen = self.screen(session);
            if screen.contains(text) {
                return Ok(screen);
            }
            assert!(!has_ended, "{session} has ended without {text:?} on its screen:\n{screen}");
            Err(screen)
        })
    }

    /// Whether a session has ended, now or after a short while.
    fn has_ended(&self, session: &str) -> bool {
        let timeout = format!("{}ms", BETWEEN_LOOKS.as_millis());
        self.daemon.cpctl(["wait", session, "--for", "exit", "--timeout", &timeout]).code == 0
    }

    /// Waits for a dialog that shows `text` and presses `key`, named as `cpctl keys` does, until it
    /// is gone. A dialog that has just come up takes no keys, lest they were meant for something else.
    ///
    /// # Panics
    /// At the deadline of [`AGENT_PATIENCE`], with the screen.
    #[track_caller]
    pub fn answer(&self, session: &str, text: &str, key: &str) {
        self.expect_screen(session, text);
        wait_until(&format!("the dialog {text:?} to go"), AGENT_PATIENCE, || {
            let pressed = self.daemon.cpctl(["keys", session, key]);
            assert_eq!(pressed.code, 0, "{pressed:?}");
            let looks = (0..LOOKS_PER_KEY).map(|_| {
                pause(BETWEEN_LOOKS);
                self.screen(session)
            });
            let mut screen = String::new();
            for look in looks {
                if !look.contains(text) {
                    return Ok(());
                }
                screen = look;
            }
            Err(screen)
        });
    }

    /// Ends a session as a person does, and waits until nothing of it is left.
    ///
    /// # Panics
    /// If it does not end, or leaves a process behind, with what is left.
    #[track_caller]
    pub fn stop(&self, session: &str) {
        assert_eq!(self.daemon.cpctl(["stop", "--wait", session]).code, 0);
        let own = self.daemon.pid();
        wait_until("nothing to be left but the daemon", AGENT_PATIENCE, || {
            let mut left = self.daemon.processes();
            left.retain(|process| process.pid != own);
            let shown = |left: &[crate::processes::Process]| {
                let all = left.iter().map(|one| (one.pid, one.arguments()));
                format!("{:?}", all.collect::<Vec<_>>())
            };
            if left.is_empty() { Ok(()) } else { Err(shown(&left)) }
        });
    }

    /// All a person would look at to find out why a test has failed.
    fn report(&self) -> String {
        let mut report = format!("the model was asked:\n{}", self.model.summary());
        let listed = self.daemon.cpctl(["ls", "-q"]).stdout;
        for session in listed.lines() {
            report += &format!("the screen of {session}:\n{}\n", self.screen(session));
        }
        report + "the log of the daemon:\n" + &self.daemon.log()
    }
}

impl Drop for World {
    #[allow(clippy::print_stderr, reason = "shown by the test runner")]
    fn drop(&mut self) {
        if thread::panicking() {
            // In a thread of its own: a second failure here would hide the first.
            let report = thread::scope(|scope| scope.spawn(|| self.report()).join());
            eprintln!("{}", report.unwrap_or_else(|_| "there is no more to say".into()));
        }
    }
}
