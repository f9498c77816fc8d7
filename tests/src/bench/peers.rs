//! The peers: what the driver knows of each program that keeps terminal sessions.

mod codeplane;
mod multiplexers;
mod scripts;
mod yardsticks;

use std::path::Path;

use self::{
    codeplane::Codeplane,
    multiplexers::{Dtach, Screen, Tmux},
    scripts::{Language, Script},
    yardsticks::{Raw, RawSocket, RawTerminal},
};
use super::{Result, connection::Door, home::Home};
use crate::processes::Process;

/// What the driver has to know beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// Workloads that make no sense for it.
    pub skips: &'static [&'static str],
    /// Gets a quarter of the bulk output, as it would take minutes.
    pub takes: Portion,
    /// Whether a session can be there without a client.
    pub sessions: Sessions,
}

/// How much bulk output a peer is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Portion {
    /// All of it.
    #[default]
    Full,
    /// A quarter.
    Quarter,
}

/// How sessions come to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sessions {
    /// They are created without a client.
    #[default]
    Detached,
    /// The client's connection starts the program.
    WithClient,
}

/// A program that keeps terminal sessions.
pub trait Peer {
    /// What the driver has to know beforehand.
    fn nature(&self) -> Nature {
        Nature::default()
    }

    /// Its home.
    fn home(&self) -> &Home;

    /// Starts the daemon, where there is one before the first session.
    ///
    /// # Errors
    /// If it does not start.
    fn start(&mut self) -> Result<()> {
        Ok(())
    }

    /// Starts a session `id` with `argv` that nobody is attached to.
    ///
    /// # Errors
    /// If it does not start.
    fn create(&mut self, id: &str, argv: &[String]) -> Result<()>;

    /// How a client attaches to session `id`, which runs `argv`.
    fn door(&self, id: &str, argv: &[String]) -> Door;

    /// How a client creates a session with `argv` and attaches to it; `{i}` is a number.
    fn start_door(&self, argv: &[String]) -> Door;

    /// What its daemon is: the processes that W8 kills.
    ///
    /// # Errors
    /// If that cannot be found out.
    fn victims(&self) -> Result<Vec<Process>> {
        Ok(self.home().helpers())
    }

    /// Gets it ready to answer hooks, so that [`ALLOWED`](super::asking::ALLOWED) is allowed. Answers the
    /// command line of a hook.
    ///
    /// # Errors
    /// If it cannot be got ready, or there are no hooks.
    fn start_judging(&mut self) -> Result<Vec<String>> {
        Err("it answers no hooks".into())
    }

    /// How many records its audit log has, which is verified.
    ///
    /// # Errors
    /// If there is no log, or something is wrong with it.
    fn records(&self) -> Result<usize> {
        Err("it keeps no audit log".into())
    }

    /// The socket of its gRPC API, where there is one.
    fn grpc_socket(&self) -> Option<std::path::PathBuf> {
        None
    }
}

/// Names of all peers, in the order of the tables.
pub const NAMES: [&str; 9] =
    ["raw", "rawsock", "rawtty", "dtach", "tmux", "screen", "curl", "node", "codeplane"];

/// Whether peer `name` does workload `workload` at all; what makes no sense for it is in its [`Nature`].
#[must_use]
pub fn takes_part(name: &str, workload: &str) -> bool {
    match workload {
        "h1" => ["raw", "curl", "node", "codeplane"].contains(&name),
        "w7g" | "h2" | "h3" | "h4" | "h4p" => name == "codeplane",
        _ => !["curl", "node"].contains(&name),
    }
}

/// Peer `name` in a home of its own below `scratch`; nothing if it is not installed.
///
/// # Errors
/// If there is no such peer, or its home cannot be made.
pub fn peer(name: &str, scratch: &Path) -> Result<Option<Box<dyn Peer>>> {
    let home = Home::create(scratch, name)?;
    let is_installed = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    Ok(match name {
        "raw" => Some(Box::new(Raw::new(home))),
        "rawsock" => Some(Box::new(RawSocket::new(home))),
        "rawtty" => Some(Box::new(RawTerminal::new(home))),
        "dtach" if is_installed("dtach") => Some(Box::new(Dtach::new(home))),
        "tmux" if is_installed("tmux") => Some(Box::new(Tmux::new(home))),
        "screen" if is_installed("screen") => Some(Box::new(Screen::new(home))),
        "codeplane" => Codeplane::new(home).map(|peer| Box::new(peer) as Box<dyn Peer>),
        "curl" if is_installed("curl") && is_installed("bash") => {
            Some(Box::new(Script::new(home, Language::Bash)))
        }
        "node" if is_installed("node") => Some(Box::new(Script::new(home, Language::Node))),
        "dtach" | "tmux" | "screen" | "curl" | "node" => None,
        unknown => return Err(format!("no peer {unknown:?}; there are {NAMES:?}").into()),
    })
}

/// `parts` as an owned command line.
fn argv<const N: usize>(parts: [&str; N]) -> Vec<String> {
    parts.map(str::to_owned).into()
}
