//! The measuring client: a process of its own that does one task and prints what it measured.

mod bulk;
mod echo;
mod fan;
mod follow;
mod grpc;
mod reattach;
mod start;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

pub use bulk::{BulkReader, BulkResult};
pub use fan::FanResult;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Result,
    connection::{Connection, Door},
    home::Home,
};

/// How long a client may take to be attached.
const ATTACH_PATIENCE: Duration = Duration::from_secs(15);

/// What a probe is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Reads bulk output and compares every byte with `expected`, repeated. Prints `null` when it
    /// is done and goes on to its result when it is told to: the driver looks at the daemon then.
    Bulk {
        /// Through here.
        door: Door,
        /// The session.
        id: String,
        /// File with what a terminal makes of the unit.
        expected: PathBuf,
        /// Given up after this time.
        limit_s: u64,
    },
    /// Types keys and waits for each echo.
    Echo {
        /// Through here.
        door: Door,
        /// The session.
        id: String,
        /// How many, after 20 to warm up.
        samples: usize,
    },
    /// Starts sessions one after the other.
    Start {
        /// Through here.
        door: Door,
        /// How many.
        count: usize,
    },
    /// Starts sessions all at once.
    StartAtOnce {
        /// Through here.
        door: Door,
        /// How many.
        count: usize,
    },
    /// Lets the program print its final screen, leaves, and comes back again and again.
    Reattach {
        /// Through here.
        door: Door,
        /// The session.
        id: String,
        /// Directory of the notes.
        notes: PathBuf,
        /// How often it comes back.
        times: usize,
        /// Given up after this time.
        limit_s: u64,
    },
    /// Reads bulk output with many clients.
    Fan {
        /// Through here.
        door: Door,
        /// The session.
        id: String,
        /// How many clients.
        readers: usize,
        /// How many of them stop reading once attached.
        stopped: usize,
        /// Given up after this time.
        limit_s: u64,
    },
    /// As `Fan`, with plain gRPC calls instead of terminals.
    GrpcFan {
        /// Socket of the daemon.
        socket: PathBuf,
        /// The session, also its name.
        id: String,
        /// How many clients.
        readers: usize,
        /// Given up after this time.
        limit_s: u64,
    },
    /// Watches a counting program.
    Follow {
        /// Through here.
        door: Door,
        /// The session, and that it is to count from now on.
        begin: Option<String>,
        /// Numbers from here on are new.
        newer: u64,
        /// Ends when this number is seen.
        until: u64,
        /// Or after this time.
        limit_s: u64,
    },
    /// Reads and forgets until its standard input ends; one client.
    Hold {
        /// Through here.
        door: Door,
        /// The session.
        id: String,
        /// What the program is told.
        command: char,
    },
}

/// Does the task that `json` describes and prints its result.
///
/// # Errors
/// If the task cannot be read or done.
pub fn perform(json: &str) -> Result<()> {
    match serde_json::from_str(json)? {
        Task::Bulk { door, id, expected, limit_s } => {
            answer(&bulk::measure(&door, &id, &expected, Duration::from_secs(limit_s))?)
        }
        Task::Echo { door, id, samples } => answer(&echo::measure(&door, &id, samples)?),
        Task::Start { door, count } => answer(&start::one_by_one(&door, count)?),
        Task::StartAtOnce { door, count } => answer(&start::at_once(&door, count)?),
        Task::Reattach { door, id, notes, times, limit_s } => {
            let limit = Duration::from_secs(limit_s);
            answer(&reattach::measure(&door, &id, &notes, times, limit)?)
        }
        Task::Fan { door, id, readers, stopped, limit_s } => {
            let limit = Duration::from_secs(limit_s);
            answer(&fan::measure(&door, &id, readers, stopped, limit)?)
        }
        Task::GrpcFan { socket, id, readers, limit_s } => {
            answer(&grpc::measure(&socket, &id, readers, Duration::from_secs(limit_s))?)
        }
        Task::Follow { door, begin, newer, until, limit_s } => {
            let limit = Duration::from_secs(limit_s);
            answer(&follow::watch(&door, begin.as_deref(), newer..until, limit)?)
        }
        Task::Hold { door, id, command } => hold(&door, &id, command),
    }
}

fn hold(door: &Door, id: &str, command: char) -> Result<()> {
    let mut connection = Connection::open(door, 0)?;
    connection.ping(id, ATTACH_PATIENCE)?;
    connection.send(command.to_string().as_bytes())?;
    answer(&())?;
    std::thread::spawn(move || connection.drain(Duration::from_secs(3600)));
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn answer(result: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, result)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Tells the driver that now is the time to look, and waits until it has.
fn let_driver_look() -> Result<()> {
    answer(&())?;
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// A probe at work. Dropped: it is killed.
#[derive(Debug)]
pub struct Probe {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Probe {
    /// Starts a probe in `home`'s environment.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn start(home: &Home, task: &Task) -> Result<Self> {
        let driver = std::env::current_exe()?.display().to_string();
        let mut command = home.command(&[&driver, "probe", &serde_json::to_string(task)?])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("its output is a pipe")?);
        Ok(Self { child, stdin, stdout })
    }

    /// Waits for the next line it prints.
    ///
    /// # Errors
    /// If it ends instead, or prints something else than a `T`.
    pub fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        if line.is_empty() {
            return Err("the probe failed; its reason is in the log".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Lets a probe that waits for it go on.
    ///
    /// # Errors
    /// If it is gone.
    pub fn go_on(&mut self) -> Result<()> {
        let stdin = self.stdin.as_mut().ok_or("it was told to end")?;
        Ok(stdin.write_all(b"\n")?)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stdin = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Does one task in `home`.
///
/// # Errors
/// Those of the probe.
pub fn probe<T: DeserializeOwned>(home: &Home, task: &Task) -> Result<T> {
    Probe::start(home, task)?.answer()
}
