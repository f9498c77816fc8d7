//! What the daemon asks of the operating system, in one place, so that another one can follow.

mod ancestry;
mod limits;
mod notify;
mod signal;

pub(crate) use ancestry::{Ancestry, ancestry, inherited_mark, session_mark};
pub(crate) use limits::{open_files, raise_open_files, yield_to_others};
pub(crate) use notify::{Notification, notify};
pub(crate) use signal::signal_number;

use std::fs;

/// Identifies this start of the machine; a process of another one cannot be alive.
#[must_use]
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
