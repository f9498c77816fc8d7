//! Limits of the process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the number of files this process may have open to what the system allows it.
///
/// Every session needs a few descriptors and every attachment two; the usual soft limit of 1,024
/// is there for programs that use `select`.
pub(crate) fn raise_open_files() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, "the limit on open files cannot be raised");
    }
}

/// How many files this process may have open.
#[must_use]
pub(crate) fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
}

/// Lets other threads go first: what the calling thread does can wait.
pub(crate) fn yield_to_others() {
    // SAFETY: the call takes numbers only. Zero is the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 5) };
    if result != 0 {
        tracing::debug!("the priority of a thread cannot be lowered");
    }
}
