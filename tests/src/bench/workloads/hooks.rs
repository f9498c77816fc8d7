//! H1, H3 and H4: agents that ask whether they may do something.

use std::{fs::File, path::PathBuf, time::Duration};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Effort, NEXT, Ordering};
use crate::{
    bench::{
        Result,
        asking::{self, ALLOWED, ASKED, Asking, Call},
        connection::Connection,
        figures::{Decisions, Fairness, Figures, Times},
        notes::Notes,
        peers::{Peer, Sessions},
    },
    binary,
};

mod person;

/// A measurement that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(600);

/// Connections of H3. The writer commits what waits together, so that many askers share one fsync.
const CONNECTIONS: usize = 32;

/// Agents of H4.
const AGENTS: usize = 100;

/// Calls of each of them, where rules answer.
const CALLS_OF_AGENT: usize = 20;

/// H1: from a hook's exec to its end.
pub(super) fn round_trip(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let hook = peer.start_judging()?;
    let count = effort.count.unwrap_or(1000);
    let agent = Agent::named(effort);
    let mut argv = agent.argv("hooks");
    argv.push(count.to_string());
    argv.extend(hook);
    let _connection = agent.start(peer, &argv)?;
    Ok(Figures::RoundTrip(Times::of(agent.result()?)))
}

/// H3: as many decisions a second as there can be, over connections that are kept.
pub(super) fn decisions(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    peer.start_judging()?;
    let count = effort.count.unwrap_or(8000).div_ceil(CONNECTIONS);
    let asking = asking(CONNECTIONS, count, ALLOWED, None);
    let agent = Agent::named(effort);
    let _connection = agent.start(peer, &agent.asks(&asking))?;
    let calls: Vec<Call> = agent.result()?;
    let begin = calls.iter().map(|call| call.asked_us).min().ok_or("nothing was asked")?;
    let end = calls.iter().map(|call| call.answered_us).max().unwrap_or(begin);
    let allowed = calls.iter().filter(|call| call.allowed).count();
    Ok(Figures::Decisions(Decisions {
        connections: CONNECTIONS,
        decisions: calls.len(),
        allowed,
        per_s: allowed as f64 / ((end - begin) as f64 / 1e6),
        recorded: peer.records()?,
        times: Times::of(calls.iter().map(Call::wait_ms).collect()),
    }))
}

/// H4: many agents ask at once, and rules answer.
pub(super) fn fairness(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    peer.start_judging()?;
    let crowd = Crowd::gather(peer, effort, (CALLS_OF_AGENT, ALLOWED))?;
    let _open = crowd.begin()?;
    crowd.figures(None)
}

/// H4p: many agents ask at once, and a person decides one after the other.
pub(super) fn fairness_of_person(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    peer.start_judging()?;
    let socket = peer.grpc_socket().ok_or("nobody can decide there")?;
    let crowd = Crowd::gather(peer, effort, (1, ASKED))?;
    let _open = crowd.begin()?;
    let decided = person::decide_all(&socket, crowd.agents.len())?;
    crowd.figures(Some(&decided))
}

fn asking(connections: usize, count: usize, command: &str, gate: Option<PathBuf>) -> Asking {
    Asking { connections, count, command: command.to_owned(), gate }
}

/// A session whose program asks.
struct Agent {
    id: String,
    notes: Notes,
}

impl Agent {
    fn named(effort: &Effort) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("a{}x{number}", std::process::id());
        let notes = Notes::new(&effort.notes, &id);
        Self { id, notes }
    }

    fn argv(&self, mode: &str) -> Vec<String> {
        let note = self.notes.done().display().to_string();
        vec![binary("benchprog").display().to_string(), mode.to_owned(), note, self.id.clone()]
    }

    fn asks(&self, asking: &Asking) -> Vec<String> {
        let mut argv = self.argv("ask");
        argv.extend(asking.arguments());
        argv
    }

    /// Starts it where the peer's programs run; what is answered has to be kept until it is over.
    fn start(&self, peer: &mut dyn Peer, argv: &[String]) -> Result<Option<Connection>> {
        peer.create(&self.id, argv)?;
        match peer.nature().sessions {
            Sessions::Detached => Ok(None),
            Sessions::WithClient => Ok(Some(Connection::open(&peer.door(&self.id, argv), 0)?)),
        }
    }

    fn result<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        Notes::wait_for(&self.notes.done(), PATIENCE)?;
        asking::read(&self.notes.done())
    }
}

/// Agents that wait for one signal.
struct Crowd {
    agents: Vec<Agent>,
    gate: PathBuf,
}

impl Crowd {
    fn gather(
        peer: &mut dyn Peer,
        effort: &Effort,
        (count, command): (usize, &str),
    ) -> Result<Self> {
        let agents = effort.count.unwrap_or(AGENTS);
        let agents: Vec<Agent> = (0..agents).map(|_| Agent::named(effort)).collect();
        let name = agents.first().map(|agent| agent.id.clone()).ok_or("no agents")?;
        let gate = effort.notes.join(format!("{name}.gate"));
        mknodat(CWD, &gate, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        for agent in &agents {
            let asking = asking(1, count, command, Some(gate.clone()));
            drop(agent.start(peer, &agent.asks(&asking))?);
        }
        for agent in &agents {
            Notes::wait_for(&agent.notes.ready(), Duration::from_secs(60))?;
        }
        Ok(Self { agents, gate })
    }

    /// Lets all go; the answer has to be kept as long as one may not have come to the gate.
    fn begin(&self) -> Result<File> {
        Ok(File::options().write(true).open(&self.gate)?)
    }

    /// What became of their calls; `decided` is when a person had decided that of each.
    fn figures(&self, decided: Option<&person::Decided>) -> Result<Figures> {
        let mut waits_ms = Vec::new();
        let mut told_ms = Vec::new();
        let mut longest_of_agent_ms = Vec::new();
        let mut allowed = 0;
        for agent in &self.agents {
            let calls: Vec<Call> = agent.result()?;
            allowed += calls.iter().filter(|call| call.allowed).count();
            waits_ms.extend(calls.iter().map(Call::wait_ms));
            let total: f64 = calls.iter().map(Call::wait_ms).sum();
            longest_of_agent_ms.push(total / calls.len().max(1) as f64);
            let decided_us = decided.and_then(|decided| decided.get(&agent.id));
            if let (Some(decided_us), [call]) = (decided_us, calls.as_slice()) {
                told_ms.push((call.answered_us - decided_us) as f64 / 1e3);
            }
        }
        Ok(Figures::Fairness(Fairness {
            agents: self.agents.len(),
            calls: waits_ms.len(),
            allowed,
            waits: Times::of(waits_ms),
            of_agents: Times::of(longest_of_agent_ms),
            told: decided.map(|_| Times::of(told_ms)),
        }))
    }
}
