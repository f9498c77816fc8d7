//! Codeplane itself, through the command line that its users have.

use std::path::PathBuf;

use super::{Peer, argv};
use crate::{
    bench::{Result, connection::Door, home::Home},
    binary,
    processes::Process,
};

/// `cpctl` and `cpd`, from the directory of the benchmark's own executable.
#[derive(Debug)]
pub(super) struct Codeplane {
    home: Home,
    cpctl: String,
}

impl Codeplane {
    /// Nothing if `cpctl` is not built.
    pub(super) fn new(mut home: Home) -> Option<Self> {
        let cpctl = std::env::current_exe().ok()?.with_file_name("cpctl");
        if !cpctl.is_file() {
            return None;
        }
        home.set("CODEPLANE_STATE_DIR", home.path("state"));
        home.set("CODEPLANE_RUNTIME_DIR", home.path("run"));
        // W8 measures a daemon that is started by hand, as with the other peers.
        home.set("CODEPLANE_NO_AUTOSTART", "1");
        let cpctl = binary("cpctl").display().to_string();
        Some(Self { home, cpctl })
    }
}

impl Peer for Codeplane {
    fn home(&self) -> &Home {
        &self.home
    }

    fn start(&mut self) -> Result<()> {
        self.home.run(&[&self.cpctl, "daemon", "start"])
    }

    fn create(&mut self, id: &str, command: &[String]) -> Result<()> {
        let size = format!("{}x{}", crate::bench::SIZE.cols, crate::bench::SIZE.rows);
        let mut argv = argv([&self.cpctl, "run", "-d", "--name", id, "--size", &size, "--"]);
        argv.extend_from_slice(command);
        self.home.run(&argv)
    }

    fn door(&self, id: &str, _: &[String]) -> Door {
        Door::Terminal(argv([&self.cpctl, "attach", id]))
    }

    fn start_door(&self, command: &[String]) -> Door {
        let mut argv = argv([&self.cpctl, "run", "--name", "s{i}", "--"]);
        argv.extend_from_slice(command);
        Door::Terminal(argv)
    }

    fn victims(&self) -> Result<Vec<Process>> {
        let mut command = self.home.command(&[&self.cpctl, "daemon", "status", "-o", "json"])?;
        let output = command.stdout(std::process::Stdio::piped()).output()?;
        let status: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let pid = status["pid"].as_i64().ok_or("the daemon's status has no pid")?;
        let daemon = Process::read(i32::try_from(pid)?).ok_or("there is no such process")?;
        Ok(vec![daemon])
    }

    fn grpc_socket(&self) -> Option<PathBuf> {
        Some(self.home.path("run/op/cpd.sock").into())
    }
}
