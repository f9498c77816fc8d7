//! dtach, tmux and GNU screen.

use super::{Nature, Peer, Portion, argv};
use crate::bench::{Result, SIZE, connection::Door, home::Home};

/// One process a session, no screen.
#[derive(Debug)]
pub(super) struct Dtach {
    home: Home,
}

impl Dtach {
    pub(super) const fn new(home: Home) -> Self {
        Self { home }
    }
}

impl Peer for Dtach {
    fn home(&self) -> &Home {
        &self.home
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        self.home.run(&with(argv(["dtach", "-n", &self.home.path(id), "-E", "-z"]), command))
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Terminal(argv(["dtach", "-a", &self.home.path(id), "-E", "-z", "-r", "none"]))
    }

    fn start_door(&self, command: &[String]) -> Door {
        let socket = self.home.path("s{i}");
        Door::Terminal(with(argv(["dtach", "-c", &socket, "-E", "-z"]), command))
    }
}

/// One server that parses and repaints.
#[derive(Debug)]
pub(super) struct Tmux {
    home: Home,
}

impl Tmux {
    pub(super) fn new(mut home: Home) -> Self {
        home.set("TMUX_TMPDIR", home.directory().to_path_buf());
        Self { home }
    }
}

impl Peer for Tmux {
    fn nature(&self) -> Nature {
        Nature { takes: Portion::Quarter, ..Nature::default() }
    }

    fn home(&self) -> &Home {
        &self.home
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        let (cols, rows) = (SIZE.cols.to_string(), SIZE.rows.to_string());
        let new = ["tmux", "-f", "/dev/null", "new-session", "-d", "-s", id];
        let mut argv = with(argv(new), &["-x".into(), cols, "-y".into(), rows]);
        argv.push(in_shell(command));
        self.home.run(&argv)
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Terminal(argv(["tmux", "-f", "/dev/null", "attach", "-t", id]))
    }

    fn start_door(&self, command: &[String]) -> Door {
        let new = ["tmux", "-f", "/dev/null", "new-session", "-s", "s{i}"];
        Door::Terminal(with(argv(new), &[in_shell(command)]))
    }
}

/// One process a session that parses and repaints.
#[derive(Debug)]
pub(super) struct Screen {
    home: Home,
}

impl Screen {
    pub(super) fn new(mut home: Home) -> Self {
        home.set("SCREENDIR", home.directory().to_path_buf());
        Self { home }
    }
}

impl Peer for Screen {
    fn nature(&self) -> Nature {
        Nature { takes: Portion::Quarter, ..Nature::default() }
    }

    fn home(&self) -> &Home {
        &self.home
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        self.home.run(&with(argv(["screen", "-U", "-c", "/dev/null", "-dmS", id]), command))
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Terminal(argv(["screen", "-U", "-c", "/dev/null", "-x", id]))
    }

    fn start_door(&self, command: &[String]) -> Door {
        Door::Terminal(with(argv(["screen", "-U", "-c", "/dev/null", "-S", "s{i}"]), command))
    }
}

fn with(mut argv: Vec<String>, command: &[String]) -> Vec<String> {
    argv.extend_from_slice(command);
    argv
}

/// tmux takes a command of a shell: `exec`, each argument in quotes.
fn in_shell(command: &[String]) -> String {
    let quoted = command.iter().map(|argument| format!("'{}'", argument.replace('\'', r"'\''")));
    format!("exec {}", quoted.collect::<Vec<_>>().join(" "))
}
