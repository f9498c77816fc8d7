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

impl Codeplane {
    /// What `cpctl` answers as JSON.
    fn ask(&self, verb: &[&str]) -> Result<serde_json::Value> {
        let argv = [&[self.cpctl.as_str()], verb, &["-o", "json"]].concat();
        let output = self.home.command(&argv)?.stdout(std::process::Stdio::piped()).output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Peer for Codeplane {
    fn home(&self) -> &Home {
        &self.home
    }

    fn start(&mut self) -> Result<()> {
        self.home.run(&[&self.cpctl, "daemon", "start"])
    }

    fn start_judging(&mut self) -> Result<Vec<String>> {
        // What people begin with: 1 document, about 50 rules.
        self.home.run(&[&self.cpctl, "policy", "apply", "--starter", "developer"])?;
        self.home.run(&[&self.cpctl, "policy", "bind", "developer", "--default"])?;
        // As it is in an agent's settings.
        let entry = self.home.path("state/hook-entry");
        Ok(argv([&entry, &self.cpctl, "hook", "claude", "--event", "PreToolUse"]))
    }

    fn records(&self) -> Result<usize> {
        let verdict = self.ask(&["audit", "verify"])?;
        match verdict["records"].as_u64() {
            Some(records) if verdict["sound"] == true => Ok(usize::try_from(records)?),
            _ => Err(format!("the audit log is not sound: {verdict}").into()),
        }
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
        let status = self.ask(&["daemon", "status"])?;
        let pid = status["pid"].as_i64().ok_or("the daemon's status has no pid")?;
        let daemon = Process::read(i32::try_from(pid)?).ok_or("there is no such process")?;
        Ok(vec![daemon])
    }

    fn grpc_socket(&self) -> Option<PathBuf> {
        Some(self.home.path("run/op/cpd.sock").into())
    }
}
