//! W6: how long until a client that comes back sees the right screen.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::ATTACH_PATIENCE;
use crate::{
    Emulator,
    bench::{
        CHECKED_ROWS, Result, SIZE,
        connection::{Connection, Door, Received},
        figures::{Reattach, Times},
        final_row,
        notes::Notes,
    },
    pause,
};

/// Between the last output and the first return.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Between two returns.
const PAUSE: Duration = Duration::from_millis(400);
/// A screen that is not right after this time never will be.
const PATIENCE: Duration = Duration::from_secs(5);
/// A screen that stays right for this long is right.
const STAYS: Duration = Duration::from_millis(300);

pub(super) fn measure(
    door: &Door,
    id: &str,
    notes: &Path,
    times: usize,
    limit: Duration,
) -> Result<Reattach> {
    print_screen(door, id, &Notes::new(notes, id).done(), limit)?;
    pause(FIRST_PAUSE);
    let mut result = Reattach::default();
    let mut times_ms = Vec::new();
    for index in 0..times {
        let screen = come_back(door, id)?;
        result.right_rows = screen.right_rows;
        result.bytes = screen.bytes;
        match screen.time {
            Some(time) if index == 0 => result.first_ms = Some(time.as_secs_f64() * 1e3),
            Some(time) => times_ms.push(time.as_secs_f64() * 1e3),
            None => break,
        }
        pause(PAUSE);
    }
    result.times = Times::of(times_ms);
    Ok(result)
}

fn print_screen(door: &Door, id: &str, done: &Path, limit: Duration) -> Result<()> {
    let mut connection = Connection::open(door, 0)?;
    connection.ping(id, ATTACH_PATIENCE)?;
    connection.send(b"s")?;
    let begin = Instant::now();
    let mut seen = Vec::new();
    while !done.exists() && begin.elapsed() < limit {
        if connection.receive(Duration::from_millis(50), &mut seen) == Received::Closed {
            return Err("closed while it printed".into());
        }
        seen.clear();
    }
    connection.drain(STAYS);
    connection.close();
    if done.exists() { Ok(()) } else { Err("the program has not printed everything".into()) }
}

struct Screen {
    time: Option<Duration>,
    right_rows: usize,
    bytes: usize,
}

fn come_back(door: &Door, id: &str) -> Result<Screen> {
    let mut emulator = Emulator::new(SIZE);
    let mut screen = Screen { time: None, right_rows: 0, bytes: 0 };
    let mut seen = Vec::new();
    let begin = Instant::now();
    let mut connection = Connection::open(door, 0)?;
    while begin.elapsed() < PATIENCE {
        let patience = if screen.time.is_some() { STAYS } else { FIRST_PAUSE };
        seen.clear();
        let Received::Bytes(len) = connection.receive(patience, &mut seen) else { break };
        screen.bytes += len;
        emulator.feed(&seen);
        screen.right_rows = right_rows(&emulator, id);
        if screen.right_rows == usize::from(CHECKED_ROWS) {
            screen.time.get_or_insert_with(|| begin.elapsed());
        } else {
            screen.time = None;
        }
    }
    connection.close();
    Ok(screen)
}

fn right_rows(emulator: &Emulator, id: &str) -> usize {
    (0..CHECKED_ROWS).filter(|row| emulator.row(*row) == final_row(id, *row)).count()
}
