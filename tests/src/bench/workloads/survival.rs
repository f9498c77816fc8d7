//! W8: the daemon is killed while the program works and a client watches.

use std::time::{Duration, Instant};

use super::{Effort, Session};
use crate::{
    bench::{
        Result,
        figures::{Figures, Follow, Survival},
        notes::Notes,
        peers::Peer,
        probe::{Probe, Task, probe},
    },
    pause,
    processes::{Process, Signal},
};

/// The program counts for so long before and after the kill.
const WHILE: Duration = Duration::from_secs(1);
/// A client that sees so many new numbers reads on.
const ENOUGH: u64 = 200;

pub(super) fn survival(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let session = Session::create(peer, effort, 0)?;
    let door = session.door(peer);
    // The client that is there all the time: a peer that can will bring it all numbers.
    let watch = Task::Follow {
        door: door.clone(),
        begin: Some(session.id.clone()),
        newer: 0,
        until: u64::MAX,
        limit_s: 6,
    };
    let mut watcher = Probe::start(peer.home(), &watch)?;
    Notes::wait_for(&session.notes.count(), Duration::from_secs(20))?;
    pause(WHILE);

    let program = program(&session)?;
    let count = || Notes::number(&session.notes.count()).unwrap_or_default();
    let victims = peer.victims()?;
    let count_at_kill = count();
    victims.iter().for_each(|victim| victim.signal(Signal::KILL));
    pause(WHILE);
    let mut survival = Survival {
        killed: victims.len(),
        program_survived: program.is_alive(),
        count_at_kill,
        count_later: count(),
        ..Survival::default()
    };

    if survival.program_survived {
        let restarted = Instant::now();
        peer.start()?;
        let newer = count() + 1;
        let task = Task::Follow { door, begin: None, newer, until: newer + ENOUGH, limit_s: 8 };
        let asked_s = restarted.elapsed().as_secs_f64();
        let after: Follow = probe(peer.home(), &task)?;
        survival.readable_after_s = after.first_s.map(|first_s| asked_s + first_s);
        survival.after = Some(after);
    }
    survival.client = watcher.answer().ok();
    program.signal(Signal::KILL);
    Ok(Figures::Survival(survival))
}

fn program(session: &Session) -> Result<Process> {
    let pid = Notes::number(&session.notes.ready()).ok_or("the program has not said its pid")?;
    Ok(Process::read(i32::try_from(pid)?).ok_or("the program is gone")?)
}
