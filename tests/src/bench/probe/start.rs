//! W3: from the client's exec to the first output of a new session.

use std::{
    sync::{Barrier, mpsc},
    thread,
    time::{Duration, Instant},
};

use memchr::memmem;

use crate::bench::{
    Result,
    connection::{Connection, Door, Received, tail},
    figures::{StartAtOnce, Times},
};

/// A session that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn one_by_one(door: &Door, count: usize) -> Result<Times> {
    let mut times_ms = Vec::with_capacity(count);
    for index in 0..count {
        let (connection, time) = start(door, index)?;
        connection.close();
        times_ms.push(time.as_secs_f64() * 1e3);
    }
    Ok(Times::of(times_ms))
}

pub(super) fn at_once(door: &Door, count: usize) -> Result<StartAtOnce> {
    let barrier = Barrier::new(count + 1);
    let (sender, started) = mpsc::channel();
    thread::scope(|scope| {
        for index in 0..count {
            let (sender, barrier) = (sender.clone(), &barrier);
            scope.spawn(move || {
                barrier.wait();
                // The connection travels along: it stays open until all have started.
                drop(sender.send(start(door, index)));
            });
        }
        barrier.wait();
        let begin = Instant::now();
        let mut last = begin;
        let mut open = Vec::new();
        for (connection, _) in started.iter().take(count).flatten() {
            open.push(connection);
            last = Instant::now();
        }
        let all_ms = (last - begin).as_secs_f64() * 1e3;
        Ok(StartAtOnce { wanted: count, started: open.len(), all_ms })
    })
}

fn start(door: &Door, index: usize) -> Result<(Connection, Duration)> {
    let begin = Instant::now();
    let mut connection = Connection::open(door, index)?;
    let mut seen = Vec::new();
    while begin.elapsed() < PATIENCE {
        if connection.receive(Duration::from_secs(1), &mut seen) == Received::Closed {
            break;
        }
        if memmem::find(&seen, b"ready").is_some() {
            return Ok((connection, begin.elapsed()));
        }
    }
    Err(format!("session {index} did not start: {}", tail(&seen)).into())
}
