//! The workloads: what is done with one peer, once.

mod hooks;
mod idle;
mod output;
mod rules;
mod survival;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    Result,
    connection::Door,
    figures::Figures,
    home::Home,
    notes::Notes,
    peers::{Peer, Portion, Sessions},
    probe::{Probe, Task, probe},
    unit::UnitFiles,
};
use crate::binary;

/// Names of all workloads, in the order of the tables.
pub const NAMES: [&str; 18] = [
    "w1", "w2", "w2f", "w3", "w3p", "w4", "w5", "w6", "w6g", "w7", "w7g", "w7s", "w8", "h1", "h2",
    "h3", "h4", "h4p",
];

/// Numbers the sessions of one driver.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// How much is to be done.
#[derive(Clone, Debug)]
pub struct Effort {
    /// MiB of bulk output of W1; peers that take a quarter get that.
    pub megabytes: u64,
    /// Samples or sessions, where the workload's own number is not wanted.
    pub count: Option<usize>,
    /// Where programs leave their notes.
    pub notes: PathBuf,
    /// The bulk output.
    pub unit: UnitFiles,
}

impl Effort {
    /// MiB of bulk output for a peer.
    #[must_use]
    pub const fn megabytes_for(&self, portion: Portion) -> u64 {
        match portion {
            Portion::Full => self.megabytes,
            Portion::Quarter => self.megabytes.div_ceil(4),
        }
    }
}

/// Does workload `name` with a peer that was not started yet.
///
/// # Errors
/// Whatever kept the measurement from being made.
pub fn perform(name: &str, peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    peer.start()?;
    match name {
        "w1" => output::bulk(peer, effort),
        "w2" => echo(peer, effort),
        "w2f" => echo_under_flood(peer, effort),
        "w3" => start(peer, effort),
        "w3p" => start_at_once(peer, effort),
        "w4" => idle::memory(peer, effort),
        "w5" => idle::processor(peer, effort),
        "w6" => output::reattach(peer, effort, 10),
        "w6g" => output::reattach(peer, effort, 1024),
        "w7" => output::fan(peer, effort, output::Readers::All),
        "w7g" => output::fan(peer, effort, output::Readers::Grpc),
        "w7s" => output::fan(peer, effort, output::Readers::OneStopped),
        "w8" => survival::survival(peer, effort),
        "h1" => hooks::round_trip(peer, effort),
        "h2" => rules::evaluations(effort),
        "h3" => hooks::decisions(peer, effort),
        "h4" => hooks::fairness(peer, effort),
        "h4p" => hooks::fairness_of_person(peer, effort),
        unknown => Err(format!("no workload {unknown:?}; there are {NAMES:?}").into()),
    }
}

/// A session with the benchmark's program.
#[derive(Debug)]
struct Session {
    id: String,
    argv: Vec<String>,
    notes: Notes,
}

impl Session {
    /// Names a session and its program; `lines` are printed at first.
    fn plan(effort: &Effort, lines: Option<u32>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("b{}x{number}", std::process::id());
        let mut argv = vec![
            binary("benchprog").display().to_string(),
            "run".into(),
            id.clone(),
            effort.notes.display().to_string(),
            effort.unit.written.display().to_string(),
        ];
        argv.extend(lines.map(|lines| lines.to_string()));
        let notes = Notes::new(&effort.notes, &id);
        Self { id, argv, notes }
    }

    /// Starts one that is to print `megabytes` when it is told to.
    fn create(peer: &mut dyn Peer, effort: &Effort, megabytes: u64) -> Result<Self> {
        let session = Self::plan(effort, None);
        fs::write(session.notes.megabytes(), megabytes.to_string())?;
        peer.create(&session.id, &session.argv)?;
        if peer.nature().sessions == Sessions::Detached {
            Notes::wait_for(&session.notes.ready(), Duration::from_secs(15))?;
        }
        Ok(session)
    }

    fn door(&self, peer: &dyn Peer) -> Door {
        peer.door(&self.id, &self.argv)
    }
}

fn echo(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let session = Session::create(peer, effort, 0)?;
    let samples = effort.count.unwrap_or(2000);
    let task = Task::Echo { door: session.door(peer), id: session.id, samples };
    Ok(Figures::Echo(probe(peer.home(), &task)?))
}

fn echo_under_flood(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let flooding = Session::create(peer, effort, 0)?;
    let task = Task::Hold { door: flooding.door(peer), id: flooding.id, command: 'f' };
    let _flood = hold(peer.home(), &task)?;
    crate::pause(Duration::from_millis(500));
    echo(peer, effort)
}

fn hold(home: &Home, task: &Task) -> Result<Probe> {
    let mut holder = Probe::start(home, task)?;
    holder.answer::<()>()?;
    Ok(holder)
}

/// What W3 starts: ready at once, then there for ever.
fn ready_program() -> Vec<String> {
    ["sh", "-c", "echo ready; exec sleep inf"].map(str::to_owned).into()
}

fn start(peer: &dyn Peer, effort: &Effort) -> Result<Figures> {
    let door = peer.start_door(&ready_program());
    let task = Task::Start { door, count: effort.count.unwrap_or(50) };
    Ok(Figures::Start(probe(peer.home(), &task)?))
}

fn start_at_once(peer: &dyn Peer, effort: &Effort) -> Result<Figures> {
    let door = peer.start_door(&ready_program());
    let task = Task::StartAtOnce { door, count: effort.count.unwrap_or(200) };
    Ok(Figures::StartAtOnce(probe(peer.home(), &task)?))
}
