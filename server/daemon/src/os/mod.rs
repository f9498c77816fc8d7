//! What the daemon asks of the operating system, in one place, so that another one can follow.

mod ancestry;
mod file_watch;
mod limits;
mod notify;
mod orphans;
mod peer;
mod seal;
mod signal;
mod user;

pub(crate) use ancestry::{Ancestry, ancestry, inherited_mark, session_mark};
pub(crate) use file_watch::{FileWatch, FileWatcher, Target};
pub(crate) use limits::{open_files, raise_open_files, yield_to_others};
pub(crate) use notify::{Notification, notify};
pub(crate) use orphans::Orphans;
pub(crate) use peer::PeerProcess;
pub(crate) use seal::seal;
pub(crate) use signal::signal_number;
pub(crate) use user::{own_user, user_id};

use std::fs;

/// Identifies this start of the machine; a process of another one cannot be alive.
#[must_use]
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Whether a process is there that has not ended.
#[must_use]
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state comes behind the name in parentheses, which may contain anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
