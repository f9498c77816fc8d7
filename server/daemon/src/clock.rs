//! The only door to the wall clock.

#[cfg(test)]
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use codeplane_core::Timestamp;

/// Tells the time of day.
///
/// Nothing that must happen after a while may use it: the wall clock jumps. Such things use the
/// runtime's monotonic timers.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The machine's.
    System,
    /// One that tests set, in microseconds since the epoch.
    #[cfg(test)]
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The present time of day.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_micros(system_micros()),
            #[cfg(test)]
            Self::Manual(micros) => Timestamp::from_micros(micros.load(Ordering::Relaxed)),
        }
    }
}

#[expect(clippy::disallowed_types, reason = "this is the clock")]
fn system_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A machine whose clock is before 1970 has no time of day worth recording.
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
