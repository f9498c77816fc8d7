//! W2: one key, and the time until it is seen.

use std::time::{Duration, Instant};

use super::ATTACH_PATIENCE;
use crate::{
    bench::{
        Result,
        connection::{Connection, Door, Received, tail},
        figures::{Echo, Times},
    },
    pause,
};

/// Keys that occur in no escape sequence of a redraw.
const KEYS: &[u8] = b"!#&@^~+_|";
/// The first ones are not counted.
const WARM_UP: usize = 20;
/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// All together.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn measure(door: &Door, id: &str, samples: usize) -> Result<Echo> {
    let mut connection = Connection::open(door, 0)?;
    connection.ping(id, ATTACH_PATIENCE)?;
    connection.send(b"e")?;
    pause(Duration::from_millis(300));
    let mut times_ms = Vec::with_capacity(samples);
    let mut lost = 0;
    let begin = Instant::now();
    for (index, key) in KEYS.iter().copied().cycle().enumerate().take(samples + WARM_UP) {
        match echo(&mut connection, key)? {
            Some(time) if index >= WARM_UP => times_ms.push(time.as_secs_f64() * 1e3),
            Some(_) => {}
            None => lost += 1,
        }
        if begin.elapsed() > LIMIT {
            break;
        }
        pause(Duration::from_millis(1));
    }
    connection.close();
    Ok(Echo { times: Times::of(times_ms), lost })
}

fn echo(connection: &mut Connection, key: u8) -> Result<Option<Duration>> {
    // What a status line redraws meanwhile is no answer.
    connection.drain(Duration::ZERO);
    let mut seen = Vec::new();
    let begin = Instant::now();
    connection.send(&[key])?;
    while begin.elapsed() < PATIENCE {
        let before = seen.len();
        if connection.receive(PATIENCE, &mut seen) == Received::Closed {
            return Err(format!("closed: {}", tail(&seen)).into());
        }
        if memchr::memchr(key, &seen[before..]).is_some() {
            return Ok(Some(begin.elapsed()));
        }
    }
    Ok(None)
}
