//! `cpctl` against small daemons that say what a test tells them to, and misbehave on purpose.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod hook;
