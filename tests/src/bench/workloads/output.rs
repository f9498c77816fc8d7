//! W1, W6 and W7: a lot of output.

use std::{fs, thread, time::Duration};

use super::{Effort, Session};
use crate::{
    bench::{
        CHECKED_ROWS, Result,
        figures::{Bulk, Fan, Figures, Reattach},
        home::Home,
        peers::{Peer, Portion},
        probe::{BulkResult, FanResult, Probe, Task, probe},
        unit::UNIT_BYTES,
    },
    pause,
};

/// Bulk output that takes longer is given up: the slowest peer writes 5 MB/s.
const LIMIT_S: u64 = 90;

/// Readers of W7.
const READERS: usize = 8;

/// Who reads in W7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Eight attach clients.
    All,
    /// Eight attach clients, the last of which stops reading.
    OneStopped,
    /// Eight plain gRPC readers.
    Grpc,
}

pub(super) fn bulk(peer: &mut dyn Peer, effort: &Effort) -> Result<Figures> {
    let megabytes = effort.megabytes_for(peer.nature().takes).next_multiple_of(16);
    let session = Session::create(peer, effort, megabytes)?;
    let before_s = peer.home().cpu_seconds();
    let task = Task::Bulk {
        door: session.door(peer),
        id: session.id.clone(),
        expected: effort.unit.expected.clone(),
        limit_s: LIMIT_S,
    };
    let mut probe = Probe::start(peer.home(), &task)?;
    probe.answer::<()>()?;
    // Now: before the client goes and the daemon does anything about that.
    let daemon_cpu_s = peer.home().cpu_seconds() - before_s;
    probe.go_on()?;
    let result: BulkResult = probe.answer()?;
    if let Some(why) = result.why {
        return Err(why.into());
    }
    let expected_bytes = received_in_full(effort, megabytes)?;
    Ok(Figures::Bulk(Bulk {
        megabytes,
        seconds: result.seconds,
        mb_per_s: (megabytes << 20) as f64 / 1e6 / result.seconds,
        lossless: result.right == expected_bytes,
        received_ratio: result.bytes as f64 / expected_bytes as f64,
        first_mismatch: result.first_mismatch,
        daemon_cpu_s,
        client_cpu_s: result.client_cpu_s,
    }))
}

pub(super) fn reattach(peer: &mut dyn Peer, effort: &Effort, megabytes: u64) -> Result<Figures> {
    let session = Session::create(peer, effort, megabytes)?;
    let task = Task::Reattach {
        door: session.door(peer),
        id: session.id,
        notes: effort.notes.clone(),
        times: effort.count.unwrap_or(11),
        limit_s: LIMIT_S + megabytes / 5,
    };
    let result: Reattach = probe(peer.home(), &task)?;
    if result.right_rows < usize::from(CHECKED_ROWS) {
        let right = result.right_rows;
        return Err(format!("only {right} of {CHECKED_ROWS} rows are right").into());
    }
    Ok(Figures::Reattach(Reattach { megabytes, ..result }))
}

pub(super) fn fan(peer: &mut dyn Peer, effort: &Effort, readers: Readers) -> Result<Figures> {
    let megabytes = match peer.nature().takes {
        Portion::Full => 64,
        Portion::Quarter => 16,
    };
    let session = Session::create(peer, effort, megabytes)?;
    let task = fan_task(peer, &session, readers)?;
    let before_kb = peer.home().memory_kb();
    let (result, peak_kb) = while_watched(peer.home(), &task)?;
    let reading = if readers == Readers::OneStopped { READERS - 1 } else { READERS };
    let expected_bytes = received_in_full(effort, megabytes)? * reading as u64;
    Ok(Figures::Fan(Fan {
        megabytes,
        readers: reading,
        finished: result.finished,
        seconds: result.seconds,
        bytes: result.bytes,
        received_ratio: result.bytes as f64 / expected_bytes as f64,
        total_mb_per_s: result.bytes as f64 / 1e6 / result.seconds,
        program_finished: session.notes.done().exists(),
        memory_growth_kb: peak_kb.saturating_sub(before_kb),
    }))
}

fn fan_task(peer: &dyn Peer, session: &Session, readers: Readers) -> Result<Task> {
    let id = session.id.clone();
    let stopped = match readers {
        Readers::All => 0,
        Readers::OneStopped => 1,
        Readers::Grpc => {
            let socket = peer.grpc_socket().ok_or("it has no gRPC API")?;
            return Ok(Task::GrpcFan { socket, id, readers: READERS, limit_s: LIMIT_S });
        }
    };
    let door = session.door(peer);
    Ok(Task::Fan { door, id, readers: READERS, stopped, limit_s: LIMIT_S })
}

/// Does a task and finds the peak of the helpers' memory meanwhile, ten times a second.
fn while_watched(home: &Home, task: &Task) -> Result<(FanResult, u64)> {
    thread::scope(|scope| {
        let work = scope.spawn(|| probe(home, task));
        let mut peak_kb = 0;
        while !work.is_finished() {
            peak_kb = peak_kb.max(home.memory_kb());
            pause(Duration::from_millis(100));
        }
        let result = work.join().map_err(|_| "the probe's thread panicked")??;
        Ok((result, peak_kb))
    })
}

/// What a terminal makes of `megabytes` of bulk output.
fn received_in_full(effort: &Effort, megabytes: u64) -> Result<u64> {
    let unit_megabytes = (UNIT_BYTES >> 20) as u64;
    Ok(megabytes / unit_megabytes * fs::metadata(&effort.unit.expected)?.len())
}
