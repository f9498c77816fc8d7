//! The limits: the terminal alone, and the smallest daemon with and without a client.

use std::time::Duration;

use super::{Nature, Peer, Sessions, argv};
use crate::{
    bench::{Result, connection::Door, home::Home, notes::Notes},
    binary,
};

/// The probe itself holds the program's terminal.
#[derive(Debug)]
pub(super) struct Raw {
    home: Home,
}

impl Raw {
    pub(super) const fn new(home: Home) -> Self {
        Self { home }
    }
}

impl Peer for Raw {
    fn nature(&self) -> Nature {
        Nature {
            skips: &["w4", "w5", "w6", "w6g", "w7", "w7s", "w8"],
            sessions: Sessions::WithClient,
            ..Nature::default()
        }
    }

    fn home(&self) -> &Home {
        &self.home
    }

    fn start_judging(&mut self) -> Result<Vec<String>> {
        Ok(argv([&benchprog(), "note", &self.home.path("record")]))
    }

    fn create(&mut self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn door(&self, _: &str, argv: &[String]) -> Door {
        Door::Terminal(argv.to_vec())
    }

    fn start_door(&self, argv: &[String]) -> Door {
        Door::Terminal(argv.to_vec())
    }
}

/// Terminal, one copying process, Unix socket, probe.
#[derive(Debug)]
pub(super) struct RawSocket {
    home: Home,
}

impl RawSocket {
    pub(super) const fn new(home: Home) -> Self {
        Self { home }
    }

    fn socket(&self, id: &str) -> String {
        self.home.path(id)
    }
}

impl Peer for RawSocket {
    fn home(&self) -> &Home {
        &self.home
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        let socket = self.socket(id);
        let mut argv = argv([&benchprog(), "serve", &socket]);
        argv.extend_from_slice(command);
        self.home.spawn(&argv)?;
        Notes::wait_for(socket.as_ref(), Duration::from_secs(5))
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Socket(self.socket(id).into())
    }

    fn start_door(&self, command: &[String]) -> Door {
        let mut argv = argv([&benchprog(), "start", &self.socket("s{i}")]);
        argv.extend_from_slice(command);
        Door::Terminal(argv)
    }
}

/// The same with a smallest attach client in the probe's terminal.
#[derive(Debug)]
pub(super) struct RawTerminal(RawSocket);

impl RawTerminal {
    pub(super) const fn new(home: Home) -> Self {
        Self(RawSocket::new(home))
    }
}

impl Peer for RawTerminal {
    fn nature(&self) -> Nature {
        Nature { skips: &["w3", "w3p", "w4", "w5", "w6", "w6g", "w8"], ..Nature::default() }
    }

    fn home(&self) -> &Home {
        self.0.home()
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        self.0.create(id, command)
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Terminal(argv([&benchprog(), "attach", &self.0.socket(id)]))
    }

    fn start_door(&self, command: &[String]) -> Door {
        self.0.start_door(command)
    }
}

fn benchprog() -> String {
    binary("benchprog").display().to_string()
}
