//! W4 and W5: many sessions that do nothing.

use std::time::{Duration, Instant};

use super::{Effort, Session};
use crate::{
    bench::{
        Result,
        figures::{Figures, Idle, Memory},
        notes::Notes,
        peers::Peer,
    },
    pause,
};

/// Each session prints so many lines (about 90 KB) before it idles.
const LINES: u32 = 1000;
/// Between the last session's last line and the look at memory.
const MEMORY_SETTLES: Duration = Duration::from_secs(2);
/// Before processor time is counted.
const PROCESSOR_SETTLES: Duration = Duration::from_secs(6);
/// For so long.
const COUNTED: Duration = Duration::from_secs(30);

pub(super) fn memory(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let wanted = effort.count.unwrap_or(200);
    let before_kb = peer.home().memory_kb();
    let sessions = many(peer, effort, wanted)?;
    pause(MEMORY_SETTLES);
    let total_kb = peer.home().memory_kb();
    Ok(Figures::Memory(Memory {
        wanted,
        sessions,
        before_kb,
        total_kb,
        per_session_kb: total_kb / sessions.max(1) as u64,
        processes: peer.home().helpers().len(),
    }))
}

pub(super) fn processor(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let sessions = many(peer, effort, effort.count.unwrap_or(100))?;
    pause(PROCESSOR_SETTLES);
    let (begin, before_s) = (Instant::now(), peer.home().cpu_seconds());
    pause(COUNTED);
    let used_s = peer.home().cpu_seconds() - before_s;
    let cpu_s_per_min = used_s / begin.elapsed().as_secs_f64() * 60.0;
    Ok(Figures::Idle(Idle { sessions, cpu_s_per_min }))
}

/// Starts `wanted` sessions; how many of them have printed their lines.
fn many(peer: &mut dyn Peer, effort: &Effort, wanted: usize) -> Result<usize> {
    let mut sessions = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let session = Session::plan(effort, Some(LINES));
        peer.create(&session.id, &session.argv)?;
        sessions.push(session);
    }
    let is_up = |session: &&Session| {
        Notes::wait_for(&session.notes.ready(), Duration::from_secs(60)).is_ok()
    };
    Ok(sessions.iter().filter(is_up).count())
}
