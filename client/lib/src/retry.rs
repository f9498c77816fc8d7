//! When to try again.

use std::time::Duration;

use uuid::Uuid;

/// Waiting times that double up to a limit, each shortened at random by up to a half, so that
/// clients which lost the same daemon do not come back at the same moment.
///
/// ```
/// use std::time::Duration;
/// use codeplane_client::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
/// assert!(backoff.next_delay() <= Duration::from_millis(10));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    limit: Duration,
}

impl Backoff {
    /// Begins with `first` and does not go beyond `limit`.
    #[must_use]
    pub const fn new(first: Duration, limit: Duration) -> Self {
        Self { next: first, limit }
    }

    /// How long to wait now.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.limit);
        delay.mul_f64(1.0 - random_fraction() / 2.0)
    }
}

/// Between 0 and 1. Version 4 UUIDs are the random numbers this crate has anyway.
fn random_fraction() -> f64 {
    let [a, b, ..] = *Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit_and_are_shortened_at_most_by_half() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40));

        for expected in [10, 20, 40, 40] {
            let delay = backoff.next_delay();

            assert!(delay <= Duration::from_millis(expected), "{delay:?}");
            assert!(delay >= Duration::from_millis(expected / 2), "{delay:?}");
        }
    }
}
