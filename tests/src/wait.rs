//! Polling of facts. No test sleeps and hopes.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for what normally takes milliseconds: a loaded machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a test waits for a real agent: its command line alone takes ten seconds and more to
/// start where many of them share two cores.
pub const AGENT_PATIENCE: Duration = Duration::from_secs(120);

/// Time between two looks at a fact: short against what a person notices, long against a look.
const INTERVAL: Duration = Duration::from_millis(5);

/// The answer of one look: the fact, or what was seen instead.
pub trait Fact {
    /// What is known once the fact holds.
    type Value;

    /// The value, or what was seen instead, for the message of a failed test.
    ///
    /// # Errors
    /// What was seen, if the fact does not hold yet.
    fn look(self) -> Result<Self::Value, String>;
}

impl Fact for bool {
    type Value = ();

    fn look(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("not yet".into()) }
    }
}

impl<T> Fact for Option<T> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing yet".into())
    }
}

impl<T, E: Debug> Fact for Result<T, E> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Looks at a fact until it holds and returns its value.
///
/// # Panics
/// At the deadline, with `what` and the last value seen.
#[track_caller]
pub fn wait_until<F: Fact>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> F,
) -> F::Value {
    let end = Instant::now() + deadline;
    loop {
        match look().look() {
            Ok(value) => return value,
            Err(seen) if Instant::now() >= end => panic!("{}", complaint(what, deadline, &seen)),
            Err(_) => pause(INTERVAL),
        }
    }
}

/// As [`wait_until`] for facts that are looked at by a future.
///
/// # Panics
/// At the deadline, with `what` and the last value seen.
pub async fn wait_until_async<F: Fact>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> F,
) -> F::Value {
    let end = Instant::now() + deadline;
    loop {
        match look().await.look() {
            Ok(value) => return value,
            Err(seen) if Instant::now() >= end => panic!("{}", complaint(what, deadline, &seen)),
            Err(_) => tokio::time::sleep(INTERVAL).await,
        }
    }
}

fn complaint(what: &str, deadline: Duration, seen: &str) -> String {
    format!("waited {deadline:?} for {what}; seen last: {seen}")
}

/// Whether a test that needs root may go on; says why not, as a skipped test must.
#[must_use]
#[allow(clippy::print_stderr, reason = "shown by the test runner")]
pub fn as_root_only(what: &str) -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root can {what}");
    }
    is_root
}

/// How often a test is to try: `short` usually, `long` with `CODEPLANE_TEST_LONG=1`.
#[must_use]
pub fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("CODEPLANE_TEST_LONG").is_some_and(|value| value == "1") {
        long
    } else {
        short
    }
}

/// Lets time pass, where passing time is what is measured or what a poll does between two looks.
#[allow(clippy::disallowed_methods, reason = "there is no runtime here that could be blocked")]
pub fn pause(time: Duration) {
    thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_that_comes_to_hold_yields_its_value() {
        let mut looks = 0;

        let value = wait_until("three looks", PATIENCE, || {
            looks += 1;
            (looks == 3).then_some(looks)
        });

        assert_eq!(value, 3);
    }

    #[test]
    #[should_panic(expected = "for a number; seen last: \"seven\"")]
    fn a_fact_that_never_holds_says_what_was_seen_last() {
        wait_until("a number", Duration::from_millis(20), || Err::<(), _>("seven"));
    }
}
