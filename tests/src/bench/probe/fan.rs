//! W7: many clients on one session, some of which may stop reading.

use std::{thread, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    ATTACH_PATIENCE,
    bulk::{BulkResult, read_between_marks},
};
use crate::bench::{
    Result,
    connection::{Connection, Door},
};

/// What the readers received together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FanResult {
    /// Readers that saw the end mark.
    pub finished: usize,
    /// Until the slowest of them saw it.
    pub seconds: f64,
    /// Terminal bytes received by all.
    pub bytes: u64,
}

impl FanResult {
    /// The sum of what single readers received.
    #[must_use]
    pub fn of(readers: &[BulkResult]) -> Self {
        let finished = || readers.iter().filter(|reader| reader.why.is_none());
        let slowest = |seconds: f64, reader: &BulkResult| seconds.max(reader.seconds);
        Self {
            finished: finished().count(),
            seconds: match finished().count() {
                0 => readers.iter().fold(0.0, slowest),
                _ => finished().fold(0.0, slowest),
            },
            bytes: readers.iter().map(|reader| reader.bytes).sum(),
        }
    }
}

pub(super) fn measure(
    door: &Door,
    id: &str,
    readers: usize,
    stopped: usize,
    limit: Duration,
) -> Result<FanResult> {
    let mut reading: Vec<Connection> = Vec::new();
    for index in 0..readers {
        let mut connection = Connection::open(door, index)?;
        connection.ping(id, ATTACH_PATIENCE).map_err(|error| format!("reader {index}: {error}"))?;
        // Those already there have seen the pong as well.
        reading.iter_mut().for_each(|other| other.drain(Duration::ZERO));
        reading.push(connection);
    }
    let mut not_reading = reading.split_off(readers - stopped);
    // The last one to come holds control, where only one client does.
    if let Some(last) = not_reading.last_mut().or(reading.last_mut()) {
        last.send(b"g")?;
    }
    let results: Vec<BulkResult> = thread::scope(|scope| {
        let threads: Vec<_> = reading
            .iter_mut()
            .map(|connection| scope.spawn(move || read_between_marks(connection, id, &[], limit)))
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    Ok(FanResult::of(&results))
}
